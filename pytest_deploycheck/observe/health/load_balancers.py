"""The DNS names of the load balancers that lead to target groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_deploycheck.observe.calls import member


def dns_names(client: Any, groups: Sequence[str]) -> tuple[str, ...]:
    """Return the DNS name of each load balancer that forwards to one of some target groups, each once.

    Args:
        client: A client for load balancers.
        groups: ARNs of target groups.
    """
    if not groups:
        return ()
    described = client.describe_target_groups(TargetGroupArns=list(groups))
    found = member(described, "TargetGroups", "elasticloadbalancing:DescribeTargetGroups")
    arns = list(dict.fromkeys(arn for group in found for arn in group.get("LoadBalancerArns", ())))
    if not arns:
        return ()
    balancers = client.describe_load_balancers(LoadBalancerArns=arns)
    listed = member(balancers, "LoadBalancers", "elasticloadbalancing:DescribeLoadBalancers")
    return tuple(dict.fromkeys(one["DNSName"] for one in listed))
