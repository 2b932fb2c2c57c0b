"""Services, tasks, task definitions and rollouts, as ECS tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pytest_deploycheck.facts.rollout import Deployment, Revision, RevisionImage, ServiceDeployment
from pytest_deploycheck.facts.service import ContainerDefinition, Service, ServiceEvent, TaskDefinition
from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.observe.answers import batches, member, pages, utc, utc_or_none
from pytest_deploycheck.observe.problems import IncompleteAnswerError

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

# The most that one call takes, from the API's own documentation.
_SERVICES_PER_CALL = 10
_TASKS_PER_CALL = 100
_ROLLOUTS_PER_CALL = 20

RECENT_ROLLOUTS = 5
"""Service deployments that are looked at closely, the newest ones."""


@dataclass(frozen=True, slots=True)
class FoundServices:
    """The services that were found, by name, and the names of which there is none or more than one."""

    services: Mapping[str, Service]
    missing: tuple[str, ...]
    ambiguous: tuple[str, ...]


def services(client: ECSClient, cluster: str, names: Sequence[str]) -> FoundServices:
    """Look up services by name or ARN; a deleted one (INACTIVE) counts as missing."""
    described: list[Mapping[str, Any]] = []
    for batch in batches(names, _SERVICES_PER_CALL):
        answer = client.describe_services(cluster=cluster, services=list(batch))
        described += member(answer, "services", "ecs:DescribeServices")
    found: dict[str, Service] = {}
    ambiguous: list[str] = []
    for name in names:
        matches = [one for one in described if name in (one["serviceName"], one["serviceArn"])]
        alive = [one for one in matches if one["status"] != "INACTIVE"]
        if len(alive) > 1:
            ambiguous.append(name)
        elif alive:
            found[name] = _service(alive[0], cluster)
    missing = tuple(name for name in names if name not in found and name not in ambiguous)
    return FoundServices(found, missing, tuple(ambiguous))


def tasks(client: ECSClient, cluster: str, service: str) -> tuple[Task, ...]:
    """The tasks of a service: running, on their way, draining, and stopped within about the last hour.

    A listing of the running ones leaves out those told to stop that still run, so both kinds are asked for.
    """
    arns: dict[str, None] = {}
    running: tuple[str, ...] = ()
    paginator = client.get_paginator("list_tasks")
    statuses: tuple[Literal["RUNNING", "STOPPED"], ...] = ("RUNNING", "STOPPED")
    for status in statuses:
        for page in paginator.paginate(cluster=cluster, serviceName=service, desiredStatus=status):
            arns.update(dict.fromkeys(member(page, "taskArns", "ecs:ListTasks")))
        if status == "RUNNING":
            running = tuple(arns)
    described: list[Task] = []
    for batch in batches(list(arns), _TASKS_PER_CALL):
        answer = client.describe_tasks(cluster=cluster, tasks=list(batch))
        described += map(_task, member(answer, "tasks", "ecs:DescribeTasks"))
    _require_all(running, (task.arn for task in described), "ecs:DescribeTasks")
    return tuple(described)


def task_definition(client: ECSClient, arn: str) -> TaskDefinition:
    """A task definition by its ARN; it never changes under one ARN."""
    answer = client.describe_task_definition(taskDefinition=arn)
    definition = member(answer, "taskDefinition", "ecs:DescribeTaskDefinition")
    return TaskDefinition(
        arn=definition["taskDefinitionArn"],
        containers=tuple(_container_definition(one) for one in definition["containerDefinitions"]),
        architecture=definition.get("runtimePlatform", {}).get("cpuArchitecture"),
    )


def service_deployments(client: ECSClient, cluster: str, service: str) -> tuple[ServiceDeployment, ...]:
    """The newest service deployments, the newest first."""
    briefs: list[Mapping[str, Any]] = []
    # botocore has no paginator for this operation.
    for page in pages(client.list_service_deployments, cluster=cluster, service=service, maxResults=100):
        briefs += member(page, "serviceDeployments", "ecs:ListServiceDeployments")
    briefs.sort(key=lambda brief: brief["createdAt"], reverse=True)
    arns = [brief["serviceDeploymentArn"] for brief in briefs[:RECENT_ROLLOUTS]]
    if not arns:
        return ()
    answer = client.describe_service_deployments(serviceDeploymentArns=arns)
    described = member(answer, "serviceDeployments", "ecs:DescribeServiceDeployments")
    _require_all(arns, (one["serviceDeploymentArn"] for one in described), "ecs:DescribeServiceDeployments")
    return tuple(sorted(map(_service_deployment, described), key=lambda one: one.created_at, reverse=True))


def revisions(client: ECSClient, arns: Iterable[str]) -> tuple[Revision, ...]:
    """Service revisions by ARN; they exist since 25 October 2024."""
    found: list[Revision] = []
    for batch in batches(list(dict.fromkeys(arns)), _ROLLOUTS_PER_CALL):
        answer = client.describe_service_revisions(serviceRevisionArns=list(batch))
        found += map(_revision, member(answer, "serviceRevisions", "ecs:DescribeServiceRevisions"))
    return tuple(found)


def _require_all(asked: Iterable[str], answered: Iterable[str], operation: str) -> None:
    """See that nothing is left out: ECS tells what it could not describe in `failures`, not by an exception."""
    left_out = set(asked).difference(answered)
    if left_out:
        raise IncompleteAnswerError(operation=operation, member=", ".join(sorted(left_out)))


def _service(answer: Mapping[str, Any], cluster: str) -> Service:
    return Service(
        arn=answer["serviceArn"],
        name=answer["serviceName"],
        cluster=cluster,
        status=answer["status"],
        desired=answer["desiredCount"],
        running=answer["runningCount"],
        pending=answer["pendingCount"],
        task_definition=answer.get("taskDefinition", ""),
        controller=answer.get("deploymentController", {}).get("type", "ECS"),
        deployments=tuple(map(_deployment, answer.get("deployments", ()))),
        events=tuple(ServiceEvent(utc(one["createdAt"]), one["message"]) for one in answer.get("events", ())),
    )


def _deployment(answer: Mapping[str, Any]) -> Deployment:
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


def _service_deployment(answer: Mapping[str, Any]) -> ServiceDeployment:
    rollback = answer.get("rollback")
    return ServiceDeployment(
        arn=answer["serviceDeploymentArn"],
        status=answer["status"],
        created_at=utc(answer["createdAt"]),
        started_at=utc_or_none(answer.get("startedAt")),
        finished_at=utc_or_none(answer.get("finishedAt")),
        reason=answer.get("statusReason", ""),
        target=answer.get("targetServiceRevision", {}).get("arn"),
        rollback_reason=rollback.get("reason", "") if rollback else None,
        breaker_status=answer.get("deploymentCircuitBreaker", {}).get("status"),
        alarms=tuple(answer.get("alarms", {}).get("triggeredAlarmNames", ())),
    )


def _revision(answer: Mapping[str, Any]) -> Revision:
    return Revision(
        arn=answer["serviceRevisionArn"],
        task_definition=answer["taskDefinition"],
        images=tuple(
            RevisionImage(one["containerName"], one["image"], one.get("imageDigest"))
            for one in answer.get("containerImages", ())
        ),
    )


def _container_definition(answer: Mapping[str, Any]) -> ContainerDefinition:
    log = answer.get("logConfiguration", {})
    return ContainerDefinition(
        name=answer["name"],
        image=answer["image"],
        essential=answer.get("essential", True),
        log_driver=log.get("logDriver"),
        log_options=dict(log.get("options", {})),
        has_health_check="healthCheck" in answer,
        version_consistency=answer.get("versionConsistency") != "disabled",
    )


def _task(answer: Mapping[str, Any]) -> Task:
    attributes = {one["name"]: one.get("value") for one in answer.get("attributes", ())}
    return Task(
        arn=answer["taskArn"],
        task_definition=answer["taskDefinitionArn"],
        status=answer["lastStatus"],
        desired_status=answer["desiredStatus"],
        containers=tuple(map(_container, answer.get("containers", ()))),
        started_by=answer.get("startedBy", ""),
        created_at=utc_or_none(answer.get("createdAt")),
        started_at=utc_or_none(answer.get("startedAt")),
        stopped_at=utc_or_none(answer.get("stoppedAt")),
        stop_code=answer.get("stopCode", ""),
        stopped_reason=answer.get("stoppedReason", ""),
        health=answer.get("healthStatus", "UNKNOWN"),
        architecture=attributes.get("ecs.cpu-architecture"),
    )


def _container(answer: Mapping[str, Any]) -> Container:
    return Container(
        name=answer["name"],
        image=answer.get("image", ""),
        digest=answer.get("imageDigest"),
        runtime_id=answer.get("runtimeId"),
        status=answer.get("lastStatus", "UNKNOWN"),
        health=answer.get("healthStatus", "UNKNOWN"),
        exit_code=answer.get("exitCode"),
        reason=answer.get("reason", ""),
    )
