"""Which logs tell of the expected image: the streams of the tasks that run it, since its rollout began."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pytest_deploycheck.facts.log import LogScope, LogStream
from pytest_deploycheck.facts.service import ContainerDefinition
from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import is_new
from pytest_deploycheck.judge.analysis.newest_rollout import newest_rollout
from pytest_deploycheck.judge.analysis.stopped_tasks import failed_tasks

_UNREADABLE = Problem(
    "ecs:DescribeTaskDefinition",
    "TaskDefinitionUnknown",
    "The task definition that tells where the tasks log could not be read.",
    "Allow the action ecs:DescribeTaskDefinition to the caller, then run again.",
)


class Routed(Struct, frozen=True):
    """Where a log router such as FireLens writes, which a task definition does not tell.

    Attributes:
        group: The log group.
        stream: How its streams are named, with the placeholders {container} and {task}; None for any name with the
            task's id in it.
    """

    group: str
    stream: str | None = None


def log_scope(
    facts: ServiceFacts, *, region: str, since: datetime | None, now: datetime, routed: Routed | None = None
) -> LogScope:
    """The logs to look at for a service.

    Args:
        facts: What was seen of the service.
        region: The environment's region, for log drivers that name none.
        since: The start of the window that was asked for, or None for the start of the rollout.
        now: The moment of the look (UTC), the start where nothing earlier is known.
        routed: Where the containers log whose task definition cannot tell.
    """
    new = [task for task in facts.running if is_new(task, facts)]
    old = [task for task in facts.tasks or () if task not in new]
    newest = newest_rollout(facts)
    began = (
        since
        or (newest.started_at if newest else None)
        or min((task.started_at for task in new if task.started_at), default=now)
    )
    streams: list[LogStream] = []
    blind: list[str] = []
    problems: list[Problem] = [facts.problems["tasks"]] if "tasks" in facts.problems else []
    for task in new:
        definition = facts.definition_of(task)
        if definition is None:
            problems.append(facts.problems.get("definition", _UNREADABLE))
            continue
        for judged in facts.judged:
            container = definition.container(judged.container)
            if container is None:
                continue
            stream = _stream(task, container, region, routed)
            if stream is None:
                blind.append(_why_blind(container))
            else:
                streams.append(stream)
    return LogScope(
        since=began,
        tasks=tuple(task.id for task in new),
        started={task.id: task.started_at for task in new if task.started_at},
        streams=tuple(streams),
        old_streams=_streams_of_old(old, facts, region, routed),
        old_since=min([began, *(task.created_at for task in failed_tasks(facts) if task.created_at)]),
        problems=tuple(dict.fromkeys(problems)),
        blind=tuple(dict.fromkeys(blind)),
    )


def _streams_of_old(
    tasks: list[Task], facts: ServiceFacts, region: str, routed: Routed | None
) -> tuple[LogStream, ...]:
    streams = []
    for task in tasks:
        definition = facts.definition_of(task) or facts.definition
        for judged in facts.judged:
            container = definition.container(judged.container) if definition else None
            stream = _stream(task, container, region, routed) if container else None
            if stream:
                streams.append(stream)
    return tuple(streams)


def _stream(task: Task, container: ContainerDefinition, region: str, routed: Routed | None) -> LogStream | None:
    """Where the awslogs driver writes: `prefix/container/task`, and without a prefix the container's runtime id."""
    options = container.log_options
    group = options.get("awslogs-group")
    if container.log_driver != "awslogs" or not group:
        return _routed_stream(task, container, region, routed) if routed else None
    prefix = options.get("awslogs-stream-prefix")
    running = task.container(container.name)
    name = f"{prefix}/{container.name}/{task.id}" if prefix else (running.runtime_id if running else None)
    if not name:
        return None
    return LogStream(
        task=task.id,
        container=container.name,
        region=options.get("awslogs-region", region),
        group=group,
        name=name,
        # Non-blocking has been the driver's default since June 2025.
        may_drop=options.get("mode", "non-blocking") == "non-blocking",
    )


def _routed_stream(task: Task, container: ContainerDefinition, region: str, routed: Routed) -> LogStream:
    name = task.id
    if routed.stream:
        name = routed.stream.replace("{container}", container.name).replace("{task}", task.id)
    return LogStream(task.id, container.name, region, routed.group, name, may_drop=True, is_part=routed.stream is None)


def _why_blind(container: ContainerDefinition) -> str:
    if container.log_driver is None:
        return f"container {container.name!r} has no log driver"
    if container.log_driver != "awslogs":
        return f"container {container.name!r} logs through {container.log_driver}, not awslogs"
    return f"the log stream of container {container.name!r} is not known"
