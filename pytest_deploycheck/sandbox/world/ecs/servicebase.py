"""What a service of the sandbox's world is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from pytest_deploycheck.sandbox.world.ecs.deployment import Deploying
from pytest_deploycheck.sandbox.world.names import ecs_arn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.instances import LaunchType
    from pytest_deploycheck.sandbox.world.ecs.rollouts import SandboxRollout
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import TaskDefinition
    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask
    from pytest_deploycheck.sandbox.world.world import World


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
class ServiceBase:
    """What a service is.

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
        status: `ACTIVE`, `DRAINING` when it was deleted, `INACTIVE` when its tasks have stopped.
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
    status: str = "ACTIVE"
    rollouts: list[SandboxRollout] = field(default_factory=list)
    all_tasks: list[SandboxTask] = field(default_factory=list, repr=False)
    events: list[ServiceEvent] = field(default_factory=list, repr=False)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return ecs_arn(self.region, self.world.account, "service", self.cluster, self.name)

    @property
    def controller(self) -> str:
        """Who carries its rollouts out: `ECS`, `CODE_DEPLOY` or `EXTERNAL`."""
        return self.deploying.controller

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

    def say(self, message: str, at: datetime) -> None:
        """Note a service event, in ECS's words."""
        self.events.append(ServiceEvent(at, f"(service {self.name}) {message}"))

    def say_started(self, tasks: Sequence[SandboxTask], at: datetime) -> None:
        """Note that tasks were started."""
        if tasks:
            self.say(f"has started {len(tasks)} tasks: {_listed(tasks)}.", at)

    def say_stopped(self, tasks: Sequence[SandboxTask], at: datetime) -> None:
        """Note that tasks were stopped."""
        if tasks:
            self.say(f"has stopped {len(tasks)} running tasks: {_listed(tasks)}.", at)


def _listed(tasks: Sequence[SandboxTask]) -> str:
    return " ".join(f"(task {task.id})" for task in tasks)
