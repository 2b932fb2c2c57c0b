"""What ECS answers about services and their rollouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.answers import Answer, Json, invalid, page, seconds, without_nothing
from pytest_deploycheck.sandbox.ecs_tasks import cluster_name
from pytest_deploycheck.sandbox.faults import AwsError
from pytest_deploycheck.sandbox.names import ecs_arn, last_part
from pytest_deploycheck.sandbox.targetgroups import CONTAINER_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.rollouts import SandboxRollout
    from pytest_deploycheck.sandbox.service import SandboxService
    from pytest_deploycheck.sandbox.world import World

_MOST_SERVICES = 10
_MOST_ARNS = 20
_MOST_EVENTS = 100
_FIRST_PAGE = 20
_THRESHOLD = 3
_CONFIGURATION = {
    "deploymentCircuitBreaker": {"enable": True, "rollback": True},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}
_STATUS = {"IN_PROGRESS": "IN_PROGRESS", "COMPLETED": "SUCCESSFUL", "FAILED": "STOPPED"}


def list_services(world: World, region: str, asked: Json) -> Json:
    """Answer ListServices."""
    cluster = cluster_name(world, region, asked)
    arns = [each.arn for key, each in world.services.items() if key[:2] == (region, cluster)]
    listed, more = page(arns, asked, largest=100, default=10)
    return {"serviceArns": listed, **more}


def describe_clusters(world: World, region: str, asked: Json) -> Json:
    """Answer DescribeClusters."""
    found, failures = [], []
    for wanted in asked.get("clusters") or ["default"]:
        name = last_part(wanted)
        arn = ecs_arn(region, world.account, "cluster", name)
        if (region, name) not in world.clusters:
            failures.append({"arn": arn, "reason": "MISSING"})
            continue
        tasks = world.tasks(region, name)
        services = [key for key in world.services if key[:2] == (region, name)]
        found.append(
            {
                "clusterArn": arn,
                "clusterName": name,
                "status": "ACTIVE",
                "runningTasksCount": sum(task.last_status == "RUNNING" for task in tasks),
                "pendingTasksCount": sum(task.last_status == "PENDING" for task in tasks),
                "activeServicesCount": len(services),
            }
        )
    return {"clusters": found, "failures": failures}


def describe_services(world: World, region: str, asked: Json) -> Json:
    """Answer DescribeServices."""
    cluster = cluster_name(world, region, asked)
    if not 1 <= len(asked["services"]) <= _MOST_SERVICES:
        raise invalid(f"Services must contain between 1 and {_MOST_SERVICES} elements.")
    found, failures = [], []
    for wanted in asked["services"]:
        service = world.services.get((region, cluster, last_part(wanted)))
        if service is None:
            arn = ecs_arn(region, world.account, "service", cluster, last_part(wanted))
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(_service(world, service))
    return {"services": found, "failures": failures}


def list_service_deployments(world: World, region: str, asked: Json) -> Json:
    """Answer ListServiceDeployments: the newest first."""
    cluster = cluster_name(world, region, asked)
    service = world.services.get((region, cluster, last_part(asked["service"])))
    if service is None:
        raise AwsError("ServiceNotFoundException", "Service not found.")
    window = asked.get("createdAt", {})
    found = [
        _brief(world, rollout)
        for rollout in reversed(_service_deployments(service))
        if _deployment_status(rollout) in (asked.get("status") or [_deployment_status(rollout)])
        and window.get("after", 0) <= seconds(rollout.created_at)
        and seconds(rollout.created_at) <= window.get("before", float("inf"))
    ]
    listed, more = page(found, asked, largest=100, default=_FIRST_PAGE)
    return {"serviceDeployments": listed, **more}


def describe_service_deployments(world: World, region: str, asked: Json) -> Json:
    """Answer DescribeServiceDeployments."""
    known = {
        rollout.deployment_arn: rollout
        for service in world.services.values()
        if service.region == region
        for rollout in _service_deployments(service)
    }
    wanted = _checked(asked["serviceDeploymentArns"])
    return {
        "serviceDeployments": [_whole(world, known[arn]) for arn in wanted if arn in known],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in known],
    }


def describe_service_revisions(world: World, region: str, asked: Json) -> Json:
    """Answer DescribeServiceRevisions."""
    known = {
        rollout.revision_arn: rollout
        for service in world.services.values()
        if service.region == region
        # A rollback shares the revision of the rollout it goes back to.
        for rollout in service.rollouts
        if not rollout.is_rollback
    }
    wanted = _checked(asked["serviceRevisionArns"])
    return {
        "serviceRevisions": [_revision(world, known[arn]) for arn in wanted if arn in known],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in known],
    }


OPERATIONS: Mapping[str, Answer] = {
    "DescribeClusters": describe_clusters,
    "DescribeServiceDeployments": describe_service_deployments,
    "DescribeServiceRevisions": describe_service_revisions,
    "DescribeServices": describe_services,
    "ListServiceDeployments": list_service_deployments,
    "ListServices": list_services,
}
"""The operations, by name."""


def _checked(arns: list[str]) -> list[str]:
    if not 1 <= len(arns) <= _MOST_ARNS:
        raise invalid(f"Between 1 and {_MOST_ARNS} ARNs must be given.")
    return arns


def _service_deployments(service: SandboxService) -> list[SandboxRollout]:
    # The way back is part of the service deployment that failed.
    return [rollout for rollout in service.rollouts if not rollout.is_rollback]


def _cluster_arn(world: World, service: SandboxService) -> str:
    return ecs_arn(service.region, world.account, "cluster", service.cluster)


def _service(world: World, service: SandboxService) -> Json:
    by_ecs = service.controller == "ECS"
    shown = [rollout for rollout in reversed(service.rollouts) if rollout.status != "INACTIVE"]
    events = sorted(enumerate(service.events), key=lambda each: (each[1].at, each[0]), reverse=True)
    return {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": _cluster_arn(world, service),
        "loadBalancers": _load_balancers(service),
        "serviceRegistries": [],
        "status": "ACTIVE",
        "desiredCount": service.desired,
        "runningCount": sum(task.last_status == "RUNNING" for task in service.tasks),
        "pendingCount": sum(task.last_status == "PENDING" for task in service.tasks),
        **_launch(service, "LATEST"),
        "taskDefinition": service.definition.arn,
        "deploymentConfiguration": _CONFIGURATION,
        "deployments": [_deployment(rollout) for rollout in shown] if by_ecs else [],
        **({} if by_ecs else {"taskSets": [_task_set(world, rollout) for rollout in shown]}),
        "roleArn": f"arn:aws:iam::{world.account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "events": [
            {"id": event.id, "createdAt": seconds(event.at), "message": event.message}
            for _, event in events[:_MOST_EVENTS]
        ],
        "createdAt": seconds(service.created_at),
        "placementConstraints": [],
        "placementStrategy": [],
        "schedulingStrategy": service.scheduling,
        "deploymentController": {"type": service.controller},
        "enableECSManagedTags": False,
        "propagateTags": "NONE",
        "enableExecuteCommand": False,
    }


def _load_balancers(service: SandboxService) -> list[Json]:
    alternates = dict(zip(service.target_groups, service.alternate_target_groups, strict=False))
    return [
        {
            **_load_balancer(service, arn),
            **({"advancedConfiguration": _advanced(service, arn, alternates[arn])} if arn in alternates else {}),
        }
        for arn in service.target_groups
    ]


def _task_set_load_balancers(rollout: SandboxRollout) -> list[Json]:
    return [_load_balancer(rollout.service, arn) for arn in rollout.target_groups]


def _load_balancer(service: SandboxService, arn: str) -> Json:
    name = service.definition.containers[0].name
    return {"targetGroupArn": arn, "containerName": name, "containerPort": CONTAINER_PORT}


def _advanced(service: SandboxService, arn: str, alternate: str) -> Json:
    balancer = service.world.target_groups.by_arn[arn].load_balancer
    rule = f"{balancer.replace(':loadbalancer/', ':listener-rule/')}/{last_part(arn)}/{last_part(alternate)}"
    return {
        "alternateTargetGroupArn": alternate,
        "productionListenerRule": rule,
        "roleArn": f"arn:aws:iam::{service.world.account}:role/ecsInfrastructureRole",
    }


def _launch(service: SandboxService, platform: str) -> Json:
    if service.launch_type == "EC2":
        return {"launchType": "EC2"}
    return {"launchType": "FARGATE", "platformVersion": platform, "platformFamily": "Linux"}


def _counts(rollout: SandboxRollout) -> Json:
    alive = [task for task in rollout.tasks if task.stopped_at is None]
    return {
        "desiredCount": rollout.service.desired if rollout.status == "PRIMARY" else len(alive),
        "pendingCount": sum(task.last_status == "PENDING" for task in alive),
        "runningCount": sum(task.last_status == "RUNNING" for task in alive),
    }


def _deployment(rollout: SandboxRollout) -> Json:
    return {
        "id": rollout.id,
        "status": rollout.status,
        "taskDefinition": rollout.definition.arn,
        **_counts(rollout),
        "failedTasks": rollout.failed_tasks,
        "createdAt": seconds(rollout.created_at),
        "updatedAt": seconds(rollout.updated_at or rollout.created_at),
        **_launch(rollout.service, "1.4.0"),
        "rolloutState": rollout.state,
        "rolloutStateReason": rollout.reason,
    }


def _task_set(world: World, rollout: SandboxRollout) -> Json:
    counts = _counts(rollout)
    service = rollout.service
    return {
        "id": rollout.id,
        "taskSetArn": ecs_arn(service.region, world.account, "task-set", service.cluster, service.name, rollout.id),
        "serviceArn": service.arn,
        "clusterArn": _cluster_arn(world, service),
        "startedBy": "CODE_DEPLOY" if service.controller == "CODE_DEPLOY" else "EXTERNAL",
        "status": rollout.status,
        "taskDefinition": rollout.definition.arn,
        "computedDesiredCount": counts.pop("desiredCount"),
        **counts,
        "createdAt": seconds(rollout.created_at),
        "updatedAt": seconds(rollout.updated_at or rollout.created_at),
        **_launch(service, "1.4.0"),
        "loadBalancers": _task_set_load_balancers(rollout),
        "scale": {"value": 100.0, "unit": "PERCENT"},
        "stabilityStatus": "STEADY_STATE" if rollout.state == "COMPLETED" else "STABILIZING",
    }


def _deployment_status(rollout: SandboxRollout) -> str:
    if rollout.rollback:
        return "ROLLBACK_SUCCESSFUL" if rollout.rollback.is_over else "ROLLBACK_IN_PROGRESS"
    if rollout.state == "IN_PROGRESS" and rollout is not rollout.service.rollout:
        return "STOPPED"
    return _STATUS[rollout.state]


def _status_reason(rollout: SandboxRollout) -> str | None:
    if rollout.rollback:
        return rollout.rollback.reason
    if rollout.state == "IN_PROGRESS" and rollout is not rollout.service.rollout:
        return "Service deployment was superseded by a newer one."
    return "Service deployment circuit breaker threshold exceeded." if rollout.state == "FAILED" else None


def _brief(world: World, rollout: SandboxRollout) -> Json:
    service = rollout.service
    return without_nothing(
        {
            "serviceDeploymentArn": rollout.deployment_arn,
            "serviceArn": service.arn,
            "clusterArn": _cluster_arn(world, service),
            "createdAt": seconds(rollout.created_at),
            "startedAt": seconds(rollout.created_at),
            "finishedAt": seconds(rollout.finished_at) if rollout.finished_at else None,
            "targetServiceRevisionArn": rollout.revision_arn,
            "status": _deployment_status(rollout),
            "statusReason": _status_reason(rollout),
        }
    )


def _whole(world: World, rollout: SandboxRollout) -> Json:
    answer = _brief(world, rollout)
    del answer["targetServiceRevisionArn"]
    earlier = _service_deployments(rollout.service)
    earlier = [each for each in earlier[: earlier.index(rollout)] if each.state == "COMPLETED"]
    return without_nothing(
        {
            **answer,
            "updatedAt": seconds(rollout.updated_at or rollout.created_at),
            "sourceServiceRevisions": [_revision_summary(each) for each in earlier[-1:]],
            "targetServiceRevision": _revision_summary(rollout),
            "deploymentConfiguration": _CONFIGURATION,
            "rollback": _rollback(rollout),
            "deploymentCircuitBreaker": {
                "status": _breaker_status(rollout),
                "failureCount": rollout.failed_tasks,
                "threshold": _THRESHOLD,
            },
            "alarms": _alarms(rollout),
        }
    )


def _revision_summary(rollout: SandboxRollout) -> Json:
    counts = _counts(rollout)
    return {
        "arn": rollout.revision_arn,
        "requestedTaskCount": counts["desiredCount"],
        "runningTaskCount": counts["runningCount"],
        "pendingTaskCount": counts["pendingCount"],
    }


def _rollback(rollout: SandboxRollout) -> Json | None:
    if rollout.rollback is None:
        return None
    return {
        "reason": rollout.rollback.reason,
        "startedAt": seconds(rollout.rollback.started_at),
        "serviceRevisionArn": rollout.rollback.revision_arn,
    }


def _breaker_status(rollout: SandboxRollout) -> str:
    if rollout.state == "FAILED" and not (rollout.rollback and rollout.rollback.alarms):
        return "TRIGGERED"
    return "MONITORING" if rollout.state == "IN_PROGRESS" else "MONITORING_COMPLETE"


def _alarms(rollout: SandboxRollout) -> Json | None:
    if rollout.rollback is None or not rollout.rollback.alarms:
        return None
    names = list(rollout.rollback.alarms)
    return {"status": "TRIGGERED", "alarmNames": names, "triggeredAlarmNames": names}


def _revision(world: World, rollout: SandboxRollout) -> Json:
    service = rollout.service
    return {
        "serviceRevisionArn": rollout.revision_arn,
        "serviceArn": service.arn,
        "clusterArn": _cluster_arn(world, service),
        "taskDefinition": rollout.definition.arn,
        **_launch(service, "1.4.0"),
        "loadBalancers": _load_balancers(service),
        "containerImages": [
            without_nothing(
                {
                    "containerName": container.name,
                    "image": container.image,
                    "imageDigest": rollout.digests[container.name] if container.resolve_once else None,
                }
            )
            for container in rollout.definition.containers
        ],
        "guardDutyEnabled": False,
        "createdAt": seconds(rollout.created_at),
    }
