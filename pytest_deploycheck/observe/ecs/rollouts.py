"""Rollouts, as ECS tells them: deployments, task sets, and its own records with their revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.facts.rollout import Deployment, Pause, Revision, RevisionImage, ServiceDeployment, TaskSet
from pytest_deploycheck.observe.calls import member, pages, utc, utc_or_none

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

MOST_PER_CALL = 20
"""Service deployments or revisions that one call takes."""

RECENT_ROLLOUTS = 5
"""Service deployments that are looked at closely, the newest ones."""

_PAUSED = "AWAITING_ACTION"


def newest_arns(client: ECSClient, cluster: str, service: str) -> list[str]:
    """The ARNs of the newest service deployments of a service, the newest first."""
    briefs: list[Mapping[str, Any]] = []
    # botocore has no paginator for this operation.
    for page in pages(client.list_service_deployments, cluster=cluster, service=service, maxResults=100):
        briefs += member(page, "serviceDeployments", "ecs:ListServiceDeployments")
    briefs.sort(key=lambda brief: brief["createdAt"], reverse=True)
    return [brief["serviceDeploymentArn"] for brief in briefs[:RECENT_ROLLOUTS]]


def service_deployments(client: ECSClient, arns: Sequence[str]) -> Mapping[str, ServiceDeployment]:
    """Service deployments by their ARNs, as many as one call takes."""
    answer = client.describe_service_deployments(serviceDeploymentArns=list(arns))
    described = member(answer, "serviceDeployments", "ecs:DescribeServiceDeployments")
    return {one["serviceDeploymentArn"]: _service_deployment(one) for one in described}


def revisions(client: ECSClient, arns: Sequence[str]) -> Mapping[str, Revision | None]:
    """Service revisions by their ARNs, as many as one call takes; None for one that ECS does not have any more."""
    answer = client.describe_service_revisions(serviceRevisionArns=list(arns))
    described = member(answer, "serviceRevisions", "ecs:DescribeServiceRevisions")
    return dict.fromkeys(arns) | {one["serviceRevisionArn"]: _revision(one) for one in described}


def deployment(answer: Mapping[str, Any]) -> Deployment:
    """An entry of a service's `deployments`."""
    return Deployment(
        id=answer["id"],
        status=answer["status"],
        task_definition=answer["taskDefinition"],
        created_at=utc(answer["createdAt"]),
        rollout_state=answer.get("rolloutState"),
        rollout_reason=answer.get("rolloutStateReason", ""),
        desired=answer.get("desiredCount", 0),
        running=answer.get("runningCount", 0),
        pending=answer.get("pendingCount", 0),
        failed=answer.get("failedTasks", 0),
    )


def task_set(answer: Mapping[str, Any]) -> TaskSet:
    """An entry of a service's `taskSets`."""
    return TaskSet(
        id=answer["id"],
        status=answer["status"],
        task_definition=answer["taskDefinition"],
        created_at=utc(answer["createdAt"]),
        is_steady=answer.get("stabilityStatus") == "STEADY_STATE",
        desired=answer.get("computedDesiredCount", 0),
        running=answer.get("runningCount", 0),
        pending=answer.get("pendingCount", 0),
    )


def _service_deployment(answer: Mapping[str, Any]) -> ServiceDeployment:
    rollback = answer.get("rollback")
    target = answer.get("targetServiceRevision", {})
    configuration = answer.get("deploymentConfiguration", {})
    return ServiceDeployment(
        arn=answer["serviceDeploymentArn"],
        status=answer["status"],
        created_at=utc(answer["createdAt"]),
        started_at=utc_or_none(answer.get("startedAt")),
        finished_at=utc_or_none(answer.get("finishedAt")),
        reason=answer.get("statusReason", ""),
        target=target.get("arn"),
        rollback_reason=rollback.get("reason", "") if rollback else None,
        rolled_back_at=utc_or_none(rollback.get("startedAt")) if rollback else None,
        breaker_status=answer.get("deploymentCircuitBreaker", {}).get("status"),
        alarms=tuple(answer.get("alarms", {}).get("triggeredAlarmNames", ())),
        strategy=configuration.get("strategy", ""),
        stage=answer.get("lifecycleStage", ""),
        bake_minutes=configuration.get("bakeTimeInMinutes", 0),
        production_weight=target.get("requestedProductionTrafficWeight"),
        pauses=tuple(_pauses(answer.get("lifecycleHookDetails", ()))),
        sources=tuple(one["arn"] for one in answer.get("sourceServiceRevisions", ()) if one.get("arn")),
    )


def _pauses(hooks: Iterable[Mapping[str, Any]]) -> Iterable[Pause]:
    for hook in hooks:
        if hook.get("status") == _PAUSED:
            yield Pause(hook.get("hookId", ""), utc_or_none(hook.get("expiresAt")), hook.get("timeoutAction", ""))


def _revision(answer: Mapping[str, Any]) -> Revision:
    return Revision(
        arn=answer["serviceRevisionArn"],
        task_definition=answer["taskDefinition"],
        images=tuple(
            RevisionImage(one["containerName"], one["image"], one.get("imageDigest"))
            for one in answer.get("containerImages", ())
        ),
    )
