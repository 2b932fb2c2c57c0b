"""The resources of the account that its services use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.ecs.instances import Instances
from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxTaskDefinition
from pytest_deploycheck.sandbox.world.logs.groups import LogStore
from pytest_deploycheck.sandbox.world.metrics import MetricStore
from pytest_deploycheck.sandbox.world.registry import Registries
from pytest_deploycheck.sandbox.world.target_groups import TargetGroups

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.account import Account
    from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxContainer, TaskSettings


@dataclass(slots=True, eq=False)
class Resources:
    """Registries, log groups, task definitions, container instances, metrics and target groups.

    Attributes:
        account: The account they belong to.
        registries: The image registries.
        logs: The log groups.
        definitions: The task definitions by ARN.
        instances: The container instances.
        metrics: The metrics of CloudWatch.
        target_groups: The target groups.
    """

    account: Account
    registries: Registries = field(init=False)
    logs: LogStore = field(default_factory=LogStore)
    definitions: dict[str, SandboxTaskDefinition] = field(default_factory=dict)
    instances: Instances = field(default_factory=Instances)
    metrics: MetricStore = field(default_factory=MetricStore)
    target_groups: TargetGroups = field(init=False)

    def __post_init__(self) -> None:
        self.registries = Registries(self.account)
        self.target_groups = TargetGroups(self.account)

    def register(
        self,
        family: str,
        containers: Sequence[SandboxContainer],
        *,
        region: str,
        settings: TaskSettings,
        at: datetime,
    ) -> SandboxTaskDefinition:
        """Register the next revision of a family of task definitions, and create its log groups."""
        prefix = self.account.ecs_arn(region, "task-definition", f"{family}:")
        revision = 1 + sum(arn.startswith(prefix) for arn in self.definitions)
        completed = tuple(container.completed(self.account, family, region) for container in containers)
        definition = SandboxTaskDefinition(f"{prefix}{revision}", family, revision, region, completed, settings, at)
        self.definitions[definition.arn] = definition
        for container in completed:
            if container.log_driver == "awslogs":
                self.logs.open(container.log_region, container.log_group)
        return definition
