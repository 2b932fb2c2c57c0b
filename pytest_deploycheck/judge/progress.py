"""How far a rollout is, for whoever waits for it."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import is_new
from pytest_deploycheck.judge.analysis.newest_rollout import newest_rollout
from pytest_deploycheck.judge.analysis.service_events import events_since, said_by
from pytest_deploycheck.judge.analysis.stopped_tasks import failed_tasks
from pytest_deploycheck.judge.checks.pending import still_awaited


class Progress(Struct, frozen=True):
    """How far the rollout of a service is.

    Attributes:
        service: The service's name in the configuration.
        desired: Tasks wanted, or None where that is not known.
        new_running: Its tasks that run.
        new_pending: Its tasks on their way.
        new_failed: Its tasks that did not stay up, as far as they are still visible.
        old_running: The tasks of earlier rollouts that run.
        old_draining: The tasks of earlier rollouts that were told to stop.
        stage: The stage it is in, or an empty string.
        last_event: The last thing the service's events said since it began, or an empty string.
        awaited: What is still waited for, in words; empty where it is settled.
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


def progress(facts: ServiceFacts) -> Progress:
    """How far the newest rollout of a service is."""
    newest, record = newest_rollout(facts), facts.newest_record
    starter = newest.starter if newest else None
    count = Counter(
        _standing(task, is_young=task.started_by == starter if starter else is_new(task, facts))
        for task in facts.tasks or ()
    )
    events = events_since(facts)
    return Progress(
        service=facts.name,
        desired=facts.service.desired if facts.service else None,
        new_running=count["new running"],
        new_pending=count["new pending"],
        new_failed=len(failed_tasks(facts)),
        old_running=count["old running"],
        old_draining=count["old draining"],
        stage=record.stage if record else "",
        last_event=said_by(facts, events[0]) if events else "",
        awaited=tuple(still_awaited(facts)),
    )


def _standing(task: Task, *, is_young: bool) -> str:
    """What a task is to the newest rollout, which started it or not."""
    age = "new" if is_young else "old"
    if task.stopped_at is not None or task.status == "STOPPED":
        return "gone"
    if task.desired_status == "STOPPED":
        return f"{age} draining"
    return f"{age} running" if task.is_running else f"{age} pending"
