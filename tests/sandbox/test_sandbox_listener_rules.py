"""The rules and listeners by which users reach the target groups of a service, read with boto3."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox, SandboxService

    from .conftest import Clients

NETWORK = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/{}/0123456789abcdef"


def in_turns(aws: Sandbox, name: str, **settings: Any) -> SandboxService:
    """Create a service whose rollouts take turns between two target groups."""
    aws.push_image(f"{name}:1", {"a": name})
    return aws.create_service(
        name,
        cluster=name,
        image=f"{name}:1",
        target_groups=[f"{name}-blue"],
        alternate_target_groups=[f"{name}-green"],
        at=aws.now() - timedelta(hours=1),
        **settings,
    )


def production(client: Clients, service: SandboxService) -> str:
    """Return the production listener rule of a service."""
    (found,) = client("ecs").describe_services(cluster=service.cluster, services=[service.name])["services"]
    return str(found["loadBalancers"][0]["advancedConfiguration"]["productionListenerRule"])


def weights(actions: list[dict[str, Any]]) -> dict[str, int]:
    """Return the weight of each target group by its colour."""
    groups = actions[0]["ForwardConfig"]["TargetGroups"]
    return {group["TargetGroupArn"].split("/")[1].rpartition("-")[2]: group["Weight"] for group in groups}


def rule(client: Clients, service: SandboxService) -> dict[str, int]:
    """Return the weights in the production listener rule of a service."""
    (found,) = client("elbv2").describe_rules(RuleArns=[production(client, service)])["Rules"]
    return weights(found["Actions"])


def test_a_rule_tells_which_target_group_serves(aws: Sandbox, client: Clients) -> None:
    """Weights follow the rollout: one side, both while traffic shifts, then the other; a weight can be set."""
    service = in_turns(aws, "colours", strategy="CANARY")
    assert rule(client, service) == {"blue": 100, "green": 0}
    rollout = service.roll_out(status="IN_PROGRESS")
    assert rule(client, service) == {"blue": 100, "green": 0}
    rollout.production_weight = 5.0
    assert rule(client, service) == {"blue": 95, "green": 5}
    rollout.complete()
    assert rule(client, service) == {"blue": 0, "green": 100}
    aws.target_group("colours-blue").weight = 1
    assert rule(client, service) == {"blue": 1, "green": 100}


def test_a_network_load_balancer_has_a_listener_in_place_of_a_rule(aws: Sandbox, client: Clients) -> None:
    """The production listener rule is then the ARN of the listener, whose default action has the weights."""
    for colour in ("blue", "green"):
        aws.create_target_group(f"wire-{colour}", load_balancer=NETWORK.format("wire"), protocol="TCP")
    service = in_turns(aws, "wire", strategy="BLUE_GREEN")
    arn = production(client, service)
    assert ":listener/net/" in arn
    (listener,) = client("elbv2").describe_listeners(ListenerArns=[arn])["Listeners"]
    assert weights(listener["DefaultActions"]) == {"blue": 100, "green": 0}
    assert listener["LoadBalancerArn"] == NETWORK.format("wire")


def test_rules_are_found_by_their_listener(aws: Sandbox, client: Clients) -> None:
    """The listener of a load balancer names its rules; other services of AWS's account go on to be answered."""
    service = in_turns(aws, "found", controller="CODE_DEPLOY")
    balancer = aws.target_group("found-blue").load_balancer
    (listener,) = client("elbv2").describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    (found,) = client("elbv2").describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    assert weights(found["Actions"]) == {"blue": 100, "green": 0}
    service.roll_out()
    (found,) = client("elbv2").describe_rules(RuleArns=[found["RuleArn"]])["Rules"]
    assert weights(found["Actions"]) == {"blue": 0, "green": 100}
    for unknown in ([found["RuleArn"], f"{found['RuleArn']}0"], [f"{found['RuleArn']}0"]):
        with pytest.raises(ClientError, match="RuleNotFound"):
            client("elbv2").describe_rules(RuleArns=unknown)
    for unknown in ([listener["ListenerArn"], f"{listener['ListenerArn']}0"], [f"{listener['ListenerArn']}0"]):
        with pytest.raises(ClientError, match="ListenerNotFound"):
            client("elbv2").describe_listeners(ListenerArns=unknown)
