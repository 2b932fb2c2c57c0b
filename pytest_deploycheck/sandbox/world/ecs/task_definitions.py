"""Task definitions and the containers they name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.ecs.instances import NetworkMode
    from pytest_deploycheck.sandbox.world.world import World

Architecture = Literal["X86_64", "ARM64"]
"""The processors ECS knows."""

Health = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]
"""What a container's health check says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxContainer:
    """A container of a task definition.

    Attributes:
        name: Its name.
        image: The image reference; without a registry host, the sandbox's own account and region are meant.
        essential: Whether the task stops when the container does.
        log_driver: `awslogs`, `awsfirelens` or any other; empty for none.
        log_group: Where it logs to; by default `/ecs/` and the family of the task definition.
        stream_prefix: The first part of its log streams' names; empty names them by runtime id.
        log_region: The region of the log group; by default the service's.
        mode: The log driver's `mode`, such as `non-blocking`; empty leaves it out.
        health: What its health check says, unless a task says otherwise; `UNKNOWN` means the definition has none.
        resolve_once: Whether the rollout fixes the digest for all its tasks (version consistency).
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

    def completed(self, world: World, family: str, region: str) -> SandboxContainer:
        """Return the container with its defaults filled in."""
        return replace(
            self,
            image=world.reference(self.image, region).uri,
            log_group=self.log_group or f"/ecs/{family}",
            log_region=self.log_region or region,
        )

    def stream(self, task: str, runtime_id: str) -> str:
        """Return the name of the log stream of this container in a task."""
        if self.log_driver == "awsfirelens":
            return f"{self.name}-firelens-{task}"
        return f"{self.stream_prefix}/{self.name}/{task}" if self.stream_prefix else runtime_id


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A revision of a task definition.

    Attributes:
        arn: Its ARN.
        family: The family it belongs to.
        revision: Its number in the family.
        region: Where it is registered.
        containers: The containers, the first is the application's.
        architecture: The processor its tasks run on.
        registered_at: When it was registered.
        network_mode: How the containers of its tasks are reached.
    """

    arn: str
    family: str
    revision: int
    region: str
    containers: tuple[SandboxContainer, ...]
    architecture: Architecture
    registered_at: datetime
    network_mode: NetworkMode = "awsvpc"

    def container(self, name: str | None) -> SandboxContainer:
        """Return a container by name, or the first where no name is given.

        Raises:
            LookupError: If there is none by that name.
        """
        for container in self.containers:
            if name is None or container.name == name:
                return container
        known = ", ".join(container.name for container in self.containers)
        raise LookupError(f"There is no container {name!r} in {self.family}. Its containers: {known}")

    def digests(self, world: World) -> dict[str, str | None]:
        """Return what each container's image resolves to now; None where the pull would fail."""
        return {
            container.name: world.registries.resolve(world.reference(container.image, self.region))
            for container in self.containers
        }

    def require_images(self, world: World) -> None:
        """Make sure that every container's image can be pulled.

        Raises:
            LookupError: If one is not there.
        """
        for container in self.containers:
            reference = world.reference(container.image, self.region)
            if reference.account:
                world.registries.existing(reference)
