"""The target groups that serve production, by listener rules, listeners and task sets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_deploycheck.facts.service import LoadBalancer
from pytest_deploycheck.observe.health.production import LISTENERS, RULES, production_action, serving_groups
from pytest_deploycheck.observe.problems import IncompleteAnswerError

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

RULE = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/web/1/2/3"
LISTENER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/net/web/1/2"


def pair(rule: str) -> LoadBalancer:
    """A load balancer with two target groups between which traffic is shifted."""
    return LoadBalancer("app", 80, "blue", alternate="green", production_rule=rule)


def forward(**weights: int) -> dict[str, Any]:
    """An action that forwards to target groups by weight."""
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


def client(*actions: dict[str, Any], rule: str = RULE, listener: str = LISTENER) -> ElasticLoadBalancingv2Client:
    """A client whose rule and listener have these actions."""
    answering = SimpleNamespace(
        describe_rules=lambda **_: {"Rules": [{"RuleArn": rule, "Actions": list(actions)}]},
        describe_listeners=lambda **_: {"Listeners": [{"ListenerArn": listener, "DefaultActions": list(actions)}]},
    )
    return cast("ElasticLoadBalancingv2Client", answering)


@pytest.mark.parametrize("rule", [RULE, LISTENER], ids=["listener rule", "listener of a Network Load Balancer"])
@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([forward(blue=0, green=100)], {"blue": False, "green": True}),
        ([forward(blue=100, green=0)], {"blue": True, "green": False}),
        ([forward(blue=90, green=10)], {"blue": True, "green": True}),
        ([{"Type": "forward", "TargetGroupArn": "green"}], {"blue": False, "green": True}),
        ([{"Type": "authenticate-oidc"}, forward(green=1)], {"blue": False, "green": True}),
        ([forward(another=100)], {}),
        ([forward(blue=0, green=0)], {}),
        ([{"Type": "redirect"}], {}),
        ([], {}),
    ],
    ids=["green", "blue", "both", "one group", "after a login", "elsewhere", "no weight", "redirect", "nothing"],
)
def test_every_group_with_a_weight_serves(rule: str, actions: list[dict[str, Any]], expected: dict[str, bool]) -> None:
    """If the rule forwards to neither group, it is not known which of them serves."""
    assert serving_groups(client(*actions), [pair(rule)]) == expected


def test_a_rule_that_was_not_described_is_no_answer() -> None:
    """An answer about another rule leaves open where production traffic goes."""
    with pytest.raises(IncompleteAnswerError):
        serving_groups(client(forward(blue=1), rule="another"), [pair(RULE)])


@pytest.mark.parametrize(
    ("balancers", "action"),
    [([pair(RULE)], RULES), ([pair(LISTENER)], LISTENERS), ([LoadBalancer("app", 80, "web")], None), ([], None)],
)
def test_the_action_that_is_needed(balancers: list[LoadBalancer], action: str | None) -> None:
    """Only blue/green deployments need a further permission, one for rules and one for listeners."""
    assert production_action(balancers) == action
