"""The parts that answers about clusters, services, rollouts and tasks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pytest_deploycheck.sandbox.world.ecs.listener_rules import ProductionRule, production_rules
from pytest_deploycheck.sandbox.world.errors import AwsError
from pytest_deploycheck.sandbox.world.names import last_part
from pytest_deploycheck.sandbox.world.target_groups import CONTAINER_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_deploycheck.sandbox.api.responses import Json
    from pytest_deploycheck.sandbox.world.ecs.instances import LaunchType, SandboxInstance
    from pytest_deploycheck.sandbox.world.ecs.rollouts import SandboxRollout
    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
    from pytest_deploycheck.sandbox.world.ecs.service_state import ServiceState
    from pytest_deploycheck.sandbox.world.world import World

T = TypeVar("T")

_COUNTED = {
    "requestedTaskCount": "desiredCount",
    "runningTaskCount": "runningCount",
    "pendingTaskCount": "pendingCount",
}
"""The counts of a service revision, and the same of a rollout."""


def cluster_name(world: World, region: str, request: Json) -> str:
    """Return the name of the cluster of a request.

    Raises:
        AwsError: If the cluster is unknown.
    """
    name = last_part(request.get("cluster") or "default")
    if (region, name) not in world.clusters:
        raise AwsError("ClusterNotFoundException", "Cluster not found.")
    return name


def look_up(arns: Sequence[str], known: Mapping[str, T]) -> tuple[list[T], list[Json]]:
    """Return what is known by its ARN, and a failure for each ARN that is not."""
    failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]
    return [known[arn] for arn in arns if arn in known], failures


def instance_arn(world: World, instance: SandboxInstance) -> str:
    """Return the ARN of a container instance."""
    return world.account.ecs_arn(instance.region, "container-instance", instance.cluster, instance.id)


def cluster_arn(service: ServiceState) -> str:
    """Return the ARN of the cluster a service runs on."""
    return service.account.ecs_arn(service.region, "cluster", service.cluster)


def launch(launch_type: LaunchType, platform: str) -> Json:
    """Return a launch type, on Fargate with the platform version."""
    if launch_type == "EC2":
        return {"launchType": "EC2"}
    return {"launchType": "FARGATE", "platformVersion": platform, "platformFamily": "Linux"}


def counts(rollout: SandboxRollout) -> Json:
    """Return the desired, pending and running counts of a rollout."""
    return {
        "desiredCount": rollout.wanted,
        "pendingCount": sum(task.last_status == "PENDING" for task in rollout.tasks),
        "runningCount": sum(task.last_status == "RUNNING" for task in rollout.tasks),
    }


def revision_counts(rollouts: Iterable[SandboxRollout]) -> Json:
    """Return the counts of all rollouts of a service revision."""
    each = [counts(rollout) for rollout in rollouts]
    return {name: sum(numbers[key] for numbers in each) for name, key in _COUNTED.items()}


def load_balancers(service: SandboxService) -> list[Json]:
    """Return the load balancers of a service with their alternates.

    Deployment controllers other than ECS have no alternates: the result is that of the task set that serves users.
    """
    if service.controller != "ECS":
        return task_set_load_balancers(service.production)
    rules = production_rules(service)
    return [
        {
            **_load_balancer(service, arn),
            **({"advancedConfiguration": _advanced(service, arn, rules[arn])} if arn in rules else {}),
        }
        for arn in service.target_groups
    ]


def task_set_load_balancers(rollout: SandboxRollout) -> list[Json]:
    """Return the load balancers of a task set."""
    return [_load_balancer(rollout.service, arn) for arn in rollout.target_groups]


def resolved_balancers(service: SandboxService, rollout: SandboxRollout) -> list[Json]:
    """Return which target groups serve a service revision, and by which rules."""
    rules = dict.fromkeys(rollout.target_groups, "")
    for one in load_balancers(service):
        advanced = one.get("advancedConfiguration", {})
        for arn in (one["targetGroupArn"], advanced.get("alternateTargetGroupArn")):
            if arn in rules:
                rules[arn] = advanced.get("productionListenerRule", "")
    return [
        {"targetGroupArn": arn, **({"productionListenerRule": rule} if rule else {})} for arn, rule in rules.items()
    ]


def _load_balancer(service: ServiceState, arn: str) -> Json:
    name = service.definition.containers[0].name
    return {"targetGroupArn": arn, "containerName": name, "containerPort": CONTAINER_PORT}


def _advanced(service: ServiceState, arn: str, rule: ProductionRule) -> Json:
    return {
        "alternateTargetGroupArn": next(each for each in rule.weights if each != arn),
        "productionListenerRule": rule.arn,
        "roleArn": f"arn:aws:iam::{service.account.id}:role/ecsInfrastructureRole",
    }
