"""The operations of ECS on clusters and services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.api.ecs.shared import (
    cluster_arn,
    cluster_name,
    counts,
    launch,
    load_balancers,
    look_up,
    revision_counts,
    task_set_load_balancers,
)
from pytest_deploycheck.sandbox.api.responses import Json, Operation, invalid, page
from pytest_deploycheck.sandbox.world.names import last_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.world.ecs.rollouts import SandboxRollout
    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
    from pytest_deploycheck.sandbox.world.world import World

_MOST_SERVICES = 10
_MOST_EVENTS = 100


def list_services(world: World, region: str, request: Json) -> Json:
    """Operation ListServices."""
    cluster = cluster_name(world, region, request)
    here = [each for key, each in world.services.items() if key[:2] == (region, cluster)]
    arns = [each.arn for each in here if each.status == "ACTIVE"]
    listed, more = page(arns, request, largest=100, default=10)
    return {"serviceArns": listed, **more}


def list_clusters(world: World, region: str, request: Json) -> Json:
    """Operation ListClusters."""
    names = sorted(name for where, name in world.clusters if where == region)
    arns = [world.account.ecs_arn(region, "cluster", name) for name in names]
    listed, more = page(arns, request, largest=100)
    return {"clusterArns": listed, **more}


def describe_services(world: World, region: str, request: Json) -> Json:
    """Operation DescribeServices."""
    cluster = cluster_name(world, region, request)
    if not 1 <= len(request["services"]) <= _MOST_SERVICES:
        raise invalid(f"Services must contain between 1 and {_MOST_SERVICES} elements.")
    arns = [world.account.ecs_arn(region, "service", cluster, last_part(each)) for each in request["services"]]
    found, failures = look_up(arns, {service.arn: service for service in world.services.values()})
    with_tags = "TAGS" in request.get("include", ())
    services = [{**_service(world, each), **(_tags(each) if with_tags else {})} for each in found]
    return {"services": services, "failures": failures}


OPERATIONS: Mapping[str, Operation] = {
    "DescribeServices": describe_services,
    "ListClusters": list_clusters,
    "ListServices": list_services,
}
"""The operations, by name."""


def _service(world: World, service: SandboxService) -> Json:
    by_ecs = service.controller == "ECS"
    shown = [rollout for rollout in reversed(service.rollouts) if rollout.status != "INACTIVE"]
    events = sorted(enumerate(service.events), key=lambda each: (each[1].at, each[0]), reverse=True)
    return {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": cluster_arn(service),
        "loadBalancers": load_balancers(service),
        "serviceRegistries": [],
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": sum(task.last_status == "RUNNING" for task in service.tasks),
        "pendingCount": sum(task.last_status == "PENDING" for task in service.tasks),
        **launch(service.launch_type, "LATEST"),
        "taskDefinition": (service.definition if by_ecs else service.production.definition).arn,
        "deploymentConfiguration": service.configuration(),
        "deployments": [_deployment(rollout) for rollout in shown] if by_ecs else [],
        **(_current(world, service) if by_ecs else {"taskSets": [_task_set(world, rollout) for rollout in shown]}),
        "roleArn": f"arn:aws:iam::{world.account.id}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "events": [
            {"id": event.id, "createdAt": event.at, "message": event.message} for _, event in events[:_MOST_EVENTS]
        ],
        "createdAt": service.created_at,
        "placementConstraints": [],
        "placementStrategy": [],
        "schedulingStrategy": service.scheduling,
        "deploymentController": {"type": service.controller},
        "enableECSManagedTags": False,
        "propagateTags": "NONE",
        "enableExecuteCommand": False,
    }


def _tags(service: SandboxService) -> Json:
    return {"tags": [{"key": key, "value": value} for key, value in service.tags.items()]}


def _deployment(rollout: SandboxRollout) -> Json:
    return {
        "id": rollout.id,
        "status": rollout.status,
        "taskDefinition": rollout.definition.arn,
        **counts(rollout),
        "failedTasks": rollout.consecutive_failures,
        "createdAt": rollout.created_at,
        "updatedAt": rollout.updated_at or rollout.created_at,
        **launch(rollout.service.launch_type, "1.4.0"),
        **_rollout_state(rollout),
    }


def _rollout_state(rollout: SandboxRollout) -> Json:
    # ECS returns the state of rolling updates only.
    if rollout.service.deploying.strategy != "ROLLING":
        return {}
    return {"rolloutState": rollout.state, "rolloutStateReason": rollout.reason}


def _current(world: World, service: SandboxService) -> Json:
    if not world.service_deployments:
        return {}
    alive = [
        each for each in service.rollouts if each.status != "INACTIVE" and (each.tasks or each.status == "PRIMARY")
    ]
    return {
        "currentServiceDeployment": service.service_deployments[-1].deployment_arn,
        "currentServiceRevisions": [
            {"arn": arn, **revision_counts(each for each in alive if each.revision_arn == arn)}
            for arn in dict.fromkeys(each.revision_arn for each in alive)
        ],
    }


def _task_set(world: World, rollout: SandboxRollout) -> Json:
    numbers = counts(rollout)
    service = rollout.service
    by_code_deploy = service.controller == "CODE_DEPLOY"
    return {
        "id": rollout.id,
        "taskSetArn": service.account.ecs_arn(service.region, "task-set", service.cluster, service.name, rollout.id),
        "serviceArn": service.arn,
        "clusterArn": cluster_arn(service),
        **({"startedBy": "CODE_DEPLOY", "externalId": f"d-{last_part(rollout.id)[:9]}"} if by_code_deploy else {}),
        "status": rollout.status,
        "taskDefinition": rollout.definition.arn,
        "computedDesiredCount": numbers["desiredCount"],
        "pendingCount": numbers["pendingCount"],
        "runningCount": numbers["runningCount"],
        "createdAt": rollout.created_at,
        "updatedAt": rollout.updated_at or rollout.created_at,
        **launch(service.launch_type, "1.4.0"),
        "loadBalancers": task_set_load_balancers(rollout),
        "serviceRegistries": [],
        "scale": {"value": 100.0, "unit": "PERCENT"},
        "stabilityStatus": "STEADY_STATE" if rollout.is_steady else "STABILIZING",
        "stabilityStatusAt": world.account.now(),
        "tags": [],
    }
