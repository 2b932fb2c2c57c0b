"""Rollouts: how one proceeds, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.stops import EXITED, StopCode, cannot_pull
from pytest_deploycheck.sandbox.world.ecs.rollout_record import RolloutRecord
from pytest_deploycheck.sandbox.world.ecs.tasks import START_UP, SandboxTask

if TYPE_CHECKING:
    from datetime import datetime

SETTLING = timedelta(seconds=45)
"""The duration of a rollout without failures."""

TASK_SET_DELETED = "Task set deleted"
"""The stopped reason of the tasks of a task set that was deleted."""

_FAILURES = frozenset({"EssentialContainerExited", "ServiceSchedulerInitiated", "TaskFailedToStart"})
_CRASHES = 3


@dataclass(slots=True, eq=False)
class SandboxRollout(RolloutRecord):
    """A rollout and its controls; [RolloutRecord][] lists its attributes.

    Attributes:
        siblings: All rollouts of the service, oldest first.
    """

    siblings: list[SandboxRollout] = field(default_factory=list, repr=False)

    @property
    def is_newest(self) -> bool:
        """True if it is the newest rollout of the service."""
        return self.siblings[-1] is self

    def start_tasks(self, count: int, *, at: datetime, pending: bool = False) -> list[SandboxTask]:
        """Start tasks with the digests that the rollout has resolved.

        Args:
            count: The number of tasks.
            at: When they become PENDING.
            pending: Whether they stay PENDING, their digests not yet resolved.
        """
        fresh = self.definition.digests(self.service.resources.registries)
        digests = {
            container.name: self.digests[container.name] if container.resolve_once else fresh[container.name]
            for container in self.definition.containers
        }
        return self.service.start(self.definition, digests, self.id, count=count, at=at, pending=pending)

    def complete(self, *, at: datetime | None = None) -> None:
        """Complete the rollout: all its tasks run, and those of earlier rollouts are stopped.

        Args:
            at: When; default: now.
        """
        service = self.service
        with service.account.lock:
            when = service.account.moment(at)
            self._start_pending(when)
            if self.status == "ACTIVE":
                self._become_primary(when)
            missing = service.desired - len(self.running_tasks)
            self.start_tasks(max(0, missing), at=max(self.created_at, when - SETTLING))
            self._retire_others(when)
            self.state = "COMPLETED"
            self.reason = f"ECS deployment {self.id} completed."
            self.updated_at = self.finished_at = when
            if service.controller == "ECS":
                service.add_event(f"(deployment {self.id}) deployment completed.", when)
            service.add_event("has reached a steady state.", when)

    def shift_traffic(self, *, at: datetime | None = None) -> None:
        """Send users to the tasks of this task set: it becomes PRIMARY, the other ACTIVE.

        Args:
            at: When; default: now.

        Raises:
            ValueError: If the service is deployed by ECS itself and therefore has no task sets.
        """
        service = self.service
        if service.controller == "ECS":
            raise ValueError(f"{service.name} has no task sets: set stage and production_weight of its rollouts")
        with service.account.lock:
            self._become_primary(service.account.moment(at))

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
        """Start tasks of this rollout which then stop; see [pytest_deploycheck.sandbox.stops][].

        They count as failed tasks where the failure is that of the task or its image. The count returns to zero
        as soon as a task of the rollout runs.

        Args:
            count: The number of tasks.
            code: The stop code.
            reason: The stopped reason.
            exit_code: The exit code of the application's container; ignored where it never started.
            container_reason: The reason that the application's container stopped.
            at: When they stop; default: now.
            started: Whether they ran before. Otherwise they have no start time and no runtime id, and their image
                is not resolved.

        Returns:
            The stopped tasks.
        """
        service = self.service
        with service.account.lock:
            when = service.account.moment(at)
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
                service.add_stopped_event(tasks, when)
            self.updated_at = when
            return tasks

    def fail(
        self, *, at: datetime | None = None, exit_code: int = 1, container_reason: str = "", crashes: int = _CRASHES
    ) -> None:
        """Let the rollout fail: its tasks crash, or cannot start where their image does not exist.

        The tasks of the previous rollout keep running. A failed task set is deleted.

        Args:
            at: When ECS gives up; default: now.
            exit_code: The exit code of the application's container.
            container_reason: The reason that the application's container stopped.
            crashes: The least number of tasks that have failed by then.

        Raises:
            ValueError: If ECS would keep trying, as the service has no circuit breaker.
        """
        service = self.service
        if service.controller == "ECS" and not service.deploying.circuit_breaker:
            raise ValueError(f"{service.name} has no circuit breaker: ECS keeps trying, see crash()")
        with service.account.lock:
            when = service.account.moment(at)
            self._start_pending(when)
            tried = [task for task in self.tasks if task.stopped_at is None]
            tried += self.start_tasks(max(0, crashes - len(tried)), at=self.created_at)
            for task in tried:
                self._crash(task, when, exit_code, container_reason)
            self.failed_tasks += len(tried)
            self.end("ECS deployment circuit breaker: tasks failed to start.", "tasks failed to start", when)

    def end(self, reason: str, cause: str, at: datetime) -> None:
        """Mark the rollout as failed.

        Args:
            reason: The reason of its rollout state.
            cause: The cause in the service event.
            at: When.
        """
        self.state = "FAILED"
        self.reason = reason
        self.updated_at = self.finished_at = at
        if self.service.controller == "ECS":
            self.service.add_event(f"(deployment {self.id}) deployment failed: {cause}.", at)
        else:
            self._delete_task_set()

    def _become_primary(self, at: datetime) -> None:
        for other in self.siblings:
            other.status = "ACTIVE" if other.status == "PRIMARY" else other.status
        self.status = "PRIMARY"
        self.updated_at = at

    def _retire_others(self, at: datetime) -> None:
        service = self.service
        old = [task for task in service.tasks if task.started_by != self.id]
        by_ecs = service.controller == "ECS"
        service.retire(old, at, f"Scaling activity initiated by (deployment {self.id})" if by_ecs else TASK_SET_DELETED)
        for other in self.siblings:
            if other is not self:
                other.status = "INACTIVE"

    def _delete_task_set(self) -> None:
        was_primary, self.status = self.status == "PRIMARY", "INACTIVE"
        left = [other for other in self.siblings if other.status == "ACTIVE"]
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
