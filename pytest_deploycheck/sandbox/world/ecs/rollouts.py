"""The rollouts of a service: which tasks each one started, and how it ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, get_args

from pytest_deploycheck.sandbox.stops import EXITED, StopCode, cannot_pull
from pytest_deploycheck.sandbox.world.ecs.deployment import Stage
from pytest_deploycheck.sandbox.world.ecs.tasks import START_UP, SandboxTask
from pytest_deploycheck.sandbox.world.names import ecs_arn, long_number, service_deployment_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import TaskDefinition

RolloutState = Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
"""How far a rollout is, as ECS says it."""

SETTLING = timedelta(seconds=45)
"""How long a rollout takes that meets no trouble."""

_FAILURES = frozenset({"EssentialContainerExited", "ServiceSchedulerInitiated", "TaskFailedToStart"})

CRASHES = 3
"""How many tasks must fail before ECS's circuit breaker trips."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """That a rollout was rolled back.

    Attributes:
        reason: Why, for people.
        started_at: When it began.
        revision_arn: The service revision it went back to.
        is_over: Whether the earlier tasks are all back.
        alarms: The alarms that caused it, if any did.
    """

    reason: str
    started_at: datetime
    revision_arn: str
    is_over: bool
    alarms: tuple[str, ...]


@dataclass(slots=True, eq=False)
class SandboxRollout:
    """A rollout: what ECS calls a deployment.

    Attributes:
        service: The service.
        definition: The task definition it brings.
        digests: The digest of each container, as resolved when it began.
        created_at: When it began.
        revision_arn: The ARN of the service revision it brings.
        state: How far it is.
        status: `PRIMARY`, `ACTIVE` while its tasks are being replaced, `INACTIVE` when it is gone.
        reason: ECS's words on its state.
        updated_at: When it last changed.
        finished_at: When it ended; None before.
        rollback: That and why it was rolled back.
        is_rollback: Whether it is itself the way back from a failed rollout.
        failed_tasks: How many of its tasks failed.
        is_alternate: Whether its tasks register with the service's alternate target groups.
        stage: At which stage of its lifecycle it is, while it is in progress; ROLLING knows none. Default: its
            tasks are scaling up.
        production_weight: How many percent of users' traffic go to its tasks; default: all or none, as the stage
            says.
        paused_at: The stage at which it pauses until somebody lets it go on; empty while it does not.
        pause_id: The id of that pause.
        id: Its id (`ecs-svc/…`), also that of its task set.
        deployment_arn: The ARN of its service deployment.
    """

    service: SandboxService = field(repr=False)
    definition: TaskDefinition = field(repr=False)
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
        where = (service.region, service.world.account)
        path = (service.cluster, service.name)
        self.revision_arn = self.revision_arn or ecs_arn(*where, "service-revision", *path, long_number())
        self.deployment_arn = ecs_arn(*where, "service-deployment", *path, service_deployment_id())
        self.reason = self.reason or f"ECS deployment {self.id} in progress."
        self.updated_at = self.created_at

    @property
    def tasks(self) -> list[SandboxTask]:
        """The tasks it started, whether they still run or not."""
        return [task for task in self.service.all_tasks if task.started_by == self.id]

    @property
    def target_groups(self) -> tuple[str, ...]:
        """The ARNs of the target groups its tasks register with."""
        return self.service.alternate_target_groups if self.is_alternate else self.service.target_groups

    @property
    def wanted(self) -> int:
        """How many of its tasks are wanted."""
        is_task_set = self.service.controller != "ECS" and self.status != "INACTIVE"
        if self.status == "PRIMARY" or is_task_set:
            return self.service.desired
        return sum(task.stopped_at is None for task in self.tasks)

    @property
    def consecutive_failures(self) -> int:
        """How many tasks failed one after another: none any more once a task of it runs."""
        return 0 if self.running_tasks else self.failed_tasks

    @property
    def current_stage(self) -> Stage | Literal[""]:
        """At which stage of its lifecycle it is; empty when it is over."""
        if self.state != "IN_PROGRESS":
            return ""
        return self.stage or self.paused_at or "SCALE_UP"

    @property
    def is_tested(self) -> bool:
        """Whether all test traffic goes to its tasks."""
        return self._is_past("TEST_TRAFFIC_SHIFT")

    @property
    def weight(self) -> float:
        """How many percent of users' traffic go to its tasks."""
        if self.state == "IN_PROGRESS" and self.production_weight is not None:
            return self.production_weight
        return 100.0 if self._is_past("PRODUCTION_TRAFFIC_SHIFT") else 0.0

    @property
    def is_steady(self) -> bool:
        """Whether as many tasks run as are wanted, none is on its way, and all are healthy."""
        alive = [task for task in self.tasks if task.stopped_at is None]
        return len(alive) == self.wanted and all(task.is_steady for task in alive)

    def _is_past(self, stage: Stage) -> bool:
        if self.state != "IN_PROGRESS":
            return self.state == "COMPLETED"
        stages = get_args(Stage)
        return stages.index(self.current_stage) > stages.index(stage)

    @property
    def running_tasks(self) -> list[SandboxTask]:
        """Those of its tasks that run."""
        return [task for task in self.tasks if task.is_running]

    def start_tasks(self, count: int, *, at: datetime, pending: bool = False) -> list[SandboxTask]:
        """Start tasks with the digests the rollout has fixed.

        Args:
            count: How many.
            at: When they become PENDING.
            pending: Whether they stay so, their digests not yet known.
        """
        service = self.service
        world = service.world
        fresh = self.definition.digests(world)
        digests = {
            container.name: self.digests[container.name] if container.resolve_once else fresh[container.name]
            for container in self.definition.containers
        }
        tasks = []
        for _ in range(count):
            task = SandboxTask(
                world,
                self.definition,
                service.cluster,
                dict.fromkeys(digests) if pending else digests,
                at,
                self.id,
                f"service:{service.name}",
            )
            if service.launch_type == "EC2":
                task.place(at)
            if not pending:
                task.start(world.soon(at, START_UP))
            tasks.append(task)
            service.all_tasks.append(task)
        service.say_started(tasks, at)
        return tasks

    def complete(self, *, at: datetime | None = None) -> None:
        """Let the rollout come to its good end: all its tasks run, those of earlier rollouts are stopped.

        Args:
            at: When; default: now.
        """
        with self.service.world.lock:
            when = self.service.world.moment(at)
            self._start_pending(when)
            if self.status == "ACTIVE":
                self.shift_traffic(at=when)
            missing = self.service.desired - len(self.running_tasks)
            self.start_tasks(max(0, missing), at=max(self.created_at, when - SETTLING))
            self.service.retire_others(self, when)
            self.state = "COMPLETED"
            self.reason = f"ECS deployment {self.id} completed."
            self.updated_at = self.finished_at = when
            if self.service.controller == "ECS":
                self.service.say(f"(deployment {self.id}) deployment completed.", when)
            self.service.say("has reached a steady state.", when)

    def shift_traffic(self, *, at: datetime | None = None) -> None:
        """Let the load balancer send users to the tasks of this task set: it becomes PRIMARY, the other ACTIVE.

        Args:
            at: When; default: now.

        Raises:
            ValueError: If ECS itself carries out the service's rollouts: then there are no task sets.
        """
        service = self.service
        if service.controller == "ECS":
            raise ValueError(f"{service.name} has no task sets: set stage and production_weight of its rollouts")
        with service.world.lock:
            for other in service.rollouts:
                other.status = "ACTIVE" if other.status == "PRIMARY" else other.status
            self.status = "PRIMARY"
            self.updated_at = service.world.moment(at)

    def crash(
        self,
        count: int = 1,
        *,
        code: StopCode = "EssentialContainerExited",
        reason: str = EXITED,
        exit_code: int | None = 1,
        container_reason: str = "",
        at: datetime | None = None,
        started: bool = True,
    ) -> list[SandboxTask]:
        """Let ECS start tasks of this rollout which then stop; see [pytest_deploycheck.sandbox.stops][].

        They count as failed tasks where the failure is their own or their image's. ECS counts none any more
        as soon as a task of the rollout runs.

        Args:
            count: How many tasks.
            code: Why they stop, for programs.
            reason: Why, for people.
            exit_code: What the application's container returns; nothing where it never started.
            container_reason: What the application's container says about its end.
            at: When they stop; default: now.
            started: Whether they ran before. Otherwise they have no time of start and no id of the container
                runtime, and their image is not resolved.

        Returns:
            The stopped tasks.
        """
        service = self.service
        with service.world.lock:
            when = service.world.moment(at)
            began = max(self.created_at, when - 2 * START_UP)
            tasks = self.start_tasks(count, at=began, pending=True)
            for task in tasks:
                if started:
                    task.digests = self.digests
                    task.start(min(began + START_UP, when))
                task.stop(
                    code, reason, exit_code=exit_code if started else None, container_reason=container_reason, at=when
                )
            if code in _FAILURES:
                self.failed_tasks += count
            if code == "ServiceSchedulerInitiated":
                service.say_stopped(tasks, when)
            self.updated_at = when
            return tasks

    def fail(
        self, *, at: datetime | None = None, exit_code: int = 1, container_reason: str = "", crashes: int = CRASHES
    ) -> None:
        """Let the rollout fail: its tasks crash, or cannot start where their image is not there.

        The tasks of the rollout before go on running. A task set that failed is gone.

        Args:
            at: When ECS gives up; default: now.
            exit_code: What the application's container returns.
            container_reason: What the application's container says about its end.
            crashes: How many tasks have failed by then, at least.

        Raises:
            ValueError: If ECS would not give up, as the service has no circuit breaker.
        """
        if self.service.controller == "ECS" and not self.service.deploying.circuit_breaker:
            raise ValueError(f"{self.service.name} has no circuit breaker: ECS goes on trying, see crash()")
        with self.service.world.lock:
            when = self.service.world.moment(at)
            self._start_pending(when)
            tried = [task for task in self.tasks if task.stopped_at is None]
            tried += self.start_tasks(max(0, crashes - len(tried)), at=self.created_at)
            for task in tried:
                self._crash(task, when, exit_code, container_reason)
            self.failed_tasks += len(tried)
            self.end("ECS deployment circuit breaker: tasks failed to start.", "tasks failed to start", when)

    def end(self, reason: str, cause: str, at: datetime) -> None:
        """Note that the rollout has failed, in ECS's words.

        Args:
            reason: The reason of its state.
            cause: What the service event says.
            at: When.
        """
        self.state = "FAILED"
        self.reason = reason
        self.updated_at = self.finished_at = at
        if self.service.controller == "ECS":
            self.service.say(f"(deployment {self.id}) deployment failed: {cause}.", at)
        else:
            self.drop()

    def drop(self) -> None:
        """Take the task set away; if it served users, the one before does again."""
        was_primary, self.status = self.status == "PRIMARY", "INACTIVE"
        left = [other for other in self.service.rollouts if other.status == "ACTIVE"]
        if was_primary and left:
            left[-1].status = "PRIMARY"

    def _start_pending(self, at: datetime) -> None:
        for task in self.tasks:
            if task.last_status == "PENDING":
                task.digests = self.digests
                task.start(at)

    def _crash(self, task: SandboxTask, at: datetime, exit_code: int, container_reason: str) -> None:
        unknown = [name for name, digest in task.digests.items() if digest is None]
        if not unknown:
            task.stop("EssentialContainerExited", EXITED, exit_code=exit_code, container_reason=container_reason, at=at)
            return
        stop = cannot_pull(task.definition.container(unknown[0]).image)
        task.started_at = None
        task.stop(stop["code"], stop["reason"], exit_code=None, container_reason=stop["container_reason"], at=at)
