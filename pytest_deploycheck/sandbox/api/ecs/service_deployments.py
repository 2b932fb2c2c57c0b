"""The operations of ECS on service deployments and service revisions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.api.ecs.shared import (
    cluster_arn,
    cluster_name,
    launch,
    load_balancers,
    look_up,
    resolved_balancers,
    revision_counts,
)
from pytest_deploycheck.sandbox.api.responses import Json, Operation, invalid, page, without_none
from pytest_deploycheck.sandbox.world.errors import AwsError
from pytest_deploycheck.sandbox.world.names import last_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_deploycheck.sandbox.world.ecs.rollouts import SandboxRollout
    from pytest_deploycheck.sandbox.world.ecs.service import SandboxService
    from pytest_deploycheck.sandbox.world.world import World

_MOST_ARNS = 20
_FIRST_PAGE = 20
_STATUS = {"IN_PROGRESS": "IN_PROGRESS", "COMPLETED": "SUCCESSFUL", "FAILED": "STOPPED"}
_PAUSE = timedelta(minutes=1440)


def list_service_deployments(world: World, region: str, request: Json) -> Json:
    """Operation ListServiceDeployments: the newest first."""
    cluster = cluster_name(world, region, request)
    service = world.services.get((region, cluster, last_part(request["service"])))
    if service is None:
        raise AwsError("ServiceNotFoundException", "Service not found.")
    window = request.get("createdAt", {})
    found = [
        _brief(rollout)
        for rollout in reversed(service.service_deployments)
        if _deployment_status(rollout) in (request.get("status") or [_deployment_status(rollout)])
        and window.get("after", rollout.created_at) <= rollout.created_at <= window.get("before", rollout.created_at)
    ]
    listed, more = page(found, request, largest=100, default=_FIRST_PAGE)
    return {"serviceDeployments": listed, **more}


def describe_service_deployments(world: World, region: str, request: Json) -> Json:
    """Operation DescribeServiceDeployments."""
    known = {rollout.deployment_arn: (service, rollout) for service, rollout in _rollouts(world, region)}
    found, failures = look_up(_checked(request["serviceDeploymentArns"]), known)
    return {"serviceDeployments": [_whole(*each) for each in found], "failures": failures}


def describe_service_revisions(world: World, region: str, request: Json) -> Json:
    """Operation DescribeServiceRevisions."""
    # A rollback shares the revision of the rollout that it returns to.
    known = {rollout.revision_arn: (service, rollout) for service, rollout in _rollouts(world, region)}
    found, failures = look_up(_checked(request["serviceRevisionArns"]), known)
    return {"serviceRevisions": [_revision(*each) for each in found], "failures": failures}


OPERATIONS: Mapping[str, Operation] = {
    "DescribeServiceDeployments": describe_service_deployments,
    "DescribeServiceRevisions": describe_service_revisions,
    "ListServiceDeployments": list_service_deployments,
}
"""The operations, by name."""


def _rollouts(world: World, region: str) -> Iterator[tuple[SandboxService, SandboxRollout]]:
    """Yield the rollouts of a region that have service deployments, with their services."""
    for service in world.services.values():
        if service.region == region:
            yield from ((service, rollout) for rollout in service.service_deployments)


def _checked(arns: list[str]) -> list[str]:
    if not 1 <= len(arns) <= _MOST_ARNS:
        raise invalid(f"Between 1 and {_MOST_ARNS} ARNs must be given.")
    return arns


def _deployment_status(rollout: SandboxRollout) -> str:
    if rollout.rollback:
        return "ROLLBACK_SUCCESSFUL" if rollout.rollback.is_over else "ROLLBACK_IN_PROGRESS"
    if rollout.state == "IN_PROGRESS" and not rollout.is_newest:
        return "STOPPED"
    return _STATUS[rollout.state]


def _status_reason(rollout: SandboxRollout) -> str | None:
    if rollout.rollback:
        return rollout.rollback.reason
    if rollout.state == "IN_PROGRESS" and not rollout.is_newest:
        return "Service deployment was superseded by a newer one."
    return "Service deployment circuit breaker threshold exceeded." if rollout.state == "FAILED" else None


def _brief(rollout: SandboxRollout) -> Json:
    service = rollout.service
    return without_none(
        {
            "serviceDeploymentArn": rollout.deployment_arn,
            "serviceArn": service.arn,
            "clusterArn": cluster_arn(service),
            "createdAt": rollout.created_at,
            "startedAt": rollout.created_at,
            "finishedAt": rollout.finished_at,
            "targetServiceRevisionArn": rollout.revision_arn,
            "status": _deployment_status(rollout),
            "statusReason": _status_reason(rollout),
        }
    )


def _whole(service: SandboxService, rollout: SandboxRollout) -> Json:
    answer = _brief(rollout)
    del answer["targetServiceRevisionArn"]
    is_staged = service.deploying.strategy != "ROLLING"
    return without_none(
        {
            **answer,
            "stoppedAt": answer.get("finishedAt") if answer["status"] == "STOPPED" else None,
            "updatedAt": rollout.updated_at or rollout.created_at,
            "sourceServiceRevisions": [
                _revision_summary(each, 100.0 - rollout.weight, 0.0) for each in _sources(service, rollout)
            ],
            "targetServiceRevision": _revision_summary(rollout, rollout.weight, 100.0 if rollout.is_tested else 0.0),
            "lifecycleStage": (rollout.current_stage or None) if is_staged else None,
            "lifecycleHookDetails": [_pause(rollout)] if is_staged and rollout.paused_at else None,
            "deploymentConfiguration": service.configuration(),
            "rollback": _rollback(rollout),
            "deploymentCircuitBreaker": {
                "status": _breaker_status(rollout),
                "failureCount": rollout.consecutive_failures,
                "threshold": service.deploying.threshold(service.desired),
            },
            "alarms": _alarms(rollout),
        }
    )


def _sources(service: SandboxService, rollout: SandboxRollout) -> list[SandboxRollout]:
    earlier = service.service_deployments
    return [each for each in earlier[: earlier.index(rollout)] if each.state == "COMPLETED"][-1:]


def _revision_summary(rollout: SandboxRollout, production: float, test: float) -> Json:
    summary: Json = {"arn": rollout.revision_arn, **revision_counts([rollout])}
    if rollout.service.deploying.strategy != "ROLLING":
        summary |= {"requestedTestTrafficWeight": test, "requestedProductionTrafficWeight": production}
    return summary


def _pause(rollout: SandboxRollout) -> Json:
    since = rollout.updated_at or rollout.created_at
    return {
        "hookId": rollout.pause_id,
        "targetType": "PAUSE",
        "status": "AWAITING_ACTION",
        "expiresAt": since + _PAUSE,
        "timeoutAction": "ROLLBACK",
    }


def _rollback(rollout: SandboxRollout) -> Json | None:
    if rollout.rollback is None:
        return None
    return {
        "reason": rollout.rollback.reason,
        "startedAt": rollout.rollback.started_at,
        "serviceRevisionArn": rollout.rollback.revision_arn,
    }


def _breaker_status(rollout: SandboxRollout) -> str:
    if not rollout.service.deploying.circuit_breaker:
        return "DISABLED"
    if rollout.state == "FAILED" and not (rollout.rollback and rollout.rollback.alarms):
        return "TRIGGERED"
    return "MONITORING" if rollout.state == "IN_PROGRESS" else "MONITORING_COMPLETE"


def _alarms(rollout: SandboxRollout) -> Json:
    triggered = list(rollout.rollback.alarms) if rollout.rollback else []
    names = list(dict.fromkeys([*rollout.service.deploying.alarms, *triggered]))
    if not names:
        return {"status": "DISABLED"}
    if triggered:
        return {"status": "TRIGGERED", "alarmNames": names, "triggeredAlarmNames": triggered}
    return {"status": "MONITORING" if rollout.state == "IN_PROGRESS" else "MONITORING_COMPLETE", "alarmNames": names}


def _revision(service: SandboxService, rollout: SandboxRollout) -> Json:
    resolved = resolved_balancers(service, rollout)
    return {
        "serviceRevisionArn": rollout.revision_arn,
        "serviceArn": service.arn,
        "clusterArn": cluster_arn(service),
        "taskDefinition": rollout.definition.arn,
        **launch(service.launch_type, "1.4.0"),
        "loadBalancers": load_balancers(service),
        **({"resolvedConfiguration": {"loadBalancers": resolved}} if resolved else {}),
        "containerImages": [
            without_none(
                {
                    "containerName": container.name,
                    "image": container.image,
                    "imageDigest": rollout.digests[container.name] if container.resolve_once else None,
                }
            )
            for container in rollout.definition.containers
        ],
        "guardDutyEnabled": False,
        "createdAt": rollout.created_at,
    }
