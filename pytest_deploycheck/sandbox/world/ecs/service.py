"""A service: controls of its tasks, its logs, its traffic and the service itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.stops import EXITED, StopCode, scaled_in
from pytest_deploycheck.sandbox.world.ecs.service_rollouts import ServiceRollouts
from pytest_deploycheck.sandbox.world.metrics import Sample, metric_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask

_NAMESPACE = "AWS/ApplicationELB"
_REQUESTS = "RequestCount"
_ERRORS = "HTTPCode_Target_5XX_Count"


@dataclass(slots=True, eq=False)
class SandboxService(ServiceRollouts):
    """A service. [ServiceState][] lists its attributes, [ServiceRollouts][] what concerns its rollouts.

    Attributes:
        successor: The service that took its name after it was deleted.
    """

    successor: SandboxService | None = field(default=None, repr=False)

    @property
    def successors(self) -> list[SandboxService]:
        """The service itself and those that took its name one after another."""
        return [self, *(self.successor.successors if self.successor else ())]

    def restart_tasks(self, *, at: datetime | None = None) -> list[SandboxTask]:
        """Let ECS replace every running task without a rollout: the digests stay those of the rollout.

        Args:
            at: When; default: now.

        Returns:
            The new tasks.
        """
        with self.account.lock:
            when = self.account.moment(at)
            old = self.running_tasks
            new = self.rollout.start_tasks(len(old), at=when)
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
        """Stop a running task, and let ECS replace it within the same rollout.

        The new task has the task definition and the digests of the rollout that started the old one, even where
        tags have moved since.

        Args:
            task: The task that stops.
            at: When; default: now. The new task is PENDING from then and runs 15 s later, but never in the future.
            code: The stop code.
            reason: The stopped reason.
            exit_code: The exit code of the application's container; None if it never started.
            container_reason: The reason that the application's container stopped.

        Returns:
            The new task.

        Raises:
            ValueError: If the task is not one of the service's, or has stopped already.
        """
        with self.account.lock:
            if task not in self.tasks:
                raise ValueError(f"{self.name} has no task {task.id}, or it has stopped already")
            when = self.account.moment(at)
            task.stop(code, reason, exit_code=exit_code, container_reason=container_reason, at=when)
            rollout = next(each for each in self.rollouts if each.id == task.started_by)
            (new,) = rollout.start_tasks(1, at=when)
            return new

    def scale(self, desired: int, *, at: datetime | None = None) -> None:
        """Change the desired count, and start or stop tasks accordingly.

        Args:
            desired: The desired count.
            at: When; default: now.
        """
        with self.account.lock:
            when = self.account.moment(at)
            self.desired = desired
            running = self.running_tasks
            self.rollout.start_tasks(max(0, desired - len(running)), at=when)
            self.retire(running[desired:], when, f"Scaling activity initiated by (service {self.name})")

    def delete(self, *, force: bool = False, at: datetime | None = None) -> None:
        """Delete the service: it is DRAINING with a desired count of zero, and its tasks are stopping but still run.

        ECS no longer lists it, but describes it.

        Args:
            force: Whether its tasks have stopped already; then it is INACTIVE, as after [SandboxService.vanish][].
            at: When; default: now.
        """
        with self.account.lock:
            self.status = "DRAINING"
            self.desired = 0
            for task in self.tasks:
                task.drain()
            if force:
                self.vanish(at=at)

    def vanish(self, *, at: datetime | None = None) -> None:
        """Stop the tasks of a deleted service: it is INACTIVE. Its name may be used again.

        Args:
            at: When; default: now.
        """
        with self.account.lock:
            when = self.account.moment(at)
            self.desired = 0
            for task in self.tasks:
                stop = scaled_in(f"service {self.name}")
                task.stop(stop["code"], stop["reason"], at=when)
            for rollout in self.rollouts:
                rollout.status = "INACTIVE"
            self.status = "INACTIVE"

    def recreate(
        self, image: str | None = None, *, desired: int | None = None, at: datetime | None = None
    ) -> SandboxService:
        """Delete the service and create it again under its name: the ARN stays, everything else is new.

        Args:
            image: The image of the first container; default: the reference it has.
            desired: The desired count; default: that of before, or one where the tasks have stopped already.
            at: When; default: now.

        Returns:
            The new service with a completed rollout. The old one is INACTIVE; its stopped tasks can be seen for
            an hour.

        Raises:
            LookupError: If the image does not exist.
        """
        with self.account.lock:
            when = self.account.moment(at)
            wanted = (self.desired or len(self.tasks) or 1) if desired is None else desired
            self.vanish(at=when)
            new = replace(self, desired=wanted, created_at=when, status="ACTIVE", rollouts=[], all_tasks=[], events=[])
            self.successor = new
            new.roll_out(image, at=when)
            return new

    def log(
        self,
        message: str,
        *,
        at: datetime | None = None,
        arrives_in: float = 0.0,
        container: str | None = None,
        router: bool = False,
    ) -> None:
        """Log a line in each running task; see [SandboxTask.log][]."""
        for task in self.running_tasks:
            task.log(message, at=at, arrives_in=arrives_in, container=container, router=router)

    def log_lines(
        self,
        messages: Iterable[str],
        *,
        at: datetime,
        every: timedelta = timedelta(milliseconds=1),
        container: str | None = None,
    ) -> None:
        """Log many lines in each running task; see [SandboxTask.log_lines][]."""
        lines = list(messages)
        for task in self.running_tasks:
            task.log_lines(lines, at=at, every=every, container=container)

    def serve(self, requests: int, *, errors: int = 0, target_group: str = "", at: datetime | None = None) -> None:
        """Serve users' requests through the load balancer, as CloudWatch counts them.

        They count in `RequestCount`, and those that failed in `HTTPCode_Target_5XX_Count`, of the namespace
        `AWS/ApplicationELB`: with the dimensions `TargetGroup` and `LoadBalancer`, and with `LoadBalancer`
        alone. As with real load balancers, metrics without anything to count have no value.

        Args:
            requests: The number of requests.
            errors: The number of them that the tasks answered with a 5xx code.
            target_group: The ARN of the target group they went to; default: each of those in which the tasks
                that serve users are registered.
            at: When; default: now.

        Raises:
            ValueError: If no such target group belongs to an Application Load Balancer.
        """
        with self.account.lock:
            when = self.account.moment(at)
            known = self.resources.target_groups.by_arn
            groups = [known[arn] for arn in ((target_group,) if target_group else self.production.target_groups)]
            balanced = [group for group in groups if group.load_balancer_dimension.startswith("app/")]
            if not balanced:
                raise ValueError(f"{self.name} has no target group that belongs to an Application Load Balancer")
            for group in balanced:
                balancer = {"LoadBalancer": group.load_balancer_dimension}
                for dimensions in ({"TargetGroup": group.dimension, **balancer}, balancer):
                    self._count(_REQUESTS, requests, dimensions, when)
                    self._count(_ERRORS, errors, dimensions, when)

    def _count(self, metric: str, number: int, dimensions: Mapping[str, str], at: datetime) -> None:
        if number:
            name = metric_name(self.region, _NAMESPACE, metric, dimensions)
            self.resources.metrics.put(name, Sample(at, number, number, 1, 1, "Count"))
