"""A service of the sandbox's world, and what can happen to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from pytest_deploycheck.sandbox.deploying import Deploying
from pytest_deploycheck.sandbox.names import ecs_arn
from pytest_deploycheck.sandbox.rollouts import SETTLING, Rollback, RolloutState, SandboxRollout
from pytest_deploycheck.sandbox.traffic import ServiceTraffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.definitions import SandboxContainer, TaskDefinition
    from pytest_deploycheck.sandbox.instances import LaunchType
    from pytest_deploycheck.sandbox.tasks import SandboxTask, StopCode
    from pytest_deploycheck.sandbox.world import World

_DELETED = "Task set deleted"


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """What ECS says about a service.

    Attributes:
        at: When.
        message: What.
        id: The event's id.
    """

    at: datetime
    message: str
    id: str = field(default_factory=lambda: str(uuid4()))


@dataclass(slots=True, eq=False)
class SandboxService(ServiceTraffic):
    """A service.

    Attributes:
        world: The world it is part of.
        name: Its name.
        cluster: The cluster it runs on.
        region: The region it runs in.
        definition: The task definition it uses now.
        desired: How many tasks are wanted.
        created_at: When it was made.
        deploying: How its rollouts go.
        scheduling: Its scheduling strategy: `REPLICA` or `DAEMON`.
        target_groups: The ARNs of the target groups its tasks register with.
        alternate_target_groups: The ARNs of those that the tasks of every other rollout register with.
        launch_type: Where its tasks run: `FARGATE` or `EC2`.
        rollouts: Every rollout there ever was, oldest first.
        all_tasks: Every task there ever was, oldest first.
        events: What ECS said about it, oldest first.
    """

    world: World = field(repr=False)
    name: str
    cluster: str
    region: str
    definition: TaskDefinition = field(repr=False)
    desired: int
    created_at: datetime
    deploying: Deploying = field(default_factory=Deploying)
    scheduling: str = "REPLICA"
    target_groups: tuple[str, ...] = ()
    alternate_target_groups: tuple[str, ...] = ()
    launch_type: LaunchType = "FARGATE"
    rollouts: list[SandboxRollout] = field(default_factory=list)
    all_tasks: list[SandboxTask] = field(default_factory=list, repr=False)
    events: list[ServiceEvent] = field(default_factory=list, repr=False)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return ecs_arn(self.region, self.world.account, "service", self.cluster, self.name)

    @property
    def tasks(self) -> list[SandboxTask]:
        """Its tasks that have not stopped: pending, running, or told to stop."""
        return [task for task in self.all_tasks if task.stopped_at is None]

    @property
    def running_tasks(self) -> list[SandboxTask]:
        """Its tasks that run."""
        return [task for task in self.all_tasks if task.is_running]

    @property
    def rollout(self) -> SandboxRollout:
        """Its newest rollout: the PRIMARY deployment, or the newest task set."""
        return self.rollouts[-1]

    @property
    def service_deployments(self) -> list[SandboxRollout]:
        """The rollouts that ECS keeps a record of, oldest first: all that it carried out itself.

        The way back from a failed one is part of its record.
        """
        if self.controller != "ECS":
            return []
        return [rollout for rollout in self.rollouts if not rollout.is_rollback]

    def configuration(self) -> dict[str, Any]:
        """Return its deployment configuration, as the model has it."""
        return self.deploying.configuration(each.paused_at for each in self.rollouts if each.paused_at)

    def roll_out(
        self,
        image: str | None = None,
        *,
        containers: Sequence[SandboxContainer] | None = None,
        at: datetime | None = None,
        status: RolloutState = "COMPLETED",
        new_running: int = 1,
        new_pending: int = 0,
    ) -> SandboxRollout:
        """Begin a rollout. Tags are resolved to digests now, once for all its tasks.

        Args:
            image: The image of the first container; default: the reference it has.
            containers: All containers, where more than the image changes.
            at: When it begins; default: now. Its tasks run 15 s later and a completed rollout has settled
                45 s later, but nothing lies in the future.
            status: How far it gets: `COMPLETED` (the old tasks are stopped), `IN_PROGRESS` (old and new
                tasks run side by side) or `FAILED` (the new tasks crashed, the old ones run). With another
                controller than ECS a new task set is ACTIVE while it is in progress, and the old one PRIMARY.
            new_running: How many new tasks run, where it is in progress.
            new_pending: How many new tasks are pending, where it is in progress.

        Raises:
            LookupError: If the image of a rollout that is to succeed is not there.
        """
        world = self.world
        with world.lock:
            began = world.moment(at)
            definition = self._definition_for(image, containers, began)
            digests = definition.digests(world)
            if status != "FAILED":
                definition.require_images(world)
            self.definition = definition
            rollout = SandboxRollout(self, definition, digests, began)
            rollout.is_alternate = self.next_is_alternate()
            if self.controller == "ECS":
                for earlier in self.rollouts:
                    earlier.status = "ACTIVE" if earlier.status == "PRIMARY" else earlier.status
            elif self.rollouts:
                rollout.status = "ACTIVE"
            self.rollouts.append(rollout)
            if status == "COMPLETED":
                rollout.start_tasks(self.desired, at=began)
                rollout.complete(at=world.soon(began, SETTLING))
            elif status == "FAILED":
                rollout.fail(at=world.soon(began, SETTLING))
            else:
                rollout.start_tasks(new_running, at=began)
                rollout.start_tasks(new_pending, at=began, pending=True)
            return rollout

    def roll_back(
        self,
        *,
        at: datetime | None = None,
        reason: Literal["circuit breaker", "alarm"] = "circuit breaker",
        alarms: Sequence[str] = (),
        status: Literal["IN_PROGRESS", "COMPLETED"] = "COMPLETED",
    ) -> SandboxRollout:
        """Let ECS roll the newest rollout back to the last one that had completed.

        With another controller than ECS the newest task set goes, and the one before serves users again.

        Args:
            at: When the way back begins; default: now.
            reason: What made ECS do it.
            alarms: The names of the alarms that did.
            status: Whether the earlier tasks are all back.

        Returns:
            The rollout that goes back: a new PRIMARY deployment of the earlier task definition and digests,
            or the earlier task set.

        Raises:
            ValueError: If the newest rollout has completed, or there is nothing to go back to.
        """
        world = self.world
        with world.lock:
            began = world.moment(at)
            failed = self.rollout
            good = next((each for each in reversed(self.rollouts) if each.state == "COMPLETED"), None)
            if good is None or good is failed:
                raise ValueError(f"{self.name} has no unfinished rollout, or none to go back to")
            if failed.state == "IN_PROGRESS":
                self._give_up(failed, reason, began)
            if self.controller != "ECS":
                return good
            cause = "circuit breaker" if reason == "circuit breaker" else "alarms"
            words = f"ECS deployment {cause}: rolling back to deploymentId {good.id}."
            is_over = status == "COMPLETED"
            failed.rollback = Rollback(_why(reason, alarms), began, good.revision_arn, is_over, tuple(alarms))
            failed.status = "ACTIVE"
            back = SandboxRollout(self, good.definition, good.digests, began, good.revision_arn, is_rollback=True)
            back.is_alternate = good.is_alternate
            self.definition = good.definition
            self.rollouts.append(back)
            self.say(f"rolling back to deployment {good.id}.", began)
            if is_over:
                back.complete(at=world.soon(began, SETTLING))
            back.reason = words
            return back

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
            new = self.rollout.start_tasks(len(old), at=when)
            self._retire(old, when, "Task stopped for host maintenance")
            return new

    def replace_task(
        self,
        task: SandboxTask,
        *,
        at: datetime | None = None,
        code: StopCode = "EssentialContainerExited",
        reason: str = "Essential container in task exited",
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
            self.rollout.start_tasks(max(0, desired - len(running)), at=when)
            self._retire(running[desired:], when, f"Scaling activity initiated by (service {self.name})")

    def log(
        self, message: str, *, at: datetime | None = None, arrives_in: float = 0.0, container: str | None = None
    ) -> None:
        """Let each running task say a line; see [SandboxTask.log][]."""
        for task in self.running_tasks:
            task.log(message, at=at, arrives_in=arrives_in, container=container)

    def log_lines(
        self,
        messages: Iterable[str],
        *,
        at: datetime,
        every: timedelta = timedelta(milliseconds=1),
        container: str | None = None,
    ) -> None:
        """Let each running task say many lines; see [SandboxTask.log_lines][]."""
        lines = list(messages)
        for task in self.running_tasks:
            task.log_lines(lines, at=at, every=every, container=container)

    def say(self, message: str, at: datetime) -> None:
        """Note a service event, in ECS's words."""
        self.events.append(ServiceEvent(at, f"(service {self.name}) {message}"))

    def say_started(self, tasks: Sequence[SandboxTask], at: datetime) -> None:
        """Note that tasks were started."""
        if tasks:
            listed = " ".join(f"(task {task.id})" for task in tasks)
            self.say(f"has started {len(tasks)} tasks: {listed}.", at)

    def _give_up(self, rollout: SandboxRollout, reason: str, at: datetime) -> None:
        if reason == "circuit breaker" and self.controller == "ECS":
            rollout.fail(at=at)
            return
        rollout.end("ECS deployment failed: alarm detected.", "alarm detected", at)
        if self.controller != "ECS":
            self._retire([task for task in rollout.tasks if task.stopped_at is None], at, _DELETED)

    def retire_others(self, rollout: SandboxRollout, at: datetime) -> None:
        """Stop the tasks of every other rollout, and let those rollouts go."""
        old = [task for task in self.tasks if task.started_by != rollout.id]
        by_ecs = self.controller == "ECS"
        self._retire(old, at, f"Scaling activity initiated by (deployment {rollout.id})" if by_ecs else _DELETED)
        for other in self.rollouts:
            if other is not rollout:
                other.status = "INACTIVE"

    def _retire(self, tasks: Sequence[SandboxTask], at: datetime, reason: str) -> None:
        for task in tasks:
            task.stop("ServiceSchedulerInitiated", reason, at=at)
        if tasks:
            listed = " ".join(f"(task {task.id})" for task in tasks)
            self.say(f"has stopped {len(tasks)} running tasks: {listed}.", at)

    def _definition_for(
        self, image: str | None, containers: Sequence[SandboxContainer] | None, at: datetime
    ) -> TaskDefinition:
        now = self.definition
        wanted = tuple(containers) if containers else now.containers
        if image is not None:
            wanted = (replace(wanted[0], image=self.world.reference(image, self.region).uri), *wanted[1:])
        if wanted == now.containers:
            return now
        return self.world.register(
            now.family,
            wanted,
            region=self.region,
            architecture=now.architecture,
            at=at,
            network_mode=now.network_mode,
        )


def _why(reason: str, alarms: Sequence[str]) -> str:
    if reason == "alarm":
        return f"Service deployment rolled back because of CloudWatch alarm(s): {', '.join(alarms)}."
    return "Service deployment rolled back because the circuit breaker threshold was exceeded."
