"""Task definitions and their containers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.account import Account
    from pytest_deploycheck.sandbox.world.ecs.instances import NetworkMode
    from pytest_deploycheck.sandbox.world.registry import Registries

Architecture = Literal["X86_64", "ARM64"]
"""The processor architectures of ECS."""

Health = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]
"""The results of a container's health check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxContainer:
    """A container of a task definition.

    Attributes:
        name: Its name.
        image: The image reference; without a registry host it refers to the sandbox's own account and region.
        essential: Whether the task stops when the container does.
        log_driver: `awslogs`, `awsfirelens` or another; empty for none.
        log_group: The log group; default: `/ecs/` and the family of the task definition.
        stream_prefix: The first part of the names of its log streams; where empty, they are named by runtime id.
        log_region: The region of the log group; default: that of the service.
        mode: The `mode` of the log driver, such as `non-blocking`; empty leaves it out.
        health: The result of its health check, unless a task has another; `UNKNOWN`: it has no health check.
        resolve_once: Whether a rollout resolves its image once for all tasks (version consistency).
        shows_digest: Whether ECS shows the digest that it runs; not so for managed sidecars and with old agents.
        environment: Its environment variables.
        secrets: Its secrets: the ARN each comes from, by the name of the environment variable.
        mounts: The volumes that are mounted in it: the name of each by its path.
        firelens: The type of log router it is, `fluentbit` or `fluentd`; empty for other containers.
        cpu: The CPU units reserved for it.
        memory: Its memory limit in MiB; 0 for none.
        log_options: Further options of its log driver.
    """

    name: str
    image: str
    essential: bool = True
    log_driver: str = "awslogs"
    log_group: str = ""
    stream_prefix: str = "ecs"
    log_region: str = ""
    mode: str = ""
    health: Health = "UNKNOWN"
    resolve_once: bool = True
    shows_digest: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, str] = field(default_factory=dict)
    firelens: Literal["", "fluentbit", "fluentd"] = ""
    cpu: int = 0
    memory: int = 0
    log_options: Mapping[str, str] = field(default_factory=dict)

    def completed(self, account: Account, family: str, region: str) -> SandboxContainer:
        """Return the container with its defaults filled in."""
        return replace(
            self,
            image=account.reference(self.image, region).uri,
            log_group=self.log_group or f"/ecs/{family}",
            log_region=self.log_region or region,
        )

    def stream(self, task: str, runtime_id: str) -> str:
        """Return the name of the log stream of this container in a task."""
        if self.log_driver == "awsfirelens":
            return f"{self.log_options.get('log_stream_prefix', '')}{self.name}-firelens-{task}"
        return f"{self.stream_prefix}/{self.name}/{task}" if self.stream_prefix else runtime_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """The settings of a task definition apart from its containers.

    Attributes:
        architecture: The processor architecture of its tasks.
        network_mode: The network mode of its tasks.
        cpu: The CPU units of a task.
        memory: The memory of a task in MiB.
        volumes: The configuration of its volumes by name, in the members of the service model's Volume; a volume that a
            container mounts needs none.
        proxy: The name of the container that is the App Mesh proxy; empty for none.
    """

    architecture: Architecture = "X86_64"
    network_mode: NetworkMode = "awsvpc"
    cpu: int = 256
    memory: int = 512
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class SandboxTaskDefinition:
    """A revision of a task definition.

    Attributes:
        arn: Its ARN.
        family: The family it belongs to.
        revision: Its number in the family.
        region: The region it is registered in.
        containers: The containers; the first is the application's.
        settings: Its other settings.
        registered_at: When it was registered.
    """

    arn: str
    family: str
    revision: int
    region: str
    containers: tuple[SandboxContainer, ...]
    settings: TaskSettings
    registered_at: datetime

    @property
    def volumes(self) -> dict[str, Mapping[str, Any]]:
        """The configuration of each volume, of those that are only mounted as well."""
        names = [volume for container in self.containers for volume in container.mounts.values()]
        mounted: dict[str, Mapping[str, Any]] = {name: {"host": {}} for name in names}
        return {**mounted, **self.settings.volumes}

    def container(self, name: str | None) -> SandboxContainer:
        """Return a container by name, or the first where no name is given.

        Raises:
            LookupError: If the container is unknown.
        """
        for container in self.containers:
            if name is None or container.name == name:
                return container
        known = ", ".join(container.name for container in self.containers)
        raise LookupError(f"Unknown container {name!r} of {self.family}. Its containers: {known}")

    def digests(self, registries: Registries) -> dict[str, str | None]:
        """Return the digest that the image of each container resolves to now; None where a pull would fail."""
        return {
            container.name: registries.resolve(registries.account.reference(container.image, self.region))
            for container in self.containers
        }

    def require_images(self, registries: Registries) -> None:
        """Make sure that the image of every container can be pulled.

        Raises:
            LookupError: If one does not exist.
        """
        for container in self.containers:
            reference = registries.account.reference(container.image, self.region)
            if reference.account:
                registries.existing(reference)
