"""The state of a rollout: the tasks it started, its stage and its share of the traffic."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from pytest_deploycheck.sandbox.world.ecs.deployment import Stage
from pytest_deploycheck.sandbox.world.names import long_number, service_deployment_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.service_state import ServiceState
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxTaskDefinition
    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask

RolloutState = Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
"""The rollout states of ECS."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """The rollback of a rollout.

    Attributes:
        reason: The reason, in the words of ECS.
        started_at: When it began.
        revision_arn: The service revision to which it returns.
        is_over: Whether the earlier tasks all run again.
        alarms: The alarms that caused it.
    """

    reason: str
    started_at: datetime
    revision_arn: str
    is_over: bool
    alarms: tuple[str, ...]


@dataclass(slots=True, eq=False)
class RolloutRecord:
    """The state of a rollout, which ECS calls a deployment.

    Attributes:
        service: The service.
        definition: The task definition it brings.
        digests: The image digest of each container, as resolved when it began.
        created_at: When it began.
        revision_arn: The ARN of the service revision it brings.
        state: Its rollout state.
        status: `PRIMARY`, `ACTIVE` while its tasks are being replaced, `INACTIVE` when it is gone.
        reason: The reason of its rollout state.
        updated_at: When it last changed.
        finished_at: When it ended; None before.
        rollback: Its rollback, if there was one.
        is_rollback: Whether it is itself the rollback of a failed rollout.
        failed_tasks: The number of its tasks that failed.
        is_alternate: Whether its tasks are registered in the service's alternate target groups.
        stage: The stage of its lifecycle while it is in progress; not for ROLLING. Default: its tasks scale up.
        production_weight: The percentage of users' traffic that its tasks get; default: all or none, by the stage.
        paused_at: The stage at which it waits for a user to continue it; empty while it does not wait.
        pause_id: The id of that pause.
        id: Its id (`ecs-svc/…`), also that of its task set.
        deployment_arn: The ARN of its service deployment.
    """

    service: ServiceState = field(repr=False)
    definition: SandboxTaskDefinition = field(repr=False)
    digests: Mapping[str, str | None]
    created_at: datetime
    revision_arn: str = ""
    state: RolloutState = "IN_PROGRESS"
    status: str = "PRIMARY"
    reason: str = ""
    updated_at: datetime | None = None
    finished_at: datetime | None = None
    rollback: Rollback | None = None
    is_rollback: bool = False
    failed_tasks: int = 0
    is_alternate: bool = False
    stage: Stage | Literal[""] = ""
    production_weight: float | None = None
    paused_at: Stage | Literal[""] = ""
    pause_id: str = field(default_factory=lambda: f"ecs-pause-{secrets.token_urlsafe(32)}", repr=False)
    id: str = field(default_factory=lambda: f"ecs-svc/{long_number()}")
    deployment_arn: str = ""

    def __post_init__(self) -> None:
        service = self.service
        path = (service.cluster, service.name)
        arn = service.account.ecs_arn
        self.revision_arn = self.revision_arn or arn(service.region, "service-revision", *path, long_number())
        self.deployment_arn = arn(service.region, "service-deployment", *path, service_deployment_id())
        self.reason = self.reason or f"ECS deployment {self.id} in progress."
        self.updated_at = self.created_at

    @property
    def tasks(self) -> list[SandboxTask]:
        """The tasks it started, running or not."""
        return [task for task in self.service.all_tasks if task.started_by == self.id]

    @property
    def running_tasks(self) -> list[SandboxTask]:
        """Its running tasks."""
        return [task for task in self.tasks if task.is_running]

    @property
    def target_groups(self) -> tuple[str, ...]:
        """The ARNs of the target groups in which its tasks are registered."""
        return self.service.alternate_target_groups if self.is_alternate else self.service.target_groups

    @property
    def wanted(self) -> int:
        """The desired count of its tasks."""
        is_task_set = self.service.controller != "ECS" and self.status != "INACTIVE"
        if self.status == "PRIMARY" or is_task_set:
            return self.service.desired
        return sum(task.stopped_at is None for task in self.tasks)

    @property
    def consecutive_failures(self) -> int:
        """The number of tasks that failed in a row: zero once a task of it runs."""
        return 0 if self.running_tasks else self.failed_tasks

    @property
    def current_stage(self) -> Stage | Literal[""]:
        """The stage of its lifecycle; empty when it is over."""
        if self.state != "IN_PROGRESS":
            return ""
        return self.stage or self.paused_at or "SCALE_UP"

    @property
    def is_tested(self) -> bool:
        """True if all test traffic goes to its tasks."""
        return self._is_past("TEST_TRAFFIC_SHIFT")

    @property
    def weight(self) -> float:
        """The percentage of users' traffic that its tasks get."""
        if self.state == "IN_PROGRESS" and self.production_weight is not None:
            return self.production_weight
        return 100.0 if self._is_past("PRODUCTION_TRAFFIC_SHIFT") else 0.0

    @property
    def is_steady(self) -> bool:
        """True if the desired count of tasks runs, none is pending, and all are healthy."""
        alive = [task for task in self.tasks if task.stopped_at is None]
        return len(alive) == self.wanted and all(task.is_steady for task in alive)

    def _is_past(self, stage: Stage) -> bool:
        if self.state != "IN_PROGRESS":
            return self.state == "COMPLETED"
        stages = get_args(Stage)
        return stages.index(self.current_stage) > stages.index(stage)
