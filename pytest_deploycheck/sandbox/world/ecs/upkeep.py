"""What happens to the tasks of a service apart from its rollouts, and how a service goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.stops import EXITED, StopCode, scaled_in
from pytest_deploycheck.sandbox.world.ecs.servicebase import ServiceBase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask


class ServiceUpkeep(ServiceBase):
    """The part of a service that is about its tasks."""

    __slots__ = ()

    def restart_tasks(self, *, at: datetime | None = None) -> list[SandboxTask]:
        """Let ECS replace every running task without a rollout: the digests stay what the rollout fixed.

        Args:
            at: When; default: now.

        Returns:
            The new tasks.
        """
        with self.world.lock:
            when = self.world.moment(at)
            old = self.running_tasks
            new = self.rollouts[-1].start_tasks(len(old), at=when)
            self.retire(old, when, "Task stopped for host maintenance")
            return new

    def replace_task(
        self,
        task: SandboxTask,
        *,
        at: datetime | None = None,
        code: StopCode = "EssentialContainerExited",
        reason: str = EXITED,
        exit_code: int | None = 1,
        container_reason: str = "",
    ) -> SandboxTask:
        """Let a running task die, and ECS put another in its place within the same rollout.

        The new task has the task definition and the digests of the rollout which started the old one; tags
        moved since do not matter.

        Args:
            task: The task that stops.
            at: When; default: now. The new task is PENDING from then and runs 15 s later, but not in the future.
            code: Why it stops, for programs.
            reason: Why, for people.
            exit_code: What the application's container returns; None if it never started.
            container_reason: What the application's container says about its end.

        Returns:
            The new task.

        Raises:
            ValueError: If the task is not one of the service's, or has stopped already.
        """
        with self.world.lock:
            if task not in self.tasks:
                raise ValueError(f"{self.name} has no task {task.id}, or it has stopped already")
            when = self.world.moment(at)
            task.stop(code, reason, exit_code=exit_code, container_reason=container_reason, at=when)
            rollout = next(each for each in self.rollouts if each.id == task.started_by)
            (new,) = rollout.start_tasks(1, at=when)
            return new

    def scale(self, desired: int, *, at: datetime | None = None) -> None:
        """Change how many tasks are wanted, and start or stop the difference.

        Args:
            desired: How many.
            at: When; default: now.
        """
        with self.world.lock:
            when = self.world.moment(at)
            self.desired = desired
            running = self.running_tasks
            self.rollouts[-1].start_tasks(max(0, desired - len(running)), at=when)
            self.retire(running[desired:], when, f"Scaling activity initiated by (service {self.name})")

    def delete(self, *, force: bool = False, at: datetime | None = None) -> None:
        """Delete the service: it is DRAINING, wants no tasks, and those it has are told to stop but still run.

        ECS lists it no more, but describes it.

        Args:
            force: Whether its tasks have stopped already; then it is INACTIVE, as [SandboxService.vanish][]
                makes it.
            at: When; default: now.
        """
        with self.world.lock:
            self.status = "DRAINING"
            self.desired = 0
            for task in self.tasks:
                task.drain()
            if force:
                self.vanish(at=at)

    def vanish(self, *, at: datetime | None = None) -> None:
        """Let the tasks of a deleted service stop: it is INACTIVE. Its name may be used again.

        Args:
            at: When; default: now.
        """
        with self.world.lock:
            when = self.world.moment(at)
            self.desired = 0
            for task in self.tasks:
                stop = scaled_in(f"service {self.name}")
                task.stop(stop["code"], stop["reason"], at=when)
            for rollout in self.rollouts:
                rollout.status = "INACTIVE"
            self.status = "INACTIVE"

    def retire(self, tasks: Sequence[SandboxTask], at: datetime, reason: str) -> None:
        """Let ECS stop tasks that are not wanted any more."""
        for task in tasks:
            task.stop("ServiceSchedulerInitiated", reason, at=at)
        self.say_stopped(tasks, at)
