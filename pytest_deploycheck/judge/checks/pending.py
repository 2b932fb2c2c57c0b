"""What a wait for a rollout still waits for: when there is nothing, another look can change nothing for the better."""

from __future__ import annotations

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.analysis.matching import is_new
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.analysis.outcome import rule
from pytest_deploycheck.judge.checks.containers import unsettled_containers
from pytest_deploycheck.judge.checks.error_rate import lacking_requests
from pytest_deploycheck.judge.checks.targets import unsettled_targets
from pytest_deploycheck.judge.wording import plural

_TELLING = frozenset({"service", "tasks", "definition", "targets", "alarms", "traffic"})
"""The parts of the facts of which one that is only hidden for a moment is worth another look."""


def still_awaited(facts: ServiceFacts) -> list[str]:
    """What has not come yet and may still come, in words; empty where the rollout is settled, for better or worse."""
    awaited = [
        f"{problem.operation} to answer"
        for subject, problem in facts.problems.items()
        if problem.passing and subject in _TELLING
    ]
    outcome = rule(facts).outcome
    if outcome is Outcome.IN_PROGRESS:
        return [*awaited, *(_rollout(facts) or ["ECS to say that it is through"])]
    if outcome is not Outcome.COMPLETED:
        return awaited
    return [*awaited, *_tasks(facts), *unsettled_targets(facts), *unsettled_containers(facts), *lacking_requests(facts)]


def _rollout(facts: ServiceFacts) -> list[str]:
    """What is to happen before a rollout is through."""
    record = facts.newest_record
    new = [task for task in facts.running if is_new(task, facts)]
    running = len(new) if facts.tasks is not None else 0
    stage = [f"the stage {record.stage} to pass"] if record and record.stage else []
    return [*stage, *_to_run(facts, running, "new task"), *_to_stop(facts)]


def _tasks(facts: ServiceFacts) -> list[str]:
    """What may still change after ECS said that a rollout is through: it may say so before all old tasks are gone."""
    running = len(facts.running) if facts.tasks is not None or facts.service is None else facts.service.running
    return [*_to_run(facts, running, "task"), *_to_stop(facts)]


def _to_run(facts: ServiceFacts, running: int, noun: str) -> list[str]:
    desired = facts.service.desired if facts.service else 0
    return [f"{desired - running} of {plural(desired, noun)} to run"] if running < desired else []


def _to_stop(facts: ServiceFacts) -> list[str]:
    """The running tasks that are still to be replaced."""
    service = facts.service
    others = {one.id for one in service.listed if one is not service.newest} if service else set()
    old = [task for task in facts.running if task.started_by in others]
    return [f"{plural(len(old), 'old task')} to stop"] if old else []
