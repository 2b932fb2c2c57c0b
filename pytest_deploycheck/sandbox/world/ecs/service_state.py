"""The state of a service apart from its rollouts: settings, tasks and events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from pytest_deploycheck.sandbox.world.ecs.deployment import DeploymentSettings
from pytest_deploycheck.sandbox.world.ecs.tasks import START_UP, SandboxTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.account import Account
    from pytest_deploycheck.sandbox.world.ecs.instances import LaunchType
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxTaskDefinition
    from pytest_deploycheck.sandbox.world.resources import Resources


@dataclass(frozen=True, slots=True)
class SandboxEvent:
    """A service event.

    Attributes:
        at: When it happened.
        message: The message.
        id: Its id.
    """

    at: datetime
    message: str
    id: str = field(default_factory=lambda: str(uuid4()))


@dataclass(slots=True, eq=False)
class ServiceState:
    """Settings, tasks and events of a service.

    Attributes:
        resources: The resources that it uses.
        name: Its name.
        cluster: The cluster it runs on.
        region: The region it runs in.
        definition: The task definition of its newest rollout.
        desired: The desired count of tasks.
        created_at: When it was created.
        deploying: How it is deployed.
        scheduling: Its scheduling strategy: `REPLICA` or `DAEMON`.
        target_groups: The ARNs of the target groups in which its tasks are registered.
        alternate_target_groups: The ARNs of those in which the tasks of every other rollout are registered.
        launch_type: The infrastructure of its tasks: `FARGATE` or `EC2`.
        tags: Its tags.
        status: `ACTIVE`, `DRAINING` when it was deleted, `INACTIVE` when its tasks have stopped.
        all_tasks: Every task that it ever had, oldest first.
        events: Its service events, oldest first.
    """

    resources: Resources = field(repr=False)
    name: str
    cluster: str
    region: str
    definition: SandboxTaskDefinition = field(repr=False)
    desired: int
    created_at: datetime
    deploying: DeploymentSettings = field(default_factory=DeploymentSettings)
    scheduling: str = "REPLICA"
    target_groups: tuple[str, ...] = ()
    alternate_target_groups: tuple[str, ...] = ()
    launch_type: LaunchType = "FARGATE"
    tags: Mapping[str, str] = field(default_factory=dict)
    status: str = "ACTIVE"
    all_tasks: list[SandboxTask] = field(default_factory=list, repr=False)
    events: list[SandboxEvent] = field(default_factory=list, repr=False)

    @property
    def account(self) -> Account:
        """The account it belongs to."""
        return self.resources.account

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.account.ecs_arn(self.region, "service", self.cluster, self.name)

    @property
    def controller(self) -> str:
        """Its deployment controller: `ECS`, `CODE_DEPLOY` or `EXTERNAL`."""
        return self.deploying.controller

    @property
    def tasks(self) -> list[SandboxTask]:
        """Its tasks that have not stopped: pending, running or stopping."""
        return [task for task in self.all_tasks if task.stopped_at is None]

    @property
    def running_tasks(self) -> list[SandboxTask]:
        """Its running tasks."""
        return [task for task in self.all_tasks if task.is_running]

    def start(
        self,
        definition: SandboxTaskDefinition,
        digests: Mapping[str, str | None],
        started_by: str,
        *,
        count: int,
        at: datetime,
        pending: bool,
    ) -> list[SandboxTask]:
        """Start tasks, and add a service event about them.

        Args:
            definition: The task definition.
            digests: The image digest of each container.
            started_by: The id of the rollout that starts them.
            count: The number of tasks.
            at: When they become PENDING.
            pending: Whether they stay PENDING, their digests not yet resolved.
        """
        tasks = []
        for _ in range(count):
            task = SandboxTask(
                self.account,
                self.resources.logs,
                definition,
                self.cluster,
                dict.fromkeys(digests) if pending else digests,
                at,
                started_by,
                f"service:{self.name}",
            )
            if self.launch_type == "EC2":
                task.place(self.resources.instances, at)
            if not pending:
                task.start(self.account.soon(at, START_UP))
            tasks.append(task)
        self.all_tasks += tasks
        if tasks:
            self.add_event(f"has started {count} tasks: {_listed(tasks)}.", at)
        return tasks

    def retire(self, tasks: Sequence[SandboxTask], at: datetime, reason: str) -> None:
        """Stop tasks that are no longer wanted, and add a service event about them."""
        for task in tasks:
            task.stop("ServiceSchedulerInitiated", reason, at=at)
        self.add_stopped_event(tasks, at)

    def add_event(self, message: str, at: datetime) -> None:
        """Add a service event in the words of ECS, which begin with the name of the service."""
        self.events.append(SandboxEvent(at, f"(service {self.name}) {message}"))

    def add_stopped_event(self, tasks: Sequence[SandboxTask], at: datetime) -> None:
        """Add a service event about tasks that were stopped."""
        if tasks:
            self.add_event(f"has stopped {len(tasks)} running tasks: {_listed(tasks)}.", at)


def _listed(tasks: Sequence[SandboxTask]) -> str:
    return " ".join(f"(task {task.id})" for task in tasks)
