"""The states of targets in their target groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.facts.health import Target, TargetGroup
from pytest_deploycheck.observe.calls import member

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client


def target_group(client: ElasticLoadBalancingv2Client, arn: str) -> TargetGroup:
    """Return a target group by its ARN, with its targets."""
    answer = client.describe_target_health(TargetGroupArn=arn)
    described = member(answer, "TargetHealthDescriptions", "elasticloadbalancing:DescribeTargetHealth")
    return TargetGroup(arn, tuple(map(_target, described)))


def _target(answer: Mapping[str, Any]) -> Target:
    health = answer["TargetHealth"]
    return Target(
        id=answer["Target"]["Id"],
        port=answer["Target"].get("Port"),
        state=health["State"],
        reason=health.get("Reason", ""),
        description=health.get("Description", ""),
    )
