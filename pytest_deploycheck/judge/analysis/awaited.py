"""The conditions that a wait for a rollout waits for; without any, a later observation cannot be better."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.analysis.matching import Match, TaskMatches
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.analysis.targets import CheckedContainer, Registration
from pytest_deploycheck.judge.wording import plural

_TELLING = frozenset({"service", "tasks", "definition", "targets", "alarms", "traffic"})
"""The parts of the facts that are worth another observation where they could not be read for a moment."""


def awaited(
    facts: ServiceFacts,
    outcome: Outcome,
    matches: TaskMatches,
    *,
    registrations: Sequence[Registration],
    containers: Sequence[CheckedContainer],
) -> tuple[str, ...]:
    """Return the conditions that may still come true, in words; none where the rollout is settled.

    Args:
        facts: The facts of the service.
        outcome: The outcome of its rollout.
        matches: Its tasks, compared with the expected images.
        registrations: Its new tasks in its target groups.
        containers: The containers of its new tasks that have a health check.
    """
    answers = [
        f"{problem.operation} to answer"
        for subject, problem in facts.problems.items()
        if problem.passing and subject in _TELLING
    ]
    if outcome is Outcome.IN_PROGRESS:
        return (*answers, *(_rollout(facts, matches) or ["ECS to report the rollout as completed"]))
    if outcome is not Outcome.COMPLETED:
        return tuple(answers)
    return (
        *answers,
        *_tasks(facts),
        *_to_start(facts, matches),
        *_targets(registrations),
        *_health_checks(containers),
        *_requests(facts, matches),
    )


def _rollout(facts: ServiceFacts, matches: TaskMatches) -> list[str]:
    """The conditions for a rollout to complete."""
    record = facts.newest_record
    running = len(matches.new_tasks) if facts.tasks is not None else 0
    stage = [f"the stage {record.stage} to pass"] if record and record.stage else []
    return [*stage, *_to_run(facts, running, "new task"), *_to_stop(facts)]


def _tasks(facts: ServiceFacts) -> list[str]:
    """The changes that may follow a completed rollout: ECS may report it before all old tasks have stopped."""
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


def _to_start(facts: ServiceFacts, matches: TaskMatches) -> list[str]:
    """The judged containers that have not started yet in tasks that run."""
    pending = sum(matches.container(judged, task) is Match.PENDING for task in facts.running for judged in facts.judged)
    return [f"{plural(pending, 'container')} to start"] if pending else []


def _targets(registrations: Sequence[Registration]) -> list[str]:
    waiting = [one for one in registrations if one.state != "healthy" and not one.is_unknown]
    words = []
    for name in dict.fromkeys(one.group.name for one in waiting):
        states = [one.state for one in waiting if one.group.name == name]
        now = ", ".join(dict.fromkeys(states))
        words.append(f"{plural(len(states), 'new task')} to be healthy in {name} (now {now})")
    return words


def _health_checks(containers: Sequence[CheckedContainer]) -> list[str]:
    waiting = [container for _, container in containers if container.health != "HEALTHY"]
    return [f"{plural(len(waiting), 'container')} to pass the health check"] if waiting else []


def _requests(facts: ServiceFacts, matches: TaskMatches) -> list[str]:
    """The requests that are still needed to judge the error rate; without a new task nothing answers them."""
    traffic = facts.health.traffic
    if traffic is None or traffic.is_enough or not matches.new_tasks:
        return []
    lacking = max(traffic.min_requests, 1) - math.floor(traffic.requests)
    return [f"{plural(lacking, 'more request')} to be counted ({traffic.requests:g} so far)"]
