"""The DNS names of load balancers, found by the target groups behind them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.observe.health.load_balancers import dns_names


class Balancing:
    """A client for load balancers, which counts the calls.

    Attributes:
        groups: The load balancers of each target group.
        asked: The operations that were called.
    """

    def __init__(self, **groups: list[str]) -> None:
        self.groups = groups
        self.asked: list[str] = []

    def describe_target_groups(self, *, TargetGroupArns: list[str]) -> dict[str, Any]:  # noqa: N803  # as in boto3
        """Describe some target groups."""
        self.asked.append("groups")
        found = [{"TargetGroupArn": arn, "LoadBalancerArns": self.groups[arn]} for arn in TargetGroupArns]
        return {"TargetGroups": found}

    def describe_load_balancers(self, *, LoadBalancerArns: list[str]) -> dict[str, Any]:  # noqa: N803  # as in boto3
        """Describe some load balancers."""
        self.asked.append("balancers")
        return {"LoadBalancers": [{"LoadBalancerArn": arn, "DNSName": f"{arn}.test"} for arn in LoadBalancerArns]}


@pytest.mark.parametrize(
    ("groups", "names", "asked"),
    [
        ({}, (), []),
        ({"unused": []}, (), ["groups"]),
        ({"blue": ["web"], "green": ["web"]}, ("web.test",), ["groups", "balancers"]),
        ({"blue": ["web", "internal"], "unused": []}, ("web.test", "internal.test"), ["groups", "balancers"]),
    ],
    ids=["no target group", "no load balancer", "one for both groups", "two for one group"],
)
def test_the_names_by_which_users_reach_a_service(
    groups: dict[str, list[str]], names: tuple[str, ...], asked: list[str]
) -> None:
    """Each load balancer has its name once; what leads to none is not asked about any further."""
    client = Balancing(**groups)
    assert dns_names(client, list(groups)) == names
    assert client.asked == asked
