"""Task definitions as tests ask for them: with environment, CPU and memory, which no check needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.facts.task import DefinedContainer, DefinedTask
from pytest_deploycheck.observe.calls import member

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient


def task_settings(client: ECSClient, arn: str) -> DefinedTask:
    """Return a task definition by its ARN."""
    answer = client.describe_task_definition(taskDefinition=arn)
    definition: Mapping[str, Any] = member(answer, "taskDefinition", "ecs:DescribeTaskDefinition")
    # The ARN ends with family and revision; they are members as well, which emulators may leave out.
    family, _, revision = definition["taskDefinitionArn"].rpartition("/")[2].rpartition(":")
    return DefinedTask(
        arn=definition["taskDefinitionArn"],
        family=family,
        revision=int(revision),
        cpu=_number(definition.get("cpu")),
        memory=_number(definition.get("memory")),
        containers={one["name"]: _settings(one) for one in definition["containerDefinitions"]},
    )


def _settings(container: Mapping[str, Any]) -> DefinedContainer:
    return DefinedContainer(
        environment={one["name"]: one.get("value", "") for one in container.get("environment", ())},
        secrets={one["name"]: one["valueFrom"] for one in container.get("secrets", ())},
        files=tuple(one["value"] for one in container.get("environmentFiles", ())),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
