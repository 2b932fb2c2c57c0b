"""The progress of a rollout, shown while it is waited for."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.analysis.service_events import message_of


class Progress(Struct, frozen=True):
    """The progress of the rollout of a service.

    Attributes:
        service: The service's name in the configuration.
        desired: The desired number of tasks, or None where that is not known.
        new_running: The number of its tasks that run.
        new_pending: The number of its tasks that have not started yet.
        new_failed: The number of its tasks that did not stay up, as far as ECS still lists them.
        old_running: The number of tasks of earlier rollouts that run.
        old_draining: The number of tasks of earlier rollouts that were told to stop.
        stage: The stage it is in, or an empty string.
        last_event: The newest event of the service since it began, or an empty string.
        awaited: The conditions that are still waited for; empty where it is settled.
    """

    service: str
    desired: int | None
    new_running: int
    new_pending: int
    new_failed: int
    old_running: int
    old_draining: int
    stage: str
    last_event: str
    awaited: tuple[str, ...]


def progress(analysis: ServiceAnalysis) -> Progress:
    """Return the progress of the newest rollout of a service."""
    facts, newest = analysis.facts, analysis.newest
    record = facts.newest_record
    starter = newest.starter if newest else None
    count = Counter(
        _group(task, is_young=task.started_by == starter if starter else analysis.matches.is_new(task))
        for task in facts.tasks or ()
    )
    events = analysis.events
    return Progress(
        service=facts.name,
        desired=facts.service.desired if facts.service else None,
        new_running=count["new running"],
        new_pending=count["new pending"],
        new_failed=len(analysis.failed_tasks),
        old_running=count["old running"],
        old_draining=count["old draining"],
        stage=record.stage if record else "",
        last_event=message_of(facts.service, events[0]) if events else "",
        awaited=analysis.awaited,
    )


def _group(task: Task, *, is_young: bool) -> str:
    """The group in which a task is counted: one of the newest rollout, or of an older one."""
    age = "new" if is_young else "old"
    if task.stopped_at is not None or task.status == "STOPPED":
        return "gone"
    if task.desired_status == "STOPPED":
        return f"{age} draining"
    return f"{age} running" if task.is_running else f"{age} pending"
