"""The checks `logs-N`: the N-th declared expectation holds in the logs of the tasks that run the expected image."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.judge.analysis.logs.evidence import evidence_of
from pytest_deploycheck.judge.analysis.logs.outcome import ExpectationOutcome
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer
from pytest_deploycheck.judge.commands import show_logs
from pytest_deploycheck.judge.finding import Check, Finding, Status
from pytest_deploycheck.judge.log_wording import (
    ELSEWHERE_UNREAD,
    NO_TASK,
    drop_notes,
    failed_sentence,
    failure_cause,
    held_sentence,
    no_events,
    no_events_remedy,
    only_in_old,
    shown,
    unsettled,
    unsettled_remedy,
)
from pytest_deploycheck.judge.wording import seconds

_PREFIX = "logs-"


class LogCheck(Check, frozen=True, kw_only=True):
    """The check of one declared log expectation.

    Attributes:
        number: The number of the expectation, from 1.
        expectation: The expectation.
    """

    number: int
    expectation: Expectation


def log_check(number: int, expectation: Expectation) -> LogCheck:
    """The check of the `number`-th declared log expectation, from 1."""
    return LogCheck(f"{_PREFIX}{number}", "logs", number=number, expectation=expectation)


def number_of(check: str) -> int | None:
    """Return the number of a declared log expectation by the id of its check; None for any other check."""
    number = check.removeprefix(_PREFIX)
    return int(number) if check.startswith(_PREFIX) and number.isdecimal() else None


def judge_expectation(check: LogCheck, outcome: ExpectationOutcome) -> Finding:
    """`logs-N`: the N-th declared expectation holds.

    Args:
        check: The check.
        outcome: The result of the expectation at the end of the wait.
    """
    if outcome.reading.answer is LogAnswer.HOLDS:
        finding = _holds(check, outcome)
    elif not outcome.sight.scope.tasks and not outcome.sight.scope.problems:
        finding = _without_tasks(check, outcome)
    elif outcome.reading.answer in _OPEN or (outcome.cut_short and outcome.reading.answer is LogAnswer.MISSING):
        finding = _unproven(check, outcome)
    elif outcome.reading.answer is LogAnswer.UNREADABLE and outcome.reading.problem:
        finding = check.errs(outcome.reading.problem)
    else:
        finding = _fails(check, outcome)
    return _with_evidence(finding, outcome)


_OPEN = frozenset({LogAnswer.NO_EVENTS, LogAnswer.UNSETTLED, LogAnswer.TOO_MANY, LogAnswer.UNREAD})
"""Answers that leave an expectation unproven."""


def _holds(check: LogCheck, outcome: ExpectationOutcome) -> Finding:
    old = only_in_old(outcome) if outcome.expectation.kind == "forbid" else ""
    notes = [f"seen {old}, while they drain"] if old else []
    return check.passes(held_sentence(outcome), notes=[*notes, *_reading_notes(outcome)])


def _without_tasks(check: LogCheck, outcome: ExpectationOutcome) -> Finding:
    old = only_in_old(outcome)
    return check.unproven(
        f"{outcome.expectation}: {NO_TASK}{f'; it was seen {old}' if old else ''}",
        remedy="See tasks-run-image, and why no task runs it.",
    )


def _unproven(check: LogCheck, outcome: ExpectationOutcome) -> Finding:
    why, remedy = _why_unproven(outcome)
    streams = outcome.sight.scope.streams
    has_command = outcome.reading.answer is LogAnswer.NO_EVENTS and streams
    return check.unproven(
        f"{outcome.expectation}: {why}",
        remedy=remedy,
        command=show_logs(streams[0], outcome.sight.scope.since) if has_command else "",
        notes=_reading_notes(outcome),
    )


def _why_unproven(outcome: ExpectationOutcome) -> tuple[str, str]:
    """Return the reason why an expectation is unproven, and the remedy."""
    reading, sight = outcome.reading, outcome.sight
    match reading.answer:
        case LogAnswer.NO_EVENTS:
            return f"{no_events(reading, sight)} after {seconds(outcome.waited)}", no_events_remedy(sight)
        case LogAnswer.UNSETTLED:
            return f"not logged so far, but {unsettled(reading, sight)}", unsettled_remedy(sight)
        case LogAnswer.TOO_MANY:
            return (
                f"more events match than the {len(sight.events)} that are kept, so the answer is not known",
                "Expect a line that is logged less often, or choose a shorter window (--deploy-since).",
            )
        case LogAnswer.UNREAD if reading.problem:
            return reading.problem.message, reading.problem.remedy
    return (
        f"not logged yet when the test's own time limit ended the wait after {seconds(outcome.waited)}",
        "Give the test a longer timeout than --deploy-log-wait.",
    )


def _fails(check: LogCheck, outcome: ExpectationOutcome) -> Finding:
    is_proof = outcome.reading.answer is LogAnswer.LOGGED
    streams = outcome.sight.scope.streams
    finding = check.fails(
        failed_sentence(outcome),
        cause=failure_cause(outcome),
        remedy=_remedy(outcome),
        command=show_logs(streams[0], outcome.sight.scope.since) if streams else "",
        notes=[] if is_proof else [*_reading_notes(outcome), *drop_notes(outcome.sight)],
    )
    return replace(finding, is_proof=is_proof)


def _reading_notes(outcome: ExpectationOutcome) -> list[str]:
    """Return the notes on what limited the reading."""
    return [*outcome.sight.notes, *([] if outcome.is_elsewhere_read else [ELSEWHERE_UNREAD])]


def _remedy(outcome: ExpectationOutcome) -> str:
    if outcome.expectation.kind != "forbid" and outcome.typo:
        return "Correct the expected text, or the code that logs it."
    return "Compare the code in the image with the intended code; build it with --no-cache if it is old."


def _with_evidence(finding: Finding, outcome: ExpectationOutcome) -> Finding:
    """The finding with what was read; the lines to show only where it did not pass."""
    sight, reading, expectation = outcome.sight, outcome.reading, outcome.expectation
    evidence: dict[str, Any] = {
        "expectation": str(expectation),
        "patterns": [{"regex" if one.regex else "text": one.text} for one in expectation.patterns],
        "since": sight.scope.since.isoformat(),
        "waited_seconds": round(outcome.waited, 1),
        "events": len(sight.events),
        "tasks": list(sight.scope.tasks),
        "streams": [stream.name for stream in sight.scope.streams],
        "matches": [shown(event) for event in reading.events[:3]],
        "first_at": reading.events[0].timestamp.isoformat() if reading.events else None,
        **finding.evidence,
    }
    if expectation.kind == "forbid" and reading.until:
        evidence["absent_until"] = reading.until.isoformat()
    if finding.status is Status.PASS:
        return replace(finding, evidence=evidence)
    logs = evidence_of(
        sight,
        expectation=expectation,
        reading=reading,
        near_misses=outcome.near_misses,
        elsewhere=outcome.elsewhere,
    )
    return replace(finding, evidence=evidence, logs=logs)
