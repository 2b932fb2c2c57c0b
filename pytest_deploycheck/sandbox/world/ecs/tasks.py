"""The tasks of the sandbox's world."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.stops import StopCode
from pytest_deploycheck.sandbox.world.logs.groups import milliseconds
from pytest_deploycheck.sandbox.world.names import ecs_arn, long_number, task_id
from pytest_deploycheck.sandbox.world.target_groups import CONTAINER_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.instances import SandboxInstance
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import Health, SandboxContainer, TaskDefinition
    from pytest_deploycheck.sandbox.world.logs.groups import LogGroup
    from pytest_deploycheck.sandbox.world.world import World

START_UP = timedelta(seconds=15)
"""How long a task takes from PENDING to RUNNING."""


@dataclass(slots=True, eq=False)
class SandboxTask:
    """A task.

    Attributes:
        definition: The task definition it was started from.
        cluster: The cluster it runs on.
        digests: The digest each container runs; None where it is not resolved (yet).
        created_at: When it became PENDING.
        started_by: The id of the rollout that started it, or who else did.
        group: `service:NAME`, or `family:NAME` for a standalone task.
        started_at: When it became RUNNING; None before.
        stopped_at: When it stopped; None before.
        desired_status: What ECS wants it to be: `RUNNING` or `STOPPED`.
        last_status: What it is: `PENDING`, `RUNNING`, `DEACTIVATING` or `STOPPED`.
        stop_code: Why it stopped, for programs.
        stopped_reason: Why it stopped, for people.
        exit_code: What the application's container returned; None while it runs or if it never started.
        container_reason: What the application's container says about its end.
        private_ip: Its address in the VPC.
        target_health: What the service's target groups say of it while it runs, such as `initial`; empty where
            it is not registered with them.
        target_reason: Why they say so, as code and description; default: the usual reason of that state.
        instance: The container instance it runs on; None on Fargate.
        host_port: The port of the instance at which its application is reached, where it has no address.
        id: Its id.
    """

    _world: World = field(repr=False)
    definition: TaskDefinition = field(repr=False)
    cluster: str
    digests: Mapping[str, str | None]
    created_at: datetime
    started_by: str
    group: str
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    desired_status: str = "RUNNING"
    last_status: str = "PENDING"
    stop_code: StopCode | None = None
    stopped_reason: str = ""
    exit_code: int | None = None
    container_reason: str = ""
    private_ip: str = ""
    target_health: str = "healthy"
    target_reason: tuple[str, str] | None = None
    instance: SandboxInstance | None = field(default=None, repr=False)
    host_port: int = 0
    id: str = field(default_factory=task_id)
    _health: Health | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        number = int(long_number())
        self.private_ip = self.private_ip or f"10.0.{number % 256}.{4 + number // 256 % 250}"

    @property
    def region(self) -> str:
        """The region it runs in."""
        return self.definition.region

    @property
    def arn(self) -> str:
        """Its ARN."""
        return ecs_arn(self.region, self._world.account, "task", self.cluster, self.id)

    @property
    def is_running(self) -> bool:
        """Whether it runs and is meant to."""
        return self.last_status == "RUNNING" and self.desired_status == "RUNNING"

    @property
    def image_digest(self) -> str | None:
        """The digest the application's container runs."""
        return self.digests[self.definition.containers[0].name]

    def runtime_id(self, container: SandboxContainer) -> str:
        """Return the id the container runtime gave a container."""
        return f"{self.id}-{sum(container.name.encode()) * 1_000_003 % 10**10:010d}"

    @property
    def health(self) -> Health | None:
        """What its containers' health checks say, where it is not what its containers say by themselves.

        Set it to `UNKNOWN` while they have yet to say something, and to None to take it back.
        """
        return self._health

    @health.setter
    def health(self, said: Health | None) -> None:
        if said and all(container.health == "UNKNOWN" for container in self.definition.containers):
            raise ValueError(f"No container of {self.definition.family} has a health check: give one its `health`")
        self._health = said

    def container_health(self, container: SandboxContainer) -> Health:
        """Return what the health check of a container says; nothing is known without one and while it is not up."""
        if container.health == "UNKNOWN" or self.started_at is None or self.stopped_at is not None:
            return "UNKNOWN"
        return self._health or container.health

    @property
    def is_steady(self) -> bool:
        """Whether it runs, and neither load balancer nor health checks say that it is ill."""
        said = {self.container_health(container) for container in self.definition.containers}
        return self.is_running and self.target_health in {"healthy", ""} and "UNHEALTHY" not in said

    @property
    def has_address(self) -> bool:
        """Whether it has an address of its own; otherwise it is reached at a port of its instance."""
        return self.definition.network_mode == "awsvpc"

    def place(self, at: datetime) -> None:
        """Put the task on a container instance, the one with the fewest tasks."""
        others = [task for task in self._world.tasks(self.region, self.cluster) if task.stopped_at is None]
        occupied = [task.instance for task in others if task.instance]
        alone = self.definition.network_mode == "host"
        self.instance = self._world.instances.place(self.region, self.cluster, occupied, at, alone=alone)
        if not self.has_address:
            self.host_port = CONTAINER_PORT if alone else self.instance.next_port()

    def start(self, at: datetime) -> None:
        """Let a pending task run."""
        with self._world.lock:
            self.started_at = at
            self.last_status = "RUNNING"

    def drain(self) -> None:
        """Tell the task to stop while it goes on for now: it is no longer listed as running, but still logs."""
        with self._world.lock:
            self.desired_status = "STOPPED"
            self.last_status = "DEACTIVATING"

    def stop(
        self,
        code: StopCode = "UserInitiated",
        reason: str = "Task stopped by user",
        *,
        exit_code: int | None = 0,
        container_reason: str = "",
        at: datetime | None = None,
    ) -> None:
        """Stop the task. Nothing takes its place.

        Args:
            code: Why, for programs.
            reason: Why, for people.
            exit_code: What the application's container returns; None if it never started.
            container_reason: What the application's container says about its end.
            at: When; default: now.
        """
        with self._world.lock:
            self.stopped_at = self._world.moment(at)
            self.desired_status = self.last_status = "STOPPED"
            self.stop_code = code
            self.stopped_reason = reason
            self.exit_code = exit_code
            self.container_reason = container_reason

    def log(
        self, message: str, *, at: datetime | None = None, arrives_in: float = 0.0, container: str | None = None
    ) -> None:
        """Say a line in the log.

        Args:
            message: The line.
            at: When it was said; default: now.
            arrives_in: Seconds of real time until CloudWatch shows it; its time stays `at`.
            container: Which container says it; default: the first.

        Raises:
            LookupError: If there is no such container, or its log group was deleted.
        """
        with self._world.lock:
            group, stream = self._log_of(container)
            said = self._world.moment(at)
            self._world.logs.add(group, stream, message, said, self._world.arrival(said, arrives_in))

    def log_lines(
        self,
        messages: Iterable[str],
        *,
        at: datetime,
        every: timedelta = timedelta(milliseconds=1),
        container: str | None = None,
    ) -> None:
        """Say many lines in the log, all of which have arrived. It takes a second for some 500,000.

        Args:
            messages: The lines.
            at: When the first was said.
            every: How long after a line the next was said.
            container: Which container says them; default: the first.

        Raises:
            LookupError: If there is no such container, or its log group was deleted.
        """
        with self._world.lock:
            group, stream = self._log_of(container)
            first = milliseconds(self._world.moment(at))
            now = milliseconds(self._world.now())
            step = every // timedelta(microseconds=1)
            times = (first + step * index // 1000 for index in count())
            said = ((time, min(time, now), message) for time, message in zip(times, messages, strict=False))
            self._world.logs.add_all(group, stream, said)

    def _log_of(self, container: str | None) -> tuple[LogGroup, str]:
        speaker = self.definition.container(container)
        logs = self._world.logs
        if speaker.log_driver == "awsfirelens":
            # Unlike the awslogs driver, the log router is told to make its group where it is not there.
            logs.open(speaker.log_region, speaker.log_group, self._world.now())
        group = logs.groups.get((speaker.log_region, speaker.log_group))
        if group is None:
            raise LookupError(f"There is no log group {speaker.log_group} in {speaker.log_region}")
        return group, speaker.stream(self.id, self.runtime_id(speaker))
