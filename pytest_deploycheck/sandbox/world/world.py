"""The state of the sandbox: one account, its registries, services, tasks and logs."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.ecs.instances import Instances
from pytest_deploycheck.sandbox.world.ecs.task_definitions import TaskDefinition
from pytest_deploycheck.sandbox.world.logs.behaviour import LiveTailing, LogPaging, Querying
from pytest_deploycheck.sandbox.world.logs.groups import LogStore
from pytest_deploycheck.sandbox.world.metrics import MetricStore
from pytest_deploycheck.sandbox.world.names import Reference, ecs_arn, parse_reference
from pytest_deploycheck.sandbox.world.registry import Registries
from pytest_deploycheck.sandbox.world.target_groups import TargetGroups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_deploycheck.sandbox.api.logs.insights import SandboxQuery
    from pytest_deploycheck.sandbox.world.alarms import SandboxAlarm
    from pytest_deploycheck.sandbox.world.ecs.instances import NetworkMode
    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import Architecture, SandboxContainer
    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask
    from pytest_deploycheck.sandbox.world.registry import Repository


@dataclass(slots=True)
class World:
    """Everything the answers are made of. Hold `lock` while reading or changing it.

    Attributes:
        account: The account the callers belong to.
        region: The region where things are made unless another is named.
        clock_offset: How far the world's clock is ahead of this machine's.
        paging: In which pages log events are answered.
        tailing: How live tails go.
        querying: How queries of Logs Insights go.
        service_deployments: Whether ECS knows service deployments and revisions.
        endpoint_url: Where the world can be reached.
        signature: What makes an address of a layer a presigned one.
        lock: Guards all of it.
        registries: The image registries.
        logs: The log groups.
        clusters: Region and name of each cluster.
        definitions: Task definitions by ARN.
        services: By region, cluster and name.
        former: The deleted services whose names others have now.
        standalone: The tasks no service started.
        queries: The queries of Logs Insights by id.
        alarms: The alarms by region and name.
        metrics: The metrics.
        instances: The container instances.
        target_groups: The target groups.
    """

    account: str
    region: str
    clock_offset: timedelta = timedelta(0)
    paging: LogPaging = field(default_factory=LogPaging)
    tailing: LiveTailing = field(default_factory=LiveTailing)
    querying: Querying = field(default_factory=Querying)
    service_deployments: bool = True
    endpoint_url: str = ""
    signature: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock)
    registries: Registries = field(default_factory=Registries)
    logs: LogStore = field(default_factory=LogStore)
    clusters: set[tuple[str, str]] = field(default_factory=set)
    definitions: dict[str, TaskDefinition] = field(default_factory=dict)
    services: dict[tuple[str, str, str], SandboxService] = field(default_factory=dict)
    former: list[SandboxService] = field(default_factory=list)
    standalone: list[SandboxTask] = field(default_factory=list)
    queries: dict[str, SandboxQuery] = field(default_factory=dict)
    alarms: dict[tuple[str, str], SandboxAlarm] = field(default_factory=dict)
    metrics: MetricStore = field(default_factory=MetricStore)
    instances: Instances = field(default_factory=Instances)
    target_groups: TargetGroups = field(init=False)

    def __post_init__(self) -> None:
        self.target_groups = TargetGroups(self.account)

    def now(self) -> datetime:
        """Return the world's time."""
        return datetime.now(UTC) + self.clock_offset

    def moment(self, at: datetime | None) -> datetime:
        """Return `at`, or now where it is None.

        Raises:
            ValueError: If it has no time zone.
        """
        if at is None:
            return self.now()
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone: give an aware datetime, such as datetime.now(UTC)")
        return at.astimezone(UTC)

    def soon(self, at: datetime, after: timedelta) -> datetime:
        """Return the moment a while after `at`, but never one that is yet to come."""
        return min(at + after, max(at, self.now()))

    def arrival(self, said: datetime, arrives_in: float) -> datetime:
        """Return when a line can be seen that was said at a moment, delayed by seconds of real time."""
        now = self.now()
        return now + timedelta(seconds=arrives_in) if arrives_in else min(said, now)

    def blob_url(self, repository: Repository, digest: str) -> str:
        """Return the presigned address of a layer or a config."""
        place = f"{repository.account}/{repository.region}/{repository.name}/{digest}"
        return f"{self.endpoint_url}/layers/{place}?X-Amz-Expires=3600&X-Amz-Signature={self.signature}"

    def reference(self, text: str, region: str = "") -> Reference:
        """Read an image reference; without a host it means the world's own account and region."""
        return parse_reference(text, account=self.account, region=region or self.region)

    def register(
        self,
        family: str,
        containers: Sequence[SandboxContainer],
        *,
        region: str,
        architecture: Architecture,
        at: datetime,
        network_mode: NetworkMode = "awsvpc",
    ) -> TaskDefinition:
        """Register the next revision of a family of task definitions, with the log groups it writes to."""
        prefix = ecs_arn(region, self.account, "task-definition", f"{family}:")
        revision = 1 + sum(arn.startswith(prefix) for arn in self.definitions)
        whole = tuple(container.completed(self, family, region) for container in containers)
        definition = TaskDefinition(
            f"{prefix}{revision}", family, revision, region, whole, architecture, at, network_mode
        )
        self.definitions[definition.arn] = definition
        for container in whole:
            if container.log_driver == "awslogs":
                self.logs.open(container.log_region, container.log_group, at)
        return definition

    def succeed(self, old: SandboxService, new: SandboxService) -> None:
        """Give the name of a deleted service to a new one; the tasks of the old one still fade slowly."""
        self.former.append(old)
        self.services[new.region, new.cluster, new.name] = new

    def tasks(self, region: str, cluster: str) -> list[SandboxTask]:
        """Return the tasks of a cluster that ECS still shows; a stopped one fades after an hour."""
        owned = [task for service in (*self.services.values(), *self.former) for task in service.all_tasks]
        horizon = self.now() - timedelta(hours=1)
        return [
            task
            for task in (*owned, *self.standalone)
            if (task.region, task.cluster) == (region, cluster)
            and (task.stopped_at is None or task.stopped_at > horizon)
        ]
