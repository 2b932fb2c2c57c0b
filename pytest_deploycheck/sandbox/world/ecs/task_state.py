"""The state of a task: what it runs, and the status of its containers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from pytest_deploycheck.sandbox.world.names import long_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.stops import StopCode
    from pytest_deploycheck.sandbox.world.account import Account
    from pytest_deploycheck.sandbox.world.ecs.instances import SandboxInstance
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import Health, SandboxContainer, SandboxTaskDefinition
    from pytest_deploycheck.sandbox.world.logs.groups import LogStore


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
class TaskState:
    """The state of a task.

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
        shown_status: The status that DescribeTasks shows where it differs from `last_status`, such as one that
            clients do not support.
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
    id: str = field(default_factory=lambda: uuid4().hex)
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
        """True if it runs, and is healthy for load balancers and health checks."""
        results = {self.container_health(container) for container in self.definition.containers}
        return self.is_running and self.target_health in {"healthy", ""} and "UNHEALTHY" not in results

    @property
    def has_address(self) -> bool:
        """True if it has an address of its own; otherwise it is reached at a port of its instance."""
        return self.definition.settings.network_mode == "awsvpc"
