"""The tasks of the newest rollout that did not stay up, and the reasons for which they stopped."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.newest_rollout import NewestRollout
from pytest_deploycheck.judge.analysis.stop_reasons import Reason, reason_of
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.redaction import one_line

_MOST_REASONS = 3
"""Reasons that a message names; of the rest it gives the number."""


class StopGroup(Struct, frozen=True):
    """Tasks of the newest rollout that stopped for one reason.

    Attributes:
        reason: The class of the reason.
        tasks: The tasks, the last to stop first.
        detail: The code and the reasons that ECS gives for the first of them.
    """

    reason: Reason
    tasks: tuple[Task, ...]
    detail: str

    def __str__(self) -> str:
        number = plural(len(self.tasks), "new task")
        return f"{number} stopped: {self.reason.cause} (task {self.tasks[0].id}: {self.detail})"


def group_by_reason(failed: Sequence[Task]) -> tuple[StopGroup, ...]:
    """Return tasks that stopped in groups, one for each reason: the largest group first.

    Args:
        failed: The tasks, the last to stop first.
    """
    groups: dict[str, list[Task]] = {}
    reasons: dict[str, Reason] = {}
    for task in failed:
        reason = reason_of(task)
        key = f"{reason.name} {reason.cause}"
        reasons[key] = reason
        groups.setdefault(key, []).append(task)
    found = [StopGroup(reasons[key], tuple(tasks), _detail(tasks[0])) for key, tasks in groups.items()]
    return tuple(sorted(found, key=lambda group: -len(group.tasks)))


def failed_tasks(facts: ServiceFacts, newest: NewestRollout | None) -> tuple[Task, ...]:
    """Return the tasks of the newest rollout that did not stay up, the last to stop first."""
    if newest is None:
        return ()
    failed = [
        (task.stopped_at, task)
        for task in facts.tasks or ()
        if task.stopped_at and task.has_failed and _is_of(task, newest, facts)
    ]
    return tuple(task for _, task in sorted(failed, key=lambda pair: pair[0], reverse=True))


def _is_of(task: Task, newest: NewestRollout, facts: ServiceFacts) -> bool:
    """Return True if a rollout started a task: by the id that started it, or where that is not known by the time."""
    if newest.starter:
        return task.started_by == newest.starter
    service = facts.service
    others = {one.id for one in service.deployments} | {one.id for one in service.task_sets} if service else set()
    return (
        task.is_of_service
        and task.started_by not in others
        and task.created_at is not None
        and task.created_at >= newest.started_at
        and (newest.ended_at is None or task.created_at <= newest.ended_at)
    )


def _detail(task: Task) -> str:
    """The code and the reason of a stopped task, and the reasons of its containers, in the words of ECS."""
    containers = [
        f"container {one.name}: {one.reason or 'no reason given'}"
        + (f", exit code {one.exit_code}" if one.exit_code is not None else "")
        for one in task.containers
        if one.exit_code or one.reason not in ("", task.stopped_reason)
    ]
    reasons = "; ".join(dict.fromkeys(filter(None, [task.stopped_reason, *containers])))
    return one_line(f"{task.stop_code}{f', {reasons}' if reasons else ''}", 600)


_CONSOLES = {
    "aws": "{region}.console.aws.amazon.com",
    "aws-cn": "{region}.console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""The hosts of the AWS console by partition, as far as they are known: botocore's endpoint data has none."""


def console_link(task: Task) -> str | None:
    """Return the address of a task in the AWS console, or None in a partition whose console is not known."""
    _, partition, _, region, _, path = task.arn.split(":", 5)
    if partition not in _CONSOLES:
        return None
    host = _CONSOLES[partition].format(region=region)
    cluster = path.split("/")[1]
    return f"https://{host}/ecs/v2/clusters/{cluster}/tasks/{task.id}/configuration?region={region}"


def why(found: Sequence[StopGroup]) -> str:
    """Return why tasks stopped, in one sentence for each of the main reasons."""
    more = len(found) - _MOST_REASONS
    texts = [str(group) for group in found[:_MOST_REASONS]]
    return "; ".join(texts) + (f"; and {plural(more, 'other reason')}" if more > 0 else "")


def remedies(found: Sequence[StopGroup]) -> str:
    """Return the remedies for the main reasons."""
    return " ".join(dict.fromkeys(group.reason.remedy for group in found[:_MOST_REASONS]))
