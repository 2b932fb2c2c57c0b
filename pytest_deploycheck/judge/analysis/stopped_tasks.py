"""Why tasks of the newest rollout stopped; never a reason of another service or of an older rollout."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.newest_rollout import NewestRollout, newest_rollout
from pytest_deploycheck.judge.analysis.stop_reasons import Reason, reason_of
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.redaction import one_line

_MOST_REASONS = 3
"""Reasons that are told in words; of more it is said that there are some."""


class Stop(Struct, frozen=True):
    """Tasks of the newest rollout that stopped for one reason.

    Attributes:
        reason: The class of the reason.
        tasks: The tasks, the last to stop first.
        said: What ECS says of the first of them.
    """

    reason: Reason
    tasks: tuple[Task, ...]
    said: str

    def __str__(self) -> str:
        number = plural(len(self.tasks), "new task")
        return f"{number} stopped: {self.reason.cause} (task {self.tasks[0].id}: {self.said})"


def stops(facts: ServiceFacts) -> tuple[Stop, ...]:
    """Why tasks of the newest rollout stopped, grouped by reason: what hit the most tasks first."""
    groups: dict[str, list[Task]] = {}
    reasons: dict[str, Reason] = {}
    for task in failed_tasks(facts):
        reason = reason_of(task)
        key = f"{reason.name} {reason.cause}"
        reasons[key] = reason
        groups.setdefault(key, []).append(task)
    found = [Stop(reasons[key], tuple(tasks), _said(tasks[0])) for key, tasks in groups.items()]
    return tuple(sorted(found, key=lambda stop: -len(stop.tasks)))


def failed_tasks(facts: ServiceFacts) -> tuple[Task, ...]:
    """The tasks of the newest rollout that did not stay up, the last to stop first."""
    newest = newest_rollout(facts)
    if newest is None:
        return ()
    failed = [
        (task.stopped_at, task)
        for task in facts.tasks or ()
        if task.stopped_at and task.has_failed and _is_of(task, newest, facts)
    ]
    return tuple(task for _, task in sorted(failed, key=lambda pair: pair[0], reverse=True))


def _is_of(task: Task, newest: NewestRollout, facts: ServiceFacts) -> bool:
    """Whether a rollout started a task: by the id that started it, or where none is known by the time."""
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


def _said(task: Task) -> str:
    """What ECS says of a task that stopped: code, sentence, and what its containers say."""
    containers = [
        f"container {one.name}: {one.reason or 'no reason given'}"
        + (f", exit code {one.exit_code}" if one.exit_code is not None else "")
        for one in task.containers
        if one.exit_code or one.reason not in ("", task.stopped_reason)
    ]
    said = "; ".join(dict.fromkeys(filter(None, [task.stopped_reason, *containers])))
    return one_line(f"{task.stop_code}{f', {said}' if said else ''}", 600)


def console_link(task: Task) -> str:
    """The address of a task in the AWS console."""
    _, partition, _, region, _, path = task.arn.split(":", 5)
    domain = {"aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com"}.get(partition, "aws.amazon.com")
    host = f"console.{domain}" if partition == "aws-us-gov" else f"{region}.console.{domain}"
    cluster = path.split("/")[1]
    return f"https://{host}/ecs/v2/clusters/{cluster}/tasks/{task.id}/configuration?region={region}"


def why(found: Sequence[Stop]) -> str:
    """Why tasks stopped, in one sentence for each of the main reasons."""
    more = len(found) - _MOST_REASONS
    texts = [str(stop) for stop in found[:_MOST_REASONS]]
    return "; ".join(texts) + (f"; and {plural(more, 'reason')} more" if more > 0 else "")


def remedies(found: Sequence[Stop]) -> str:
    """What to do about the main reasons."""
    return " ".join(dict.fromkeys(stop.reason.remedy for stop in found[:_MOST_REASONS]))
