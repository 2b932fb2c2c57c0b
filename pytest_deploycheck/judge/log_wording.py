"""The sentences about logs, for findings and for the failures of tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.facts.log import LogEvent, LogSight
from pytest_deploycheck.judge.analysis.logs.evidence import log_line
from pytest_deploycheck.judge.analysis.logs.outcome import ExpectationOutcome
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer, Reading
from pytest_deploycheck.judge.wording import at, plural, seconds

_LONGER_WAIT = 120.0
"""Seconds of a log wait that is longer than the default."""

NO_TASK = "no task runs the expected image, so its logs cannot be checked"

ELSEWHERE_UNREAD = (
    "the logs of tasks that run something else were not read to their end, as the time to explain this was over"
)


def shown(event: LogEvent) -> str:
    """An event as a line for people."""
    return str(log_line(event))


def held_sentence(outcome: ExpectationOutcome) -> str:
    """The sentence on an expectation that holds."""
    reading = outcome.reading
    if outcome.expectation.kind == "forbid":
        since = f"; {_quiet(reading.lacking)} since" if reading.lacking else ""
        return f"{outcome.expectation}: absent up to {at(reading.until)}{since}"
    tasks = plural(len({event.task for event in reading.events}), "task")
    first = at(reading.events[0].timestamp)
    return f"{outcome.expectation}: {plural(len(reading.events), 'event')} in {tasks}, first {first}"


def failed_sentence(outcome: ExpectationOutcome) -> str:
    """The sentence on an expectation that does not hold."""
    expectation, reading, sight = outcome.expectation, outcome.reading, outcome.sight
    if reading.answer is LogAnswer.LOGGED:
        times = plural(len(reading.events), "time")
        return f"{expectation}: but it was logged {times}: {shown(reading.events[0])}"
    after = f"in {_searched(sight)} after a wait of {seconds(outcome.waited)}"
    if reading.lacking:
        per_task = Counter(event.task for event in reading.events)
        lacking = ", ".join(f"{task}: {per_task[task]}" for task in reading.lacking)
        number = len(sight.scope.tasks)
        where = "the new task" if number == 1 else f"{len(reading.lacking)} of {number} tasks"
        return f"{expectation}: too few in {where} ({lacking}) {after}"
    if expectation.kind == "sequence":
        return f"{expectation}: not logged in this order {after}"
    count = f"logged {len(reading.events)} of {expectation.count} times" if reading.events else "not logged"
    return f"{expectation}: {count} {after}"


def no_events(reading: Reading, sight: LogSight) -> str:
    """The clause on tasks without log events, or on logs that cannot be read."""
    if sight.scope.blind:
        return f"the logs cannot be read ({'; '.join(sight.scope.blind)})"
    if sight.tasks_with_events:
        verb = "has" if len(reading.lacking) == 1 else "have"
        return f"{plural(len(reading.lacking), 'new task')} {verb} no log events ({', '.join(reading.lacking)})"
    number = len(sight.scope.tasks)
    return "the new task has no log events" if number == 1 else f"the {number} new tasks have no log events"


def no_events_remedy(sight: LogSight) -> str:
    """The remedy where tasks have no log events."""
    if sight.scope.blind:
        return (
            "Where a log router such as FireLens writes to CloudWatch, name its group (log_group). For an "
            'environment without logs, set require = ["image", "rollout", "tasks"].'
        )
    return (
        "Trigger the application so that it logs, wait longer (--deploy-log-wait=2m), or check that the task's "
        "execution role may write to the log group."
    )


def unsettled(reading: Reading, sight: LogSight) -> str:
    """The clause on an absence or a number that is not known yet."""
    known = f"known up to {at(reading.until)} only, and " if reading.until else ""
    return (
        f"{known}{_quiet(reading.lacking)} since that CloudWatch took in at least {seconds(sight.scope.settle)} ago, "
        "so that earlier events may still become visible"
    )


def unsettled_remedy(sight: LogSight) -> str:
    """The remedy where earlier events may still become visible."""
    longer = f"{max(_LONGER_WAIT, sight.scope.settle * 3):.0f}s"
    return f"Make the tasks log something, such as by a request, or wait longer (--deploy-log-wait={longer})."


def drop_notes(sight: LogSight) -> list[str]:
    """The note beside a missing line where the log driver may have dropped it."""
    if not sight.scope.may_drop:
        return []
    return ["the log driver is non-blocking: it drops lines when it falls behind, so one may be missing"]


def source_notes(places: Sequence[str]) -> list[str]:
    """The note beside a missing line that the local source has."""
    if not places:
        return []
    return [f"the local source has it ({', '.join(places)}): it is in the code but not running, or was not reached"]


def failure_cause(outcome: ExpectationOutcome) -> str:
    """The likely cause of an expectation that does not hold."""
    if outcome.expectation.kind == "forbid":
        return "The image that runs holds old code: a cached layer, or a code path that was missed."
    typo = outcome.typo
    if typo:
        differing = plural(typo.differing, "character")
        return (
            f"The nearest line differs from it by {differing}: check the expected text for a typo ({typo.expected} was "
            f"expected, {typo.seen} was logged)."
        )
    if outcome.old_tasks:
        return (
            f"It is logged {only_in_old(outcome)}: the new image lacks what the old one had, or requests still reach "
            "the old tasks."
        )
    if outcome.stands_in:
        return (
            f"The local source has it ({', '.join(outcome.stands_in)}), so it is in the code but not running: the "
            "image was built without it (a cached layer), or nothing triggered that code yet."
        )
    return "The image does not hold the code that logs it (a cached layer), or nothing triggered that code yet."


def only_in_old(outcome: ExpectationOutcome) -> str:
    """The clause on a line that only tasks of other images logged; empty where none did."""
    number = len(outcome.old_tasks)
    if not number:
        return ""
    return (
        "only in 1 task that runs something else" if number == 1 else f"only in {number} tasks that run something else"
    )


def answer_in_short(expectation: Expectation, reading: Reading, sight: LogSight) -> str:
    """The answer of the logs in a few words, for the failure of a test."""
    if not sight.scope.tasks:
        return NO_TASK
    if reading.answer is LogAnswer.NO_EVENTS:
        return f"{no_events(reading, sight)}, so the answer is not known"
    if reading.answer is LogAnswer.UNSETTLED:
        return f"not known yet: {unsettled(reading, sight)}. {unsettled_remedy(sight)}"
    if reading.answer is LogAnswer.MISSING and expectation.count > 1 and expectation.tasks == "any":
        return f"logged {len(reading.events)} of {expectation.count} times"
    if reading.problem:
        return f"{reading.problem.message} {reading.problem.remedy}".strip()
    return _ANSWERS[reading.answer]


_ANSWERS = {
    LogAnswer.HOLDS: "it holds",
    LogAnswer.LOGGED: "it was logged",
    LogAnswer.MISSING: "not logged, or not often enough",
    LogAnswer.TOO_MANY: "more events match than are kept, so their number is not known",
    LogAnswer.UNREADABLE: "the logs could not be read",
    LogAnswer.UNREAD: "the logs were not read to their end",
}


def _searched(sight: LogSight) -> str:
    return plural(len(sight.recent), "event") if sight.is_recent_all else "the whole window"


def _quiet(tasks: Sequence[str]) -> str:
    subject, verb = ("task", "has") if len(tasks) == 1 else ("tasks", "have")
    return f"{subject} {', '.join(tasks)} {verb} logged nothing"
