"""The logs of the expected image: the streams of the tasks that run it, since its rollout began."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from pytest_deploycheck.facts.log import SETTLE_IN_ORDER, SETTLE_OUT_OF_ORDER, LogScope, LogStream
from pytest_deploycheck.facts.service import ContainerDefinition, TaskDefinition
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import Match
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis

_UNREADABLE = Problem(
    "ecs:DescribeTaskDefinition",
    "TaskDefinitionUnknown",
    "The task definition that tells where the tasks log could not be read.",
    "Allow the action ecs:DescribeTaskDefinition to the caller, then run again.",
)

_ROUTER = "awsfirelens"
_CLOUDWATCH_OUTPUTS = frozenset({"cloudwatch", "cloudwatch_logs"})
_VARIABLE = "$("
_EVENT_TIME = "awslogs-datetime-as-event-time"


class LogSettings(Struct, frozen=True):
    """The settings of an environment that say where and how its logs are written.

    Attributes:
        region: The environment's region, for log drivers that name none.
        group: The log group of log routers whose task definition cannot tell it, or None.
        stream: The names of its streams, with the placeholders {container} and {task}; None for any name with the
            task's id in it.
        settle: Seconds after CloudWatch took in an event until all that was written before it is visible; None for
            what is usual for the log driver.
    """

    region: str
    group: str | None = None
    stream: str | None = None
    settle: float | None = None


def log_scope(service: ServiceAnalysis, settings: LogSettings, *, since: datetime | None, now: datetime) -> LogScope:
    """The logs to read for a service.

    Args:
        service: The meaning of what was observed of the service.
        settings: Where and how its logs are written.
        since: The start of the window that was asked for, or None for the start of the rollout.
        now: The moment of the observation (UTC), the start where nothing earlier is known.
    """
    facts, new, newest = service.facts, service.new_tasks, service.newest
    started = [task.started_at for task in new if task.started_at]
    began = since or (newest.started_at if newest else None) or min(started, default=now)
    streams: list[LogStream] = []
    blind: list[str] = []
    problems: list[Problem] = [facts.problems["tasks"]] if "tasks" in facts.problems else []
    old = [task for task in facts.tasks or () if task not in new]
    replaced = [task for task in old if new and _ran_in_window(task, service, began)]
    for task in (*new, *replaced):
        definition = facts.definition_of(task)
        if definition is None:
            problems.append(facts.problems.get("definition", _UNREADABLE))
            continue
        for container in _judged(definition, service):
            stream = _stream(task, container, definition, settings)
            if stream is None:
                blind.append(_why_blind(container))
            else:
                streams.append(stream)
    return LogScope(
        since=began,
        tasks=tuple(task.id for task in new),
        streams=tuple(streams),
        old_streams=tuple(_streams_of_old(old, service, settings)),
        old_since=min([began, *(task.created_at for task in service.failed_tasks if task.created_at)]),
        rolled_out_at=(newest.ended_at if newest else None) or max(started, default=began),
        problems=tuple(dict.fromkeys(problems)),
        blind=tuple(dict.fromkeys(blind)),
    )


def _ran_in_window(task: Task, service: ServiceAnalysis, began: datetime) -> bool:
    """Tell if a task that has stopped ran the expected image in this window: what it logged, the same code logged."""
    created = task.created_at or task.started_at
    return created is not None and created >= began and service.matches.image_of(task) is Match.EXPECTED


def _judged(definition: TaskDefinition, service: ServiceAnalysis) -> list[ContainerDefinition]:
    """The definitions of the judged containers."""
    found = (definition.container(judged.container) for judged in service.facts.judged)
    return [container for container in found if container]


def _streams_of_old(tasks: list[Task], service: ServiceAnalysis, settings: LogSettings) -> Iterable[LogStream]:
    for task in tasks:
        definition = service.facts.definition_of(task) or service.facts.definition
        for container in _judged(definition, service) if definition else ():
            stream = _stream(task, container, definition, settings) if definition else None
            if stream:
                yield stream


def _stream(
    task: Task, container: ContainerDefinition, definition: TaskDefinition, settings: LogSettings
) -> LogStream | None:
    """The stream of a container, as its task definition or the configuration tells; None where neither does."""
    if container.log_driver == "awslogs" and "awslogs-group" in container.log_options:
        return _awslogs_stream(task, container, settings)
    if container.log_driver == _ROUTER:
        routed = _firelens_stream(task, container, settings)
        if routed:
            return routed
    return _configured_stream(task, container, definition, settings) if settings.group else None


def _awslogs_stream(task: Task, container: ContainerDefinition, settings: LogSettings) -> LogStream | None:
    """The stream of the awslogs driver: `prefix/container/task`, and without a prefix the container's runtime id."""
    options = container.log_options
    prefix = options.get("awslogs-stream-prefix")
    running = task.container(container.name)
    name = f"{prefix}/{container.name}/{task.id}" if prefix else (running.runtime_id if running else None)
    if not name:
        return None
    return LogStream(
        task=task.id,
        container=container.name,
        region=options.get("awslogs-region", settings.region),
        group=options["awslogs-group"],
        name=name,
        # Non-blocking has been the driver's default since June 2025.
        may_drop=options.get("mode", "non-blocking") == "non-blocking",
        settle=_settle(settings, is_in_order=options.get(_EVENT_TIME, "false").lower() != "true"),
    )


def _firelens_stream(task: Task, container: ContainerDefinition, settings: LogSettings) -> LogStream | None:
    """The stream of FireLens, where the options of the container say that and where it writes to CloudWatch."""
    options = {name.lower(): value for name, value in container.log_options.items()}
    group, region = options.get("log_group_name", ""), options.get("region", settings.region)
    if options.get("name") not in _CLOUDWATCH_OUTPUTS or not group or _VARIABLE in f"{group}{region}":
        return None
    prefix = options.get("log_stream_prefix")
    if prefix is None and "log_stream_name" in options:
        # One stream for all tasks does not tell which of them logged a line.
        return None
    is_known = prefix is not None and _VARIABLE not in prefix
    name = f"{prefix if is_known else ''}{_firelens_tag(container.name, task.id)}"
    return _routed(task, container, region, group, name, is_part=not is_known, settle=_settle(settings))


def _configured_stream(
    task: Task, container: ContainerDefinition, definition: TaskDefinition, settings: LogSettings
) -> LogStream:
    """The stream of a log router as the configuration tells it."""
    group, settle = settings.group or "", _settle(settings)
    if settings.stream:
        name = settings.stream.replace("{container}", container.name).replace("{task}", task.id)
        return _routed(task, container, settings.region, group, name, settle=settle)
    others = [other for other in definition.containers if other.name != container.name]
    names = [name for other in others for name in _usual_names(other, task)]
    own = _firelens_tag(container.name, task.id)
    return _routed(
        task, container, settings.region, group, task.id, is_part=True, settle=settle, own=own, others=tuple(names)
    )


def _routed(
    task: Task, container: ContainerDefinition, region: str, group: str, name: str, **more: object
) -> LogStream:
    return LogStream(task.id, container.name, region, group, name, may_drop=True, is_routed=True, **more)  # type: ignore[arg-type]


def _usual_names(container: ContainerDefinition, task: Task) -> list[str]:
    """The names of the streams that a container of a task has by default."""
    prefix = container.log_options.get("awslogs-stream-prefix")
    return [_firelens_tag(container.name, task.id), *([f"{prefix}/{container.name}/{task.id}"] if prefix else [])]


def _firelens_tag(container: str, task: str) -> str:
    return f"{container}-firelens-{task}"


def _settle(settings: LogSettings, *, is_in_order: bool = False) -> float:
    if settings.settle is not None:
        return settings.settle
    return SETTLE_IN_ORDER if is_in_order else SETTLE_OUT_OF_ORDER


def _why_blind(container: ContainerDefinition) -> str:
    if container.log_driver is None:
        return f"container {container.name!r} has no log driver"
    if container.log_driver != "awslogs":
        return f"container {container.name!r} logs through {container.log_driver}, not awslogs"
    return f"the log stream of container {container.name!r} is not known"
