"""The container instances of the sandbox's world, on which tasks of the launch type EC2 run."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

LaunchType = Literal["FARGATE", "EC2"]
"""Where tasks run."""

NetworkMode = Literal["awsvpc", "bridge", "host"]
"""How the containers of a task are reached."""

_FIRST_PORT = 32768
_FEWEST = 2


@dataclass(slots=True, eq=False)
class SandboxInstance:
    """A container instance.

    Attributes:
        region: The region it is in.
        cluster: The cluster it is registered with.
        registered_at: When it was registered.
        id: What ECS calls it.
        ec2_id: What EC2 calls it.
    """

    region: str
    cluster: str
    registered_at: datetime
    id: str = field(default_factory=lambda: uuid4().hex)
    ec2_id: str = field(default_factory=lambda: f"i-0{uuid4().hex[:16]}")
    _ports: Iterator[int] = field(default_factory=lambda: count(_FIRST_PORT), repr=False)

    def next_port(self) -> int:
        """Return a port of the host that no container of it had before."""
        return next(self._ports)


@dataclass(slots=True)
class Instances:
    """All container instances, by region and cluster."""

    by_cluster: dict[tuple[str, str], list[SandboxInstance]] = field(default_factory=dict)

    def of(self, region: str, cluster: str) -> list[SandboxInstance]:
        """Return those of a cluster."""
        return self.by_cluster.get((region, cluster), [])

    def place(
        self, region: str, cluster: str, occupied: Collection[SandboxInstance], at: datetime, *, alone: bool
    ) -> SandboxInstance:
        """Return an instance for a task, made where there is none for it.

        Args:
            region: Where.
            cluster: On which cluster.
            occupied: The instance of each task that runs on the cluster.
            at: When an instance that is made was registered.
            alone: Whether the task takes a port that only one task of an instance can have.
        """
        instances = self.by_cluster.setdefault((region, cluster), [])
        while len(instances) < _FEWEST or (alone and not set(instances) - set(occupied)):
            instances.append(SandboxInstance(region, cluster, at))
        loads = [sum(each is instance for each in occupied) for instance in instances]
        return instances[loads.index(min(loads))]
