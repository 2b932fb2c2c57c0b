"""What ECS says of the rollouts of a service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """An entry of a service's `deployments`: how ECS itself keeps count of a rollout.

    Attributes:
        id: Its id, `ecs-svc/…`; tasks name it as what started them.
        status: PRIMARY, ACTIVE, INACTIVE, or a value yet unknown.
        task_definition: ARN of the task definition it brings.
        created_at: When it began.
        rollout_state: IN_PROGRESS, COMPLETED or FAILED; None where ECS does not keep one.
        rollout_reason: ECS's own sentence for it.
        desired: Tasks wanted.
        running: Tasks running.
        pending: Tasks on their way.
        failed: Tasks that failed since one last ran.
    """

    id: str
    status: str
    task_definition: str
    created_at: datetime
    rollout_state: str | None = None
    rollout_reason: str = ""
    desired: int = 0
    running: int = 0
    pending: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class RevisionImage:
    """The image of one container in a service revision; `digest` is what its tag was resolved to."""

    container: str
    image: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """A service revision: a task definition with its tags resolved to digests."""

    arn: str
    task_definition: str
    images: tuple[RevisionImage, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceDeployment:
    """A service deployment: the record ECS keeps of one rollout since October 2024.

    Attributes:
        arn: Its ARN.
        status: PENDING, IN_PROGRESS, SUCCESSFUL, STOPPED, ROLLBACK_SUCCESSFUL and others.
        created_at: When it was asked for.
        started_at: When it began, or None where it has not.
        finished_at: When it ended, or None where it has not.
        reason: ECS's own sentence for the status.
        target: ARN of the service revision it brings.
        rollback_reason: Why it was rolled back, or None where it was not.
        breaker_status: What the circuit breaker says: TRIGGERED, MONITORING and others; None without one.
        alarms: The alarms that went off.
    """

    arn: str
    status: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reason: str = ""
    target: str | None = None
    rollback_reason: str | None = None
    breaker_status: str | None = None
    alarms: tuple[str, ...] = ()
