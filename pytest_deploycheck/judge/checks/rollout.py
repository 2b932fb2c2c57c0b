"""`rollout-complete`: a rollout to the expected image began, and completed."""

from __future__ import annotations

from typing import Any

from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.analysis.outcome import brought_by
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.analysis.service_events import message_of
from pytest_deploycheck.judge.analysis.stopped_tasks import console_link
from pytest_deploycheck.judge.checks.rollout_advice import advise
from pytest_deploycheck.judge.finding import ROLLOUT_COMPLETE, Finding
from pytest_deploycheck.judge.wording import at, seconds


def judge_complete(analysis: ServiceAnalysis, *, waited: float, verify: str = "") -> Finding:
    """`rollout-complete`: the outcome is COMPLETED.

    Args:
        analysis: The analysis of the service.
        waited: Seconds that the rollout was waited for.
        verify: The command that verifies the environment, to which options can be added; empty where none is known.
    """
    facts, rollout = analysis.facts, analysis.rollout
    evidence: dict[str, Any] = {
        "outcome": str(rollout.outcome),
        "id": rollout.id,
        "started_at": rollout.started_at.isoformat() if rollout.started_at else None,
        "stopped": [
            {
                "class": group.reason.name,
                "tasks": [task.id for task in group.tasks],
                "detail": group.detail,
                "console": console_link(group.tasks[0]),
            }
            for group in analysis.stops
        ],
    }
    if rollout.outcome is Outcome.COMPLETED:
        return ROLLOUT_COMPLETE.passes(
            f"{rollout.outcome}: {rollout.reason}", notes=_notes(analysis), evidence=evidence
        )
    if rollout.outcome is Outcome.UNKNOWN:
        problem = facts.problems.get("service") or facts.problems.get("tasks") or _lookup_problem(facts)
        if problem:
            return ROLLOUT_COMPLETE.errs(problem, evidence=evidence)
        return ROLLOUT_COMPLETE.unproven(
            f"{rollout.outcome}: {rollout.reason}",
            remedy="Look at the deployments of the service in the AWS console.",
            evidence=evidence,
        )
    awaited = ""
    if rollout.outcome is Outcome.IN_PROGRESS:
        awaited = f"; waited {seconds(waited)} for {'; '.join(analysis.awaited)}"
    advice = advise(analysis, waited, verify)
    last_event = [] if rollout.outcome in _EVENTS_OF_ANOTHER else _last_event(analysis, advice.cause)
    return ROLLOUT_COMPLETE.fails(
        f"{rollout.outcome}: {rollout.reason}{awaited}",
        cause=advice.cause,
        remedy=advice.remedy,
        command=advice.command,
        notes=[*_notes(analysis), *last_event],
        evidence=evidence,
    )


def judge_still_newest(before: ServiceAnalysis, now: ServiceAnalysis, finding: Finding) -> Finding:
    """`rollout-complete` at the end of a run: the newest rollout is still the one that was verified.

    A later rollout may bring the same image, but its tasks are not the ones that the tests and log checks observed.
    """
    newest, was = now.newest, before.newest
    if not finding.is_good or newest is None or was is None or newest.is_same(was.id, was.started_at):
        return finding
    return ROLLOUT_COMPLETE.unproven(
        f"another rollout began {at(newest.started_at)}, while the tests ran: they tested the one that began "
        f"{at(was.started_at)}",
        remedy="Verify again: the tasks that run now were not tested.",
        evidence=finding.evidence,
    )


_EVENTS_OF_ANOTHER = frozenset({Outcome.NOT_STARTED, Outcome.ROLLED_BACK, Outcome.SUPERSEDED})
"""The outcomes for which the service's last event is about another rollout, or about the rollback."""


def _last_event(analysis: ServiceAnalysis, cause: str) -> list[str]:
    """The newest event of the service since the rollout began, where it is not the likely cause."""
    events = analysis.events
    event = f"{message_of(analysis.facts.service, events[0])} ({at(events[0].at)})" if events else ""
    return [f"last event: {event}"] if event and event not in cause else []


def _notes(analysis: ServiceAnalysis) -> list[str]:
    notes, facts = [], analysis.facts
    if analysis.ruling.inference:
        notes.append(analysis.ruling.inference)
    if "service_deployments" in facts.problems:
        problem = facts.problems["service_deployments"]
        notes.append(
            f"judged by the deployments of the service alone, as {problem.operation} failed with {problem.code}"
        )
    if "baseline" in facts.problems:
        notes.append(facts.problems["baseline"].message)
    return notes + _nothing_new(analysis)


def _nothing_new(analysis: ServiceAnalysis) -> list[str]:
    """A note where the expected image is the one that ran before, as after a reproducible build without changes."""
    facts = analysis.facts
    before = facts.baseline
    digests = {judged.expected.digest for judged in facts.judged}
    if before:
        if not digests or not digests <= set(before.running):
            return []
        is_same = analysis.newest and analysis.newest.is_same(before.rollout, before.rollout_began_at)
        how = "and no rollout began since" if is_same else "though a rollout began since"
        return [f"nothing new was shipped: the tasks already ran this digest at the time of {before.origin}, {how}"]
    newest_digests, previous = (brought_by(facts, number) for number in (0, 1))
    if newest_digests and newest_digests == previous:
        return ["nothing new was shipped: the rollout before this one brought the same digest"]
    return []


def _lookup_problem(facts: ServiceFacts) -> Problem | None:
    return next((judged.expected.problem for judged in facts.judged if judged.expected.problem), None)
