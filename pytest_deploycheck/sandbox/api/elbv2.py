"""The operations of Elastic Load Balancing on target groups, listeners and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.api.ecs.shared import production_rules
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


def describe_target_groups(world: World, region: str, asked: Json) -> Json | None:
    """Operation DescribeTargetGroups, or None where nothing that is asked for is the world's."""
    here = [group for group in world.target_groups.by_arn.values() if group.region == region]
    wanted = [*asked.get("TargetGroupArns", ()), *asked.get("Names", ())]
    found = [group for group in here if not wanted or group.arn in wanted or group.name in wanted]
    if "LoadBalancerArn" in asked:
        found = [group for group in found if group.load_balancer == asked["LoadBalancerArn"]]
    if not found:
        return None
    if wanted and len(found) < len(wanted):
        raise AwsError("TargetGroupNotFound", "One or more target groups not found")
    size = asked.get("PageSize", _MOST)
    start = int(asked.get("Marker", 0))
    more = {"NextMarker": str(start + size)} if start + size < len(found) else {}
    return {"TargetGroups": [_target_group(group) for group in found[start : start + size]], **more}


def describe_target_health(world: World, region: str, asked: Json) -> Json | None:
    """Operation DescribeTargetHealth, or None where the world has no such target group."""
    group = world.target_groups.find(region, asked.get("TargetGroupArn", ""))
    if group is None:
        return None
    found = [_target(group, task) for task in _registered(world, group)]
    if "Targets" in asked:
        found = [target for wanted in asked["Targets"] for target in _asked_for(wanted, found)]
    return {"TargetHealthDescriptions": found}


def describe_rules(world: World, region: str, asked: Json) -> Json | None:
    """Operation DescribeRules, or None where nothing that is asked for is the world's."""
    known = {rule: pair for service in world.services.values() for rule, pair in production_rules(service).items()}
    wanted = [arn for arn in asked.get("RuleArns", ()) if arn.split(":")[3] == region]
    if not wanted or not known.keys() >= set(wanted):
        return None
    return {"Rules": [_rule(arn, *known[arn]) for arn in wanted]}


OPERATIONS: Mapping[str, Callable[[World, str, Json], Json | None]] = {
    "DescribeRules": describe_rules,
    "DescribeTargetGroups": describe_target_groups,
    "DescribeTargetHealth": describe_target_health,
}
"""The operations, by name. Each answers None where it knows nothing of what is asked."""


def _rule(arn: str, serving: str, other: str) -> Json:
    groups = [{"TargetGroupArn": serving, "Weight": 100}, {"TargetGroupArn": other, "Weight": 0}]
    return {
        "RuleArn": arn,
        "Priority": "1",
        "Conditions": [],
        "Actions": [{"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": groups}}],
        "IsDefault": False,
    }


def _registered(world: World, group: SandboxTargetGroup) -> Iterable[SandboxTask]:
    for service in world.services.values():
        for rollout in service.rollouts:
            if group.arn in rollout.target_groups:
                yield from (
                    task for task in rollout.tasks if task.started_at and task.stopped_at is None and task.target_health
                )


def _asked_for(wanted: Json, found: Iterable[Json]) -> Iterable[Json]:
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
