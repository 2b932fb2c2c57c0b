"""The parts that answers about services and rollouts share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.names import last_part
from pytest_deploycheck.sandbox.world.target_groups import CONTAINER_PORT

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox.api.responses import Json
    from pytest_deploycheck.sandbox.world.ecs.rollouts import SandboxRollout
    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
    from pytest_deploycheck.sandbox.world.ecs.service_state import ServiceState


def cluster_arn(service: ServiceState) -> str:
    """Return the ARN of the cluster a service runs on."""
    return service.account.ecs_arn(service.region, "cluster", service.cluster)


def launch(service: ServiceState, platform: str) -> Json:
    """Return where the tasks of a service run, on Fargate with the version of its platform."""
    if service.launch_type == "EC2":
        return {"launchType": "EC2"}
    return {"launchType": "FARGATE", "platformVersion": platform, "platformFamily": "Linux"}


def counts(rollout: SandboxRollout) -> Json:
    """Return how many tasks of a rollout are wanted, pending and running."""
    alive = [task for task in rollout.tasks if task.stopped_at is None]
    return {
        "desiredCount": rollout.wanted,
        "pendingCount": sum(task.last_status == "PENDING" for task in alive),
        "runningCount": sum(task.last_status == "RUNNING" for task in alive),
    }


def load_balancers(service: SandboxService) -> list[Json]:
    """Return the load balancers of a service with their alternates.

    Another controller than ECS knows no alternates: there they are those of the task set that serves users.
    """
    if service.controller != "ECS":
        return task_set_load_balancers(service.production)
    alternates = dict(zip(service.target_groups, service.alternate_target_groups, strict=False))
    return [
        {
            **_load_balancer(service, arn),
            **({"advancedConfiguration": _advanced(service, arn, alternates[arn])} if arn in alternates else {}),
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


def production_rules(service: SandboxService) -> dict[str, tuple[str, str]]:
    """Return the target group to which each production listener rule of a service forwards, and the other one."""
    turns = zip(service.target_groups, service.alternate_target_groups, strict=False)
    return {
        _advanced(service, arn, alternate)["productionListenerRule"]: (
            (alternate, arn) if service.production.is_alternate else (arn, alternate)
        )
        for arn, alternate in turns
    }


def _load_balancer(service: ServiceState, arn: str) -> Json:
    name = service.definition.containers[0].name
    return {"targetGroupArn": arn, "containerName": name, "containerPort": CONTAINER_PORT}


def _advanced(service: ServiceState, arn: str, alternate: str) -> Json:
    balancer = service.resources.target_groups.by_arn[arn].load_balancer
    rule = f"{balancer.replace(':loadbalancer/', ':listener-rule/')}/{last_part(arn)}/{last_part(alternate)}"
    return {
        "alternateTargetGroupArn": alternate,
        "productionListenerRule": rule,
        "roleArn": f"arn:aws:iam::{service.account.id}:role/ecsInfrastructureRole",
    }
