"""Container instances, on which tasks of the launch type EC2 run."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LaunchType = Literal["FARGATE", "EC2"]
"""The infrastructure that tasks run on."""

NetworkMode = Literal["awsvpc", "bridge", "host"]
"""The network mode of a task's containers."""

_FIRST_PORT = 32768
_FEWEST = 2


@dataclass(slots=True, eq=False)
class SandboxInstance:
    """A container instance.

    Attributes:
        region: The region it is in.
        cluster: The cluster it is registered with.
        registered_at: When it was registered.
        id: Its id in ECS.
        ec2_id: Its id in EC2.
        task_ids: The ids of the tasks that have not stopped.
    """

    region: str
    cluster: str
    registered_at: datetime
    id: str = field(default_factory=lambda: uuid4().hex)
    ec2_id: str = field(default_factory=lambda: f"i-0{uuid4().hex[:16]}")
    task_ids: set[str] = field(default_factory=set, repr=False)
    _ports: Iterator[int] = field(default_factory=lambda: count(_FIRST_PORT), repr=False)

    def next_port(self) -> int:
        """Return a port of the host that none of its containers has had."""
        return next(self._ports)


@dataclass(slots=True)
class Instances:
    """The container instances of all clusters.

    Attributes:
        by_cluster: The instances by region and cluster.
    """

    by_cluster: dict[tuple[str, str], list[SandboxInstance]] = field(default_factory=dict)

    def of(self, region: str, cluster: str) -> list[SandboxInstance]:
        """Return the instances of a cluster."""
        return self.by_cluster.get((region, cluster), [])

    def place(self, task_id: str, region: str, cluster: str, at: datetime, *, alone: bool) -> SandboxInstance:
        """Put a task on the instance with the fewest tasks; instances are registered as they are needed.

        Args:
            task_id: The id of the task.
            region: The region of the cluster.
            cluster: The name of the cluster.
            at: When a new instance was registered.
            alone: Whether the task takes a port that only one task of an instance can have.
        """
        instances = self.by_cluster.setdefault((region, cluster), [])
        while len(instances) < _FEWEST or (alone and all(each.task_ids for each in instances)):
            instances.append(SandboxInstance(region, cluster, at))
        chosen = min(instances, key=lambda each: len(each.task_ids))
        chosen.task_ids.add(task_id)
        return chosen
