"""The checks `logs-N`: what the reading of a declared expectation means for the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.facts.log import LogEvent, LogSight
from pytest_deploycheck.judge.finding import Check, Finding
from pytest_deploycheck.judge.logs import Answer, Reading, matching
from pytest_deploycheck.judge.wording import at, logs_command, plural
from pytest_deploycheck.safe import one_line


def judge_expectation(
    check: Check,
    expectation: Expectation,
    reading: Reading,
    sight: LogSight,
    *,
    waited: float,
    elsewhere: Sequence[LogEvent] = (),
    details: str = "",
    cut_short: bool = False,
) -> Finding:
    """`logs-N`: the N-th declared expectation holds.

    Args:
        check: The check, which carries its number.
        expectation: What is expected.
        reading: What the logs say of it.
        sight: What was read.
        waited: Seconds that the line was waited for.
        elsewhere: Events of tasks that run something else; they explain, and never count.
        details: What to show of the logs where it does not hold.
        cut_short: Whether the wait ended before its time, so that a missing line may still come.
    """
    scope = sight.scope
    evidence: dict[str, Any] = {
        "expectation": str(expectation),
        "since": scope.since.isoformat(),
        "waited_seconds": round(waited, 1),
        "events": len(sight.events),
        "tasks": list(scope.tasks),
        "streams": [stream.name for stream in scope.streams],
        "matches": [shown(event) for event in reading.events[:3]],
    }
    in_old = [event for event in elsewhere if any(matching(pattern, [event]) for pattern in expectation.patterns)]
    old = f"only in {plural(len(_tasks(in_old)), 'task')} that run something else" if in_old else ""
    if not scope.tasks and not scope.problems:
        return check.unproven(
            f"{expectation}: no task runs the image, so none could say it{f'; seen {old}' if old else ''}",
            remedy="See the earlier links.",
            evidence=evidence,
        )
    if reading.answer is Answer.HOLDS:
        notes = [f"seen {old}, as they drain"] if old and expectation.kind == "forbid" else []
        return check.passes(_proof(expectation, reading), notes=notes, evidence=evidence)
    if reading.answer is Answer.UNSEEN and reading.problem:
        return check.errs(reading.problem, details=details, evidence=evidence)
    if reading.answer is Answer.UNHEARD:
        return check.unproven(
            f"{expectation}: {_nothing_heard(reading, sight)} in {waited:.0f} s",
            remedy=_unheard_remedy(sight),
            details=details,
            evidence=evidence,
        )
    if reading.answer is Answer.MISSING and cut_short:
        return check.unproven(
            f"{expectation}: not there yet when the test's own time limit ended the wait after {waited:.0f} s",
            remedy="Give the test a longer timeout than --deploy-log-wait.",
            details=details,
            evidence=evidence,
        )
    return check.fails(
        _counter_evidence(expectation, reading, sight, waited),
        cause=_cause(expectation, old),
        remedy="Compare the code in the image with the code that was meant; build it with --no-cache if it is old.",
        command=logs_command(scope.streams[0], scope.since) if scope.streams else "",
        notes=["the log driver may drop lines when it falls behind (non-blocking mode)"] if scope.may_drop else [],
        details=details,
        evidence=evidence,
    )


def shown(event: LogEvent) -> str:
    """An event as a line for people."""
    return f"{at(event.timestamp)} {event.task} {one_line(event.message.rstrip(), 300)}"


def _proof(expectation: Expectation, reading: Reading) -> str:
    if not reading.events:
        return f"{expectation}: not said by any new task"
    first = reading.events[0]
    where = plural(len(_tasks(reading.events)), "task")
    return f"{expectation}: {plural(len(reading.events), 'event')} in {where}, first {at(first.timestamp)}"


def _nothing_heard(reading: Reading, sight: LogSight) -> str:
    if sight.scope.blind:
        return f"nothing can be heard ({'; '.join(sight.scope.blind)})"
    if sight.heard:
        return f"{plural(len(reading.lacking), 'new task')} said nothing at all ({', '.join(reading.lacking)})"
    return f"the {plural(len(sight.scope.tasks), 'new task')} said nothing at all"


def _unheard_remedy(sight: LogSight) -> str:
    if sight.scope.blind:
        return 'Where there are no logs to look at, say so: require = ["image", "rollout", "tasks"].'
    return (
        "Trigger the application so that it logs, wait longer (--deploy-log-wait=2m), or see whether the task's "
        "execution role may write to the log group."
    )


def _counter_evidence(expectation: Expectation, reading: Reading, sight: LogSight, waited: float) -> str:
    if reading.answer is Answer.BROKEN:
        return f"{expectation}: but it was said {plural(len(reading.events), 'time')}: {shown(reading.events[0])}"
    some = f"{len(reading.events)} of {expectation.count} times" if reading.events else "not said"
    if expectation.kind == "sequence":
        some = "not said in this order"
    lacking = f" by {', '.join(reading.lacking)}" if reading.lacking else ""
    return f"{expectation}: {some}{lacking} in {plural(len(sight.events), 'event')} after a wait of {waited:.0f} s"


def _cause(expectation: Expectation, old: str) -> str:
    if expectation.kind == "forbid":
        return "Old code is in the image that runs: a cached layer, or a code path that was missed."
    if old:
        return f"It is said {old}: the new image lacks what the old one had, or requests still reach the old tasks."
    return "The image does not hold the code that says it (a cached layer), or nothing triggered that code yet."


def _tasks(events: Sequence[LogEvent]) -> set[str]:
    return {event.task for event in events}
