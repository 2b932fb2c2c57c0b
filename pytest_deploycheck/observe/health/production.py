"""The target groups that serve production, of the two between which a blue/green deployment shifts traffic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.facts.service import LoadBalancer
from pytest_deploycheck.observe.calls import member, require_all
from pytest_deploycheck.observe.read_only import iam_action

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

RULES = iam_action("elbv2", "DescribeRules")
LISTENERS = iam_action("elbv2", "DescribeListeners")


def production_action(balancers: Iterable[LoadBalancer]) -> str | None:
    """Return the IAM action that reads where production traffic goes; None where nothing has to be read."""
    rules = [one.production_rule for one in balancers if one.production_rule]
    if not rules:
        return None
    return RULES if any(map(_is_rule, rules)) else LISTENERS


def serving_groups(client: ElasticLoadBalancingv2Client, balancers: Sequence[LoadBalancer]) -> Mapping[str, bool]:
    """Return whether each target group of these load balancers serves production.

    Args:
        client: The client for load balancers.
        balancers: Load balancers whose production listener rule is known.
    """
    by_rule = {one.production_rule: one for one in balancers if one.production_rule}
    rules = list(filter(_is_rule, by_rule))
    listeners = [arn for arn in by_rule if not _is_rule(arn)]
    actions: dict[str, Sequence[Mapping[str, Any]]] = {}
    if rules:
        found = member(client.describe_rules(RuleArns=rules), "Rules", RULES)
        actions |= {one["RuleArn"]: one.get("Actions", ()) for one in found}
        require_all(rules, actions, RULES)
    if listeners:
        found = member(client.describe_listeners(ListenerArns=listeners), "Listeners", LISTENERS)
        actions |= {one["ListenerArn"]: one.get("DefaultActions", ()) for one in found}
        require_all(listeners, actions, LISTENERS)
    serving: dict[str, bool] = {}
    for rule, balancer in by_rule.items():
        weights = _weights(actions[rule])
        if any(weights.get(arn) for arn in balancer.target_groups):
            serving.update((arn, bool(weights.get(arn))) for arn in balancer.target_groups)
        # Else the rule forwards to neither, as while it is being changed: it is not known what serves.
    return serving


def _is_rule(arn: str) -> bool:
    """Return whether an ARN is of a rule, not of the listener of a Network Load Balancer."""
    return ":listener-rule/" in arn


def _weights(actions: Iterable[Mapping[str, Any]]) -> Mapping[str, int]:
    """Return the weight of each target group to which actions forward; one alone has all of it."""
    weights: dict[str, int] = {}
    for action in actions:
        groups = action.get("ForwardConfig", {}).get("TargetGroups", ())
        for group in groups:
            # The weight may be left out where there is one group only.
            weights[group.get("TargetGroupArn", "")] = group.get("Weight", 1)
        if not groups and action.get("TargetGroupArn"):
            weights[action["TargetGroupArn"]] = 1
    return weights
