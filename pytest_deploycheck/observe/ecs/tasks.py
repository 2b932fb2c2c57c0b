"""Tasks of services, as ECS tells them: those of a whole cluster or service by service, whichever is fewer calls."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.observe.calls import batches, member, pages, require_all, side_by_side, utc_or_none
from pytest_deploycheck.observe.problems import DENIED, Answered, attempt

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

_LIST, _DESCRIBE = "ecs:ListTasks", "ecs:DescribeTasks"

_TASKS_PER_CALL = 100
"""The most that one call takes, from the API's own documentation."""

_Status = Literal["RUNNING", "STOPPED"]
_STATUSES: tuple[_Status, ...] = ("RUNNING", "STOPPED")
"""A listing of the running tasks leaves out those told to stop that still run, so both kinds are asked for."""


class _Listed(Struct, frozen=True):
    """The ARNs of tasks, and of those that must be described the more."""

    arns: tuple[str, ...]
    running: tuple[str, ...]


class TooManyTasksError(Exception):
    """The cluster has so many tasks that asking service by service is fewer calls."""


def tasks(client: ECSClient, cluster: str, service: str) -> tuple[Task, ...]:
    """The tasks of a service: running, on their way, draining, and stopped within about the last hour."""
    return _described(client, cluster, service, _listed(client, cluster, service))


def tasks_by_service(
    client: ECSClient, cluster: str, services: Sequence[str]
) -> Mapping[str, Answered[tuple[Task, ...]]]:
    """Return the tasks of several services, listed service by service and described a hundred at a time."""
    answers = side_by_side(lambda name: attempt(_LIST, lambda: _listed(client, cluster, name)), services)
    listings = dict(zip(services, answers, strict=True))
    arns = list(dict.fromkeys(arn for listed, _ in answers if listed for arn in listed.arns))
    described, failed = _describe_all(client, cluster, arns)
    known = {task.arn: (group, task) for group, task in described}

    def of_one(name: str) -> Answered[tuple[Task, ...]]:
        listed, problem = listings[name]
        if listed is None:
            return None, problem
        if failed.isdisjoint(listed.arns) and known.keys() >= set(listed.running):
            return _own((known[arn] for arn in listed.arns if arn in known), name), None
        # What fails or is missing among many is a problem of the services that have it.
        return attempt(_DESCRIBE, lambda: _described(client, cluster, name, listed))

    return dict(zip(services, side_by_side(of_one, services), strict=True))


def tasks_by_cluster(
    client: ECSClient, cluster: str, services: Sequence[str]
) -> Mapping[str, Answered[tuple[Task, ...]]] | None:
    """Return the tasks of several services out of all tasks of their cluster, told apart by their group.

    None where something went wrong that may concern a few of the services only.

    Raises:
        TooManyTasksError: The cluster has so many others that asking service by service is fewer calls.
    """
    pages_left = _PageLimit(max(len(_STATUSES), len(services) // 2 + 1))

    def listed(status: _Status) -> tuple[str, ...]:
        found: list[str] = []
        for page in pages(client.list_tasks, cluster=cluster, desiredStatus=status):
            found += member(page, "taskArns", _LIST)
            pages_left.take(has_more=bool(page.get("nextToken")))
        return tuple(found)

    listings = side_by_side(lambda status: attempt(_LIST, lambda: listed(status)), _STATUSES)
    denied = next((problem for _, problem in listings if problem and problem.code in DENIED), None)
    if denied:
        return dict.fromkeys(services, (None, denied))
    if any(problem for _, problem in listings):
        return None
    running = listings[0][0] or ()
    arns = list(dict.fromkeys(arn for found, _ in listings for arn in found or ()))
    described, failed = _describe_all(client, cluster, arns)
    if failed or set(running).difference(task.arn for _, task in described):
        return None
    groups: dict[str, list[Task]] = {_group_of(name): [] for name in services}
    for group, task in described:
        if group in groups:
            groups[group].append(task)
    return {name: (tuple(groups[_group_of(name)]), None) for name in services}


class _PageLimit:
    """The pages that a listing of a whole cluster may have."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._lock = threading.Lock()

    def take(self, *, has_more: bool) -> None:
        """Count a page.

        Raises:
            TooManyTasksError: There are more to come than the listing may have.
        """
        with self._lock:
            self._left -= 1
            if has_more and self._left <= 0:
                raise TooManyTasksError


def _listed(client: ECSClient, cluster: str, service: str) -> _Listed:
    def listed(status: _Status) -> list[str]:
        listing = pages(client.list_tasks, cluster=cluster, serviceName=service, desiredStatus=status)
        return [arn for page in listing for arn in member(page, "taskArns", _LIST)]

    running, stopped = side_by_side(listed, _STATUSES)
    return _Listed(tuple(dict.fromkeys([*running, *stopped])), tuple(running))


def _described(client: ECSClient, cluster: str, service: str, listed: _Listed) -> tuple[Task, ...]:
    found = [pair for batch in batches(listed.arns, _TASKS_PER_CALL) for pair in _describe(client, cluster, batch)]
    require_all(listed.running, (task.arn for _, task in found), _DESCRIBE)
    return _own(found, service)


def _own(described: Iterable[tuple[str, Task]], service: str) -> tuple[Task, ...]:
    """Return the tasks but those whose group names another service: they say nothing of this one."""
    own = _group_of(service)
    return tuple(task for group, task in described if group == own or not group.startswith("service:"))


def _group_of(service: str) -> str:
    """Return the group of the tasks of a service, by its name or ARN."""
    return f"service:{service.rpartition('/')[2]}"


def _describe_all(client: ECSClient, cluster: str, arns: Sequence[str]) -> tuple[list[tuple[str, Task]], set[str]]:
    """Return tasks, each with its group, described a hundred at a time; and the ARNs of those for which that failed."""
    parts = list(batches(arns, _TASKS_PER_CALL))
    answers = side_by_side(lambda batch: attempt(_DESCRIBE, lambda: _describe(client, cluster, batch)), parts)
    described = [pair for found, _ in answers for pair in found or ()]
    return described, {arn for batch, (found, _) in zip(parts, answers, strict=True) if found is None for arn in batch}


def _describe(client: ECSClient, cluster: str, arns: Sequence[str]) -> list[tuple[str, Task]]:
    """Return up to a hundred tasks, each with its group."""
    answer = client.describe_tasks(cluster=cluster, tasks=list(arns))
    return [(one.get("group", ""), _task(one)) for one in member(answer, "tasks", _DESCRIBE)]


def instances(client: ECSClient, cluster: str, arns: Sequence[str]) -> Mapping[str, str]:
    """Return the ids of the EC2 instances that are container instances, by ARN; an empty id where that is not known."""
    answer = client.describe_container_instances(cluster=cluster, containerInstances=list(arns))
    described = member(answer, "containerInstances", "ecs:DescribeContainerInstances")
    return dict.fromkeys(arns, "") | {one["containerInstanceArn"]: one.get("ec2InstanceId", "") for one in described}


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
        os=answer.get("platformFamily") or attributes.get("ecs.os-type"),
        addresses=tuple(_addresses(answer)),
        instance=answer.get("containerInstanceArn"),
    )


def _addresses(task: Mapping[str, Any]) -> Iterable[str]:
    """The private addresses of a task that has its own network interface (awsvpc)."""
    interfaces = [one for each in task.get("containers", ()) for one in each.get("networkInterfaces", ())]
    found = [one.get(key) for one in interfaces for key in ("privateIpv4Address", "ipv6Address")]
    details = [one for each in task.get("attachments", ()) for one in each.get("details", ())]
    found += [one.get("value") for one in details if one.get("name") == "privateIPv4Address"]
    return dict.fromkeys(address for address in found if address)


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
        host_ports=tuple(
            (one["containerPort"], one["hostPort"])
            for one in answer.get("networkBindings", ())
            if "containerPort" in one and "hostPort" in one
        ),
    )
