"""The link `rollout`: did a rollout to the expected image start, and did it complete?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome, newest_rollout
from pytest_deploycheck.judge.analysis.outcome import brought_by, rule
from pytest_deploycheck.judge.analysis.service_events import events_since, said_by
from pytest_deploycheck.judge.analysis.stopped_tasks import console_link, stops
from pytest_deploycheck.judge.checks.pending import still_awaited
from pytest_deploycheck.judge.checks.rollout_advice import advise
from pytest_deploycheck.judge.finding import ROLLOUT_COMPLETE, Finding
from pytest_deploycheck.judge.wording import at, seconds


class Rollout(Struct, frozen=True):
    """The rollout being verified: the newest one, and what it means for the expected image.

    Attributes:
        outcome: What became of it.
        reason: Why it is judged so, in one sentence.
        id: ECS's id of the deployment, or the ARN of the service deployment; None where there is none.
        started_at: When it began (UTC), or None where that is not known.
        desired: Tasks wanted, or None where the service may not be looked at.
        running: Tasks that run.
        events: The service's events, the newest first.
    """

    outcome: Outcome
    reason: str
    id: str | None = None
    started_at: datetime | None = None
    desired: int | None = None
    running: int = 0
    events: tuple[ServiceEvent, ...] = ()


def judge_rollout(facts: ServiceFacts) -> Rollout:
    """Say what became of the rollout to the expected image."""
    newest = newest_rollout(facts)
    ruling = rule(facts)
    return Rollout(
        outcome=ruling.outcome,
        reason=ruling.reason,
        id=newest.id if newest else None,
        started_at=newest.started_at if newest else None,
        desired=facts.service.desired if facts.service else None,
        running=len(facts.running) if facts.tasks is not None else (facts.service.running if facts.service else 0),
        events=facts.service.events if facts.service else (),
    )


def judge_complete(facts: ServiceFacts, *, waited: float) -> Finding:
    """`rollout-complete`: the outcome is COMPLETED.

    Args:
        facts: What was seen of the service.
        waited: Seconds that the rollout was waited for.
    """
    rollout = judge_rollout(facts)
    found = stops(facts)
    evidence: dict[str, Any] = {
        "outcome": str(rollout.outcome),
        "id": rollout.id,
        "started_at": rollout.started_at.isoformat() if rollout.started_at else None,
        "stopped": [
            {
                "class": stop.reason.name,
                "tasks": [task.id for task in stop.tasks],
                "said": stop.said,
                "console": console_link(stop.tasks[0]),
            }
            for stop in found
        ],
    }
    if rollout.outcome is Outcome.COMPLETED:
        return ROLLOUT_COMPLETE.passes(f"{rollout.outcome}: {rollout.reason}", notes=_notes(facts), evidence=evidence)
    if rollout.outcome is Outcome.UNKNOWN:
        problem = facts.problems.get("service") or facts.problems.get("tasks") or _lookup_problem(facts)
        if problem:
            return ROLLOUT_COMPLETE.errs(problem, evidence=evidence)
        return ROLLOUT_COMPLETE.unproven(
            f"{rollout.outcome}: {rollout.reason}",
            remedy="Look at the service's deployments in the AWS console.",
            evidence=evidence,
        )
    awaited = ""
    if rollout.outcome is Outcome.IN_PROGRESS:
        awaited = f"; waited {seconds(waited)} for {'; '.join(still_awaited(facts))}"
    advice = advise(facts, rollout.outcome, waited)
    return ROLLOUT_COMPLETE.fails(
        f"{rollout.outcome}: {rollout.reason}{awaited}",
        cause=advice.cause,
        remedy=advice.remedy,
        command=advice.command,
        notes=[*_notes(facts), *([] if rollout.outcome in _AFTER_THE_FACT else _last_event(facts, advice.cause))],
        details="\n".join(f"in the console: {console_link(stop.tasks[0])}" for stop in found),
        evidence=evidence,
    )


def judge_same(before: ServiceFacts, now: ServiceFacts, finding: Finding) -> Finding:
    """`rollout-complete` at the end of a run: what it passes on is still the rollout that was looked at before.

    A later rollout may well bring the same image; but its tasks are others than those that were heard and asked.
    """
    newest, was = newest_rollout(now), newest_rollout(before)
    if not finding.is_good or newest is None or was is None:
        return finding
    # ECS's record and its list of deployments may differ by seconds in when it began, and each may be denied for once.
    if newest.id == was.id or newest.started_at == was.started_at:
        return finding
    return ROLLOUT_COMPLETE.unproven(
        f"another rollout began {at(newest.started_at)}, while the tests ran: what they saw was the one that began "
        f"{at(was.started_at)}",
        remedy="Verify again: the tasks that run now were not looked at.",
        evidence=finding.evidence,
    )


_AFTER_THE_FACT = frozenset({Outcome.NOT_STARTED, Outcome.ROLLED_BACK, Outcome.SUPERSEDED})
"""The outcomes of which the service's last event tells nothing: it is about another rollout, or the way back."""


def _last_event(facts: ServiceFacts, cause: str) -> list[str]:
    """The last thing that the service's events said since the rollout began, where it is not the likely cause."""
    events = events_since(facts)
    said = f"{said_by(facts, events[0])} ({at(events[0].at)})" if events else ""
    return [f"last event: {said}"] if said and said not in cause else []


def _notes(facts: ServiceFacts) -> list[str]:
    notes = []
    inference = rule(facts).inference
    if inference:
        notes.append(inference)
    if "service_deployments" in facts.problems:
        problem = facts.problems["service_deployments"]
        notes.append(f"judged by the service's deployments alone, as {problem.operation} gave {problem.code}")
    if "baseline" in facts.problems:
        notes.append(facts.problems["baseline"].message)
    return notes + _nothing_new(facts)


def _nothing_new(facts: ServiceFacts) -> list[str]:
    """That the expected image is no other than the one that ran before, as a build that comes out the same is."""
    before = facts.baseline
    digests = {judged.expected.digest for judged in facts.judged}
    if before:
        if not digests or not digests <= set(before.running):
            return []
        newest = newest_rollout(facts)
        is_same = newest and (newest.id == before.rollout or newest.started_at == before.rollout_began_at)
        how = "and no rollout began since" if is_same else "though a rollout began since"
        return [f"nothing new was shipped: the tasks ran this digest at {before.origin} already, {how}"]
    newest_digests, previous = (brought_by(facts, number) for number in (0, 1))
    if newest_digests and newest_digests == previous:
        return ["nothing new was shipped: the rollout before this one brought the same digest"]
    return []


def _lookup_problem(facts: ServiceFacts) -> Problem | None:
    return next((judged.expected.problem for judged in facts.judged if judged.expected.problem), None)
