"""The operations of Elastic Load Balancing on target groups, listeners and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.ecs.listener_rules import ProductionRule, production_rules
from pytest_deploycheck.sandbox.world.errors import AwsError
from pytest_deploycheck.sandbox.world.names import last_part
from pytest_deploycheck.sandbox.world.target_groups import CONTAINER_PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_deploycheck.sandbox.api.responses import Json
    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask
    from pytest_deploycheck.sandbox.world.target_groups import SandboxTargetGroup
    from pytest_deploycheck.sandbox.world.world import World

_MOST = 400
REASONS: Mapping[str, tuple[str, str]] = {
    "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
    "unhealthy": ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]"),
    "unhealthy.draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
    "unused": (
        "Target.NotInUse",
        "Target group is not configured to receive traffic from the load balancer",
    ),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
    "unavailable": ("Target.HealthCheckDisabled", "Health checks are not enabled for this target"),
}
"""The usual reason of each state and its description; a healthy target has none."""

_NOT_REGISTERED = ("Target.NotRegistered", "Target is not registered to the target group")


def describe_target_groups(world: World, region: str, request: Json) -> Json | None:
    """Operation DescribeTargetGroups; None if the sandbox has none of the target groups."""
    here = [group for group in world.target_groups.by_arn.values() if group.region == region]
    wanted = [*request.get("TargetGroupArns", ()), *request.get("Names", ())]
    found = [group for group in here if not wanted or group.arn in wanted or group.name in wanted]
    if "LoadBalancerArn" in request:
        found = [group for group in found if group.load_balancer == request["LoadBalancerArn"]]
    if not found:
        return None
    if wanted and len(found) < len(wanted):
        raise AwsError("TargetGroupNotFound", "One or more target groups not found")
    size = request.get("PageSize", _MOST)
    start = int(request.get("Marker", 0))
    more = {"NextMarker": str(start + size)} if start + size < len(found) else {}
    return {"TargetGroups": [_target_group(group) for group in found[start : start + size]], **more}


def describe_target_health(world: World, region: str, request: Json) -> Json | None:
    """Operation DescribeTargetHealth; None if the sandbox does not have the target group."""
    group = world.target_groups.find(region, request.get("TargetGroupArn", ""))
    if group is None:
        return None
    found = [_target(group, task) for task in _registered(world, group)]
    if "Targets" in request:
        found = [target for wanted in request["Targets"] for target in _requested(wanted, found)]
    return {"TargetHealthDescriptions": found}


def describe_load_balancers(world: World, region: str, request: Json) -> Json | None:
    """Operation DescribeLoadBalancers; None if the sandbox has none of the load balancers."""
    here = {group.load_balancer for group in world.target_groups.by_arn.values() if group.region == region}
    known = sorted(here - {""})
    wanted = [*request.get("LoadBalancerArns", ()), *request.get("Names", ())]
    found = [arn for arn in known if not wanted or arn in wanted or arn.split("/")[2] in wanted]
    if not found:
        return None
    if len(found) < len(wanted):
        raise AwsError("LoadBalancerNotFound", "One or more load balancers not found")
    return {"LoadBalancers": [_load_balancer(arn, region) for arn in found]}


def describe_rules(world: World, region: str, request: Json) -> Json | None:
    """Operation DescribeRules; None if the sandbox has none of the rules or the listener."""
    rules = [rule for rule in _rules(world, region) if not rule.is_listener]
    wanted = request.get("RuleArns", ())
    found = [rule for rule in rules if rule.arn in wanted or rule.listener_arn == request.get("ListenerArn")]
    if not found:
        return None
    if len(found) < len(wanted):
        raise AwsError("RuleNotFound", "One or more rules not found")
    return {
        "Rules": [
            {"RuleArn": rule.arn, "Priority": "1", "Conditions": [], "Actions": [_forward(rule)], "IsDefault": False}
            for rule in found
        ]
    }


def describe_listeners(world: World, region: str, request: Json) -> Json | None:
    """Operation DescribeListeners; None if the sandbox has none of the listeners or the load balancer."""
    wanted = request.get("ListenerArns", ())
    found = [
        rule
        for rule in _rules(world, region)
        if rule.listener_arn in wanted or rule.load_balancer == request.get("LoadBalancerArn")
    ]
    if not found:
        return None
    if len(found) < len(wanted):
        raise AwsError("ListenerNotFound", "One or more listeners not found")
    return {
        "Listeners": [
            {
                "ListenerArn": rule.listener_arn,
                "LoadBalancerArn": rule.load_balancer,
                "Port": 80,
                "Protocol": "TCP" if rule.is_listener else "HTTP",
                "DefaultActions": [_forward(rule)],
            }
            for rule in found
        ]
    }


OPERATIONS: Mapping[str, Callable[[World, str, Json], Json | None]] = {
    "DescribeListeners": describe_listeners,
    "DescribeLoadBalancers": describe_load_balancers,
    "DescribeRules": describe_rules,
    "DescribeTargetGroups": describe_target_groups,
    "DescribeTargetHealth": describe_target_health,
}
"""The operations, by name. Each returns None for resources that moto answers for."""


def _rules(world: World, region: str) -> Iterable[ProductionRule]:
    here = [service for service in world.services.values() if service.region == region]
    return [rule for service in here for rule in production_rules(service).values() if rule.load_balancer]


def _forward(rule: ProductionRule) -> Json:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in rule.weights.items()]
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": {"Enabled": False}}
    return {"Type": "forward", "Order": 1, "ForwardConfig": config}


def _registered(world: World, group: SandboxTargetGroup) -> Iterable[SandboxTask]:
    for service in world.services.values():
        for rollout in service.rollouts:
            if group.arn in rollout.target_groups:
                yield from (
                    task for task in rollout.tasks if task.started_at and task.stopped_at is None and task.target_health
                )


def _requested(wanted: Json, found: Iterable[Json]) -> Iterable[Json]:
    fitting = [
        one
        for one in found
        if one["Target"]["Id"] == wanted["Id"] and wanted.get("Port", one["Target"]["Port"]) == one["Target"]["Port"]
    ]
    return fitting or [{"Target": wanted, "TargetHealth": _health("unused", _NOT_REGISTERED)}]


def _target(group: SandboxTargetGroup, task: SandboxTask) -> Json:
    state = task.target_health if task.is_running else "draining"
    reason = task.target_reason if task.is_running else None
    if not group.load_balancer:
        state, reason = "unused", None
    where = task.private_ip, CONTAINER_PORT
    if group.target_type == "instance" and task.instance is not None:
        where = task.instance.ec2_id, task.host_port
    return {
        "Target": {"Id": where[0], "Port": where[1]},
        "HealthCheckPort": str(where[1]),
        "TargetHealth": _health(state, reason or REASONS.get(state)),
    }


def _health(state: str, reason: tuple[str, str] | None) -> Json:
    return {"State": state, **({"Reason": reason[0], "Description": reason[1]} if reason else {})}


def _load_balancer(arn: str, region: str) -> Json:
    kind, name, number = arn.partition(":loadbalancer/")[2].split("/")
    is_network = kind == "net"
    place = f"elb.{region}" if is_network else f"{region}.elb"
    return {
        "LoadBalancerArn": arn,
        "LoadBalancerName": name,
        "DNSName": f"{name}-{number}.{place}.amazonaws.com",
        "Scheme": "internet-facing",
        "State": {"Code": "active"},
        "Type": "network" if is_network else "application",
        "IpAddressType": "ipv4",
    }


def _target_group(group: SandboxTargetGroup) -> Json:
    checked = {
        "HealthCheckProtocol": group.protocol,
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": group.health_check_enabled,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
    }
    if group.protocol in {"HTTP", "HTTPS"}:
        checked |= {"HealthCheckPath": group.health_check_path, "Matcher": {"HttpCode": "200"}}
        checked |= {"ProtocolVersion": "HTTP1"}
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "Port": group.port,
        "VpcId": f"vpc-{last_part(group.arn)}",
        **checked,
        "LoadBalancerArns": [group.load_balancer] if group.load_balancer else [],
        "TargetType": group.target_type,
        "IpAddressType": "ipv4",
    }
