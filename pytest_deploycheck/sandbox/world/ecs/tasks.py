"""Tasks: what each runs, how it is, and the lines it logs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.stops import StopCode
from pytest_deploycheck.sandbox.world.logs.groups import milliseconds
from pytest_deploycheck.sandbox.world.names import long_number, task_id
from pytest_deploycheck.sandbox.world.target_groups import CONTAINER_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.account import Account
    from pytest_deploycheck.sandbox.world.ecs.instances import Instances, SandboxInstance
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import Health, SandboxContainer, SandboxTaskDefinition
    from pytest_deploycheck.sandbox.world.logs.groups import LogGroup, LogStore

START_UP = timedelta(seconds=15)
"""How long a task takes from PENDING to RUNNING."""


@dataclass(frozen=True, slots=True)
class ContainerState:
    """The state of a container that differs from that of its task.

    Attributes:
        last_status: Its status, such as `STOPPED` or `PENDING`.
        exit_code: Its exit code, if it has stopped.
        reason: The reason that it stopped.
    """

    last_status: str
    exit_code: int | None = None
    reason: str = ""


@dataclass(slots=True, eq=False)
class SandboxTask:
    """A task.

    Attributes:
        definition: The task definition it was started from.
        cluster: The cluster it runs on.
        digests: The image digest of each container; None where it is not resolved (yet).
        created_at: When it became PENDING.
        started_by: The id of the rollout that started it, or another text for a standalone task.
        group: `service:NAME`, or `family:NAME` for a standalone task.
        started_at: When it became RUNNING; None before.
        stopped_at: When it stopped; None before.
        desired_status: The status that ECS wants: `RUNNING` or `STOPPED`.
        last_status: Its status: `PENDING`, `RUNNING`, `DEACTIVATING` or `STOPPED`.
        stop_code: The stop code.
        stopped_reason: The stopped reason.
        exit_code: The exit code of the application's container; None while it runs or if it never started.
        container_reason: The reason that the application's container stopped.
        private_ip: Its address in the VPC.
        target_health: Its state in the service's target groups while it runs, such as `initial`; empty where it is
            not registered with them.
        target_reason: The reason of that state, as code and description; default: the usual one.
        instance: The container instance it runs on; None on Fargate.
        host_port: The port of the instance at which its application is reached, where it has no address.
        id: Its id.
        is_listed: Whether ListTasks lists it; otherwise it is only counted and described.
        shown_status: The status that DescribeTasks shows where it differs from `last_status`, such as a word that
            clients do not know.
        container_states: The states of containers that differ from that of the task, by name.
    """

    _account: Account = field(repr=False)
    _logs: LogStore = field(repr=False)
    definition: SandboxTaskDefinition = field(repr=False)
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
    is_listed: bool = True
    shown_status: str = ""
    container_states: dict[str, ContainerState] = field(default_factory=dict, repr=False)
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
        return self._account.ecs_arn(self.region, "task", self.cluster, self.id)

    @property
    def is_running(self) -> bool:
        """True if it is RUNNING and ECS wants it to be."""
        return self.last_status == "RUNNING" and self.desired_status == "RUNNING"

    @property
    def image_digest(self) -> str | None:
        """The image digest of the application's container."""
        return self.digests[self.definition.containers[0].name]

    def runtime_id(self, container: SandboxContainer) -> str:
        """Return the runtime id of a container."""
        return f"{self.id}-{sum(container.name.encode()) * 1_000_003 % 10**10:010d}"

    @property
    def health(self) -> Health | None:
        """The result of its health checks, where it differs from the `health` of its containers.

        Set it to `UNKNOWN` while no check has finished, and to None to remove it.
        """
        return self._health

    @health.setter
    def health(self, result: Health | None) -> None:
        if result and all(container.health == "UNKNOWN" for container in self.definition.containers):
            raise ValueError(
                f"No container of {self.definition.family} has a health check: set `health` of one of them"
            )
        self._health = result

    def set_container(self, name: str, last_status: str, *, exit_code: int | None = None, reason: str = "") -> None:
        """Set the state of one container while the task and its other containers stay as they are.

        Args:
            name: The name of the container.
            last_status: Its status, such as `STOPPED` or `PENDING`.
            exit_code: Its exit code, if it has stopped.
            reason: The reason that it stopped.

        Raises:
            LookupError: If there is no such container.
        """
        with self._account.lock:
            self.container_states[self.definition.container(name).name] = ContainerState(last_status, exit_code, reason)

    def container_state(self, container: SandboxContainer) -> ContainerState:
        """Return the state of a container: its own, or else that of the task."""
        is_stopped = self.last_status == "STOPPED"
        if container.name in self.container_states and not is_stopped:
            return self.container_states[container.name]
        status = "RUNNING" if self.last_status == "DEACTIVATING" else self.last_status
        if not is_stopped:
            return ContainerState(status)
        is_application = container is self.definition.containers[0]
        exit_code = self.exit_code if is_application else 0
        return ContainerState(
            status, exit_code if self.started_at else None, self.container_reason if is_application else ""
        )

    def container_health(self, container: SandboxContainer) -> Health:
        """Return the result of a container's health check; UNKNOWN without one, and while the task does not run."""
        if container.health == "UNKNOWN" or self.container_state(container).last_status != "RUNNING":
            return "UNKNOWN"
        return self._health or container.health

    @property
    def is_steady(self) -> bool:
        """Return True if it runs, and is healthy for load balancers and health checks."""
        results = {self.container_health(container) for container in self.definition.containers}
        return self.is_running and self.target_health in {"healthy", ""} and "UNHEALTHY" not in results

    @property
    def has_address(self) -> bool:
        """True if it has an address of its own; otherwise it is reached at a port of its instance."""
        return self.definition.settings.network_mode == "awsvpc"

    def place(self, instances: Instances, at: datetime) -> None:
        """Put the task on a container instance of its cluster, the one with the fewest tasks."""
        alone = self.definition.settings.network_mode == "host"
        self.instance = instances.place(self.id, self.region, self.cluster, at, alone=alone)
        if not self.has_address:
            self.host_port = CONTAINER_PORT if alone else self.instance.next_port()

    def start(self, at: datetime) -> None:
        """Start a pending task."""
        with self._account.lock:
            self.started_at = at
            self.last_status = "RUNNING"

    def drain(self) -> None:
        """Begin to stop the task: ListTasks no longer lists it as running, but it still logs."""
        with self._account.lock:
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
        """Stop the task. No other task replaces it.

        Args:
            code: The stop code.
            reason: The stopped reason.
            exit_code: The exit code of the application's container; None if it never started.
            container_reason: The reason that the application's container stopped.
            at: When; default: now.
        """
        with self._account.lock:
            self.stopped_at = self._account.moment(at)
            if self.instance:
                self.instance.task_ids.discard(self.id)
            self.desired_status = self.last_status = "STOPPED"
            self.stop_code = code
            self.stopped_reason = reason
            self.exit_code = exit_code
            self.container_reason = container_reason

    def log(
        self,
        message: str,
        *,
        at: datetime | None = None,
        arrives_in: float = 0.0,
        container: str | None = None,
        router: bool = False,
    ) -> None:
        """Log a line.

        Args:
            message: The line.
            at: When it is logged; default: now.
            arrives_in: Seconds of real time until CloudWatch shows it; its timestamp stays `at`.
            container: The container that logs it; default: the first.
            router: Whether a log router (FireLens without `log_key`) wraps it in JSON.

        Raises:
            LookupError: If there is no such container, or its log group was deleted.
        """
        with self._account.lock:
            group, stream = self._log_of(container)
            if router:
                message = self._wrapped(message, container)
            logged = self._account.moment(at)
            self._logs.add(group, stream, message, logged, self._account.arrival(logged, arrives_in))

    def log_lines(
        self,
        messages: Iterable[str],
        *,
        at: datetime,
        every: timedelta = timedelta(milliseconds=1),
        container: str | None = None,
    ) -> None:
        """Log many lines, all of which have arrived. 500,000 lines take about a second.

        Args:
            messages: The lines.
            at: The time of the first line.
            every: The time between two lines.
            container: The container that logs them; default: the first.

        Raises:
            LookupError: If there is no such container, or its log group was deleted.
        """
        with self._account.lock:
            group, stream = self._log_of(container)
            first = milliseconds(self._account.moment(at))
            now = milliseconds(self._account.now())
            step = every // timedelta(microseconds=1)
            times = (first + step * index // 1000 for index in count())
            events = ((time, min(time, now), message) for time, message in zip(times, messages, strict=False))
            self._logs.add_all(group, stream, events)

    def _wrapped(self, message: str, container: str | None) -> str:
        source = self.definition.container(container)
        return json.dumps(
            {
                "container_id": self.runtime_id(source),
                "container_name": source.name,
                "ecs_cluster": self.cluster,
                "ecs_task_arn": self.arn,
                "ecs_task_definition": f"{self.definition.family}:{self.definition.revision}",
                "log": message,
                "source": "stdout",
            }
        )

    def _log_of(self, container: str | None) -> tuple[LogGroup, str]:
        source = self.definition.container(container)
        logs = self._logs
        if source.log_driver == "awsfirelens":
            # Unlike the awslogs driver, a log router creates its log group.
            logs.open(source.log_region, source.log_group, self._account.now())
        group = logs.groups.get((source.log_region, source.log_group))
        if group is None:
            raise LookupError(f"Unknown log group {source.log_group} in {source.log_region}")
        return group, source.stream(self.id, self.runtime_id(source))
