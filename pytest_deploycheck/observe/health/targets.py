"""The states of targets in their target groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.facts.health import Target, TargetGroup
from pytest_deploycheck.observe.calls import member, side_by_side

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client


def target_groups(client: ElasticLoadBalancingv2Client, arns: Sequence[str]) -> tuple[TargetGroup, ...]:
    """Target groups by their ARNs, each with its targets."""

    def ask(arn: str) -> TargetGroup:
        answer = client.describe_target_health(TargetGroupArn=arn)
        described = member(answer, "TargetHealthDescriptions", "elasticloadbalancing:DescribeTargetHealth")
        return TargetGroup(arn, tuple(map(_target, described)))

    return tuple(side_by_side(ask, arns))


def _target(answer: Mapping[str, Any]) -> Target:
    health = answer["TargetHealth"]
    return Target(
        id=answer["Target"]["Id"],
        port=answer["Target"].get("Port"),
        state=health["State"],
        reason=health.get("Reason", ""),
        description=health.get("Description", ""),
    )
