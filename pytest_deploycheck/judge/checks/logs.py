"""The checks `logs-N`: what the reading of a declared expectation means for the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.facts.log import OVERLAP, LogEvent, LogSight
from pytest_deploycheck.judge.analysis.log_reading import Answer, Reading, matching
from pytest_deploycheck.judge.finding import Check, Finding
from pytest_deploycheck.judge.wording import at, logs_command, plural, seconds
from pytest_deploycheck.redaction import one_line

_OVERLAP = seconds(OVERLAP.total_seconds())
_OVERLAP_OPTION = f"{OVERLAP.total_seconds():.0f}s"


def judge_expectation(
    check: Check,
    expectation: Expectation,
    reading: Reading,
    sight: LogSight,
    *,
    waited: float,
    elsewhere: Sequence[LogEvent] = (),
    stands_in: Sequence[str] = (),
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
        stands_in: Where the local source has what is expected.
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
        "first_at": reading.events[0].timestamp.isoformat() if reading.events else None,
    }
    if expectation.kind == "forbid" and sight.proven_until:
        evidence["absent_until"] = sight.proven_until.isoformat()
    in_old = [event for event in elsewhere if any(matching(pattern, [event]) for pattern in expectation.patterns)]
    old = f"only in {_others(len(_tasks(in_old)))}" if in_old else ""
    if not scope.tasks and not scope.problems:
        return check.unproven(
            f"{expectation}: no task runs the image, so none could say it{f'; seen {old}' if old else ''}",
            remedy="See tasks-run-image, and why no task runs it.",
            evidence=evidence,
        )
    if reading.answer is Answer.HOLDS:
        notes = [f"seen {old}, as they drain"] if old and expectation.kind == "forbid" else []
        return check.passes(_proof(expectation, reading, sight), notes=notes, evidence=evidence)
    if reading.answer is Answer.UNSEEN and reading.problem:
        return check.errs(reading.problem, details=details, evidence=evidence)
    if reading.answer is Answer.UNHEARD:
        return check.unproven(
            f"{expectation}: {nothing_heard(reading, sight)} in {seconds(waited)}",
            remedy=_unheard_remedy(sight),
            command=logs_command(scope.streams[0], scope.since) if scope.streams else "",
            details=details,
            evidence=evidence,
        )
    if reading.answer is Answer.UNSETTLED:
        tasks = f"{plural(len(reading.lacking), 'new task')} ({', '.join(reading.lacking)})"
        return check.unproven(
            f"{expectation}: not said so far, but {tasks} said nothing yet that is {_OVERLAP} old, and until then "
            "earlier lines may still come",
            remedy=f"Wait longer (--deploy-log-wait={_OVERLAP_OPTION}).",
            details=details,
            evidence=evidence,
        )
    if reading.answer is Answer.UNCOUNTED:
        return check.unproven(
            f"{expectation}: more events match than the {len(sight.events)} that are kept, so what is asked of them "
            "is not known",
            remedy="Expect something that is said less often, or look at a shorter window (--deploy-since).",
            details=details,
            evidence=evidence,
        )
    if reading.answer is Answer.MISSING and cut_short:
        return check.unproven(
            f"{expectation}: not there yet when the test's own time limit ended the wait after {seconds(waited)}",
            remedy="Give the test a longer timeout than --deploy-log-wait.",
            details=details,
            evidence=evidence,
        )
    finding = check.fails(
        _counter_evidence(expectation, reading, sight, waited),
        cause=_cause(expectation, old, stands_in),
        remedy="Compare the code in the image with the intended code; build it with --no-cache if it is old.",
        command=logs_command(scope.streams[0], scope.since) if scope.streams else "",
        notes=[*sight.notes, *drop_note(sight)] if reading.answer is Answer.MISSING else [],
        details=details,
        evidence=evidence,
    )
    return replace(finding, is_proof=reading.answer is Answer.BROKEN)


def drop_note(sight: LogSight) -> list[str]:
    """What to say beside a missing line where the log driver may have dropped it."""
    if not sight.scope.may_drop:
        return []
    return ["the log driver is non-blocking: it drops lines when it falls behind, so one may be missing"]


def stands_in_note(places: Sequence[str]) -> list[str]:
    """What to say beside a missing line that the local source has."""
    if not places:
        return []
    return [f"it stands in the local source ({', '.join(places)}): it is in the code but not running, or not reached"]


def events_seen(sight: LogSight) -> str:
    """How much was seen of the window, as far as it was read."""
    if sight.is_recent_all or not sight.recent:
        return f"{plural(len(sight.recent), 'event')} seen"
    return f"the last {len(sight.recent)} events seen, and {plural(len(sight.events), 'match')} in all of it"


def shown(event: LogEvent) -> str:
    """An event as a line for people."""
    return f"{at(event.timestamp)} {event.task} {one_line(event.message.rstrip(), 300)}"


def _proof(expectation: Expectation, reading: Reading, sight: LogSight) -> str:
    if not reading.events:
        return f"{expectation}: not said by any new task up to {at(sight.proven_until)}"
    first = reading.events[0]
    where = plural(len(_tasks(reading.events)), "task")
    return f"{expectation}: {plural(len(reading.events), 'event')} in {where}, first {at(first.timestamp)}"


def nothing_heard(reading: Reading, sight: LogSight) -> str:
    """Who said nothing at all, or why nobody can be heard."""
    if sight.scope.blind:
        return f"nothing can be heard ({'; '.join(sight.scope.blind)})"
    if sight.heard:
        return f"{plural(len(reading.lacking), 'new task')} said nothing at all ({', '.join(reading.lacking)})"
    return f"the {plural(len(sight.scope.tasks), 'new task')} said nothing at all"


def _unheard_remedy(sight: LogSight) -> str:
    if sight.scope.blind:
        return (
            "Where a log router such as FireLens writes to CloudWatch, name its group (log_group). Where there are no "
            'logs to look at, say so: require = ["image", "rollout", "tasks"].'
        )
    return (
        "Trigger the application so that it logs, wait longer (--deploy-log-wait=2m), or see whether the task's "
        "execution role may write to the log group."
    )


def _counter_evidence(expectation: Expectation, reading: Reading, sight: LogSight, waited: float) -> str:
    if reading.answer is Answer.BROKEN:
        return f"{expectation}: but it was said {plural(len(reading.events), 'time')}: {shown(reading.events[0])}"
    after = f"in {_searched(sight)} after a wait of {seconds(waited)}"
    if reading.lacking:
        per_task = Counter(event.task for event in reading.events)
        lacking = ", ".join(f"{task}: {per_task[task]}" for task in reading.lacking)
        return f"{expectation}: too few in {len(reading.lacking)} of {len(sight.scope.tasks)} tasks ({lacking}) {after}"
    if expectation.kind == "sequence":
        return f"{expectation}: not said in this order {after}"
    said = f"{len(reading.events)} of {expectation.count} times" if reading.events else "not said"
    return f"{expectation}: {said} {after}"


def _others(number: int) -> str:
    return "1 task that runs something else" if number == 1 else f"{number} tasks that run something else"


def _searched(sight: LogSight) -> str:
    return plural(len(sight.recent), "event") if sight.is_recent_all else "the whole window"


def _cause(expectation: Expectation, old: str, stands_in: Sequence[str]) -> str:
    if expectation.kind == "forbid":
        return "The image that runs holds old code: a cached layer, or a code path that was missed."
    if old:
        return f"It is said {old}: the new image lacks what the old one had, or requests still reach the old tasks."
    if stands_in:
        return (
            f"It stands in the local source ({', '.join(stands_in)}), so it is in the code but not running: the image "
            "was built without it (a cached layer), or nothing triggered that code yet."
        )
    return "The image does not hold the code that says it (a cached layer), or nothing triggered that code yet."


def _tasks(events: Sequence[LogEvent]) -> set[str]:
    return {event.task for event in events}
