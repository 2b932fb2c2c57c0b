"""The rollouts of a service as ECS reports them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Deployment(Struct, frozen=True):
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


class TaskSet(Struct, frozen=True):
    """A set of tasks: how ECS keeps count of a rollout that another controller runs (CODE_DEPLOY, EXTERNAL).

    Attributes:
        id: Its id, `ecs-svc/…`; tasks name it as what started them.
        status: PRIMARY where it serves production, ACTIVE where it does not, DRAINING where its tasks are stopped.
        task_definition: ARN of the task definition it brings.
        created_at: When it was made.
        is_steady: Whether all its tasks run and are healthy, as ECS says.
        desired: Tasks wanted.
        running: Tasks running.
        pending: Tasks on their way.
    """

    id: str
    status: str
    task_definition: str
    created_at: datetime
    is_steady: bool = False
    desired: int = 0
    running: int = 0
    pending: int = 0


class RevisionImage(Struct, frozen=True):
    """The image of one container in a service revision; `digest` is what its tag was resolved to."""

    container: str
    image: str
    digest: str | None = None


class Revision(Struct, frozen=True):
    """A service revision: a task definition with its tags resolved to digests."""

    arn: str
    task_definition: str
    images: tuple[RevisionImage, ...] = ()


class Pause(Struct, frozen=True):
    """A hook at which a rollout waits until a user continues it.

    Attributes:
        hook: Id of the hook, by which it is let go on.
        expires_at: When it stops waiting, or None where it does not say.
        then: What happens when it does, such as ROLLBACK; empty where it does not say.
    """

    hook: str
    expires_at: datetime | None = None
    then: str = ""


class ServiceDeployment(Struct, frozen=True):
    """A service deployment: the record ECS keeps of one rollout since October 2024.

    Attributes:
        arn: Its ARN.
        status: PENDING, IN_PROGRESS, SUCCESSFUL, STOPPED, ROLLBACK_SUCCESSFUL and others.
        created_at: When it was asked for.
        started_at: When it began, or None where it has not.
        finished_at: When it ended, or None where it has not.
        reason: ECS's own sentence for the status.
        target: ARN of the service revision it brings.
        sources: ARNs of the service revisions that it replaces.
        rollback_reason: Why it was rolled back, or None where it was not.
        rolled_back_at: When the way back began, or None.
        breaker_status: What the circuit breaker says: TRIGGERED, MONITORING and others; None without one.
        alarms: The alarms that went off.
        strategy: ROLLING, BLUE_GREEN, LINEAR or CANARY; empty where ECS does not say.
        stage: Where in its life it is, such as BAKE_TIME; empty for rolling ones, which have no stages.
        bake_minutes: For how many minutes old and new tasks run side by side after the traffic was shifted.
        production_weight: Percent of the production traffic that is to go to it, or None where ECS does not say.
        pauses: The hooks at which it waits.
    """

    arn: str
    status: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reason: str = ""
    target: str | None = None
    rollback_reason: str | None = None
    rolled_back_at: datetime | None = None
    breaker_status: str | None = None
    alarms: tuple[str, ...] = ()
    strategy: str = ""
    stage: str = ""
    bake_minutes: int = 0
    production_weight: float | None = None
    pauses: tuple[Pause, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def is_going_on(self) -> bool:
        """True if it is neither finished nor being rolled back, so that it can be stopped."""
        return self.status in {"PENDING", "IN_PROGRESS"}
