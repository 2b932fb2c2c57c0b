"""An IAM policy in force: calls that it does not allow are refused, as IAM evaluates it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.api.faults import Call, Deny, resource_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WITHOUT_PERMISSION = ("sts:*", "s3:GetObject")
"""What needs no permission: the caller's identity, and the download of a layer by an address that is signed."""

_CONDITIONS = {"ArnEquals", "ArnLike", "StringEquals", "StringLike"}
_CLUSTER_KEY = "ecs:cluster"

_ECS_RESOURCES = {
    "ecs:DescribeServices": ("services", "service"),
    "ecs:DescribeTasks": ("tasks", "task"),
    "ecs:DescribeContainerInstances": ("containerInstances", "container-instance"),
    "ecs:ListServiceDeployments": ("service", "service"),
    "ecs:DescribeServiceDeployments": ("serviceDeploymentArns", "service-deployment"),
    "ecs:DescribeServiceRevisions": ("serviceRevisionArns", "service-revision"),
}
"""The parameter of an operation that names its resources, and their kind."""

_WITHOUT_RESOURCE = {"cloudwatch:GetMetricData", "logs:GetQueryResults"}
"""Operations that know no resource."""


@dataclass(frozen=True, slots=True)
class PolicyStatement:
    """A statement that allows actions.

    Attributes:
        actions: The patterns of the actions.
        resources: The patterns of the ARNs.
        conditions: The patterns that a condition key must match, by the key.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def allows(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Tell if it allows an action on a resource; one that knows no resource is allowed on `*` only."""
        return (
            any(fnmatchcase(action.lower(), pattern.lower()) for pattern in self.actions)
            and any(pattern == "*" or fnmatchcase(resource, pattern) for pattern in self.resources)
            and all(
                any(fnmatchcase(context.get(key, ""), pattern) for pattern in patterns)
                for key, patterns in self.conditions
            )
        )


@dataclass(frozen=True, slots=True)
class EnforcedPolicy:
    """A policy.

    Attributes:
        statements: Its statements.
    """

    statements: tuple[PolicyStatement, ...]

    def check(self, call: Call, account: str) -> None:
        """See that it allows a call.

        Raises:
            DeniedError: It does not, for one of the resources of the call.
        """
        if any(fnmatchcase(call.operation, pattern) for pattern in _WITHOUT_PERMISSION):
            return
        context = {_CLUSTER_KEY: _cluster(call, account)} if call.operation.startswith("ecs:") else {}
        for resource in _iam_resources(call, account):
            if not any(one.allows(call.operation, resource, context) for one in self.statements):
                Deny().refuse(call, account)


def parse_policy(document: Mapping[str, Any]) -> EnforcedPolicy:
    """Return the policy of a document, as IAM has it.

    Raises:
        ValueError: It has an element that the sandbox does not evaluate.
    """
    return EnforcedPolicy(tuple(_statement(one) for one in _as_list(document["Statement"])))


def _iam_resources(call: Call, account: str) -> list[str]:
    """Return the ARNs of the resources of a call, as IAM sees them; `*` where it knows none."""
    if call.operation in _ECS_RESOURCES:
        parameter, kind = _ECS_RESOURCES[call.operation]
        cluster = _cluster(call, account).rpartition("/")[2]
        base = f"arn:aws:ecs:{call.region}:{account}:{kind}/{cluster}/"
        names = _as_list(call.parameters.get(parameter, "*"))
        return [name if name.startswith("arn:") else base + name for name in names] or [f"{base}*"]
    if call.operation == "cloudwatch:DescribeAlarms":
        base = f"arn:aws:cloudwatch:{call.region}:{account}:alarm:"
        return [base + name for name in call.parameters.get("AlarmNames") or ["*"]]
    is_known = call.operation.startswith(("ecr:", "logs:", "cloudwatch:")) and call.operation not in _WITHOUT_RESOURCE
    return [resource_of(call, account) if is_known else "*"]


def _cluster(call: Call, account: str) -> str:
    name = str(call.parameters.get("cluster") or "default")
    return name if name.startswith("arn:") else f"arn:aws:ecs:{call.region}:{account}:cluster/{name}"


def _statement(one: Mapping[str, Any]) -> PolicyStatement:
    unknown = set(one) - {"Sid", "Effect", "Action", "Resource", "Condition"}
    conditions: Mapping[str, Mapping[str, Any]] = one.get("Condition", {})
    if unknown or one.get("Effect") != "Allow" or set(conditions) - _CONDITIONS:
        raise ValueError(
            f"The sandbox evaluates statements with Effect Allow, Action, Resource and the conditions "
            f"{', '.join(sorted(_CONDITIONS))}; found {dict(one)}"
        )
    return PolicyStatement(
        tuple(_as_list(one["Action"])),
        tuple(_as_list(one["Resource"])),
        tuple((key, tuple(_as_list(value))) for keys in conditions.values() for key, value in keys.items()),
    )


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]
