"""The answer that the logs read so far give to an expectation, and whether waiting longer can change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from msgspec import Struct
from msgspec.structs import asdict

from pytest_deploycheck.config.settings import Expectation, Pattern, SequenceScope
from pytest_deploycheck.facts.log import UNREAD, LogEvent, LogMatch, LogSight
from pytest_deploycheck.facts.snapshot import Problem


class LogAnswer(Enum):
    """The answer of the logs to an expectation, so far."""

    HOLDS = "holds"
    LOGGED = "a forbidden line was logged"
    MISSING = "missing"
    NO_EVENTS = "a new task has no events"
    UNSETTLED = "earlier events may still become visible"
    TOO_MANY = "more events match than are kept"
    UNREADABLE = "the logs could not be read"
    UNREAD = "the logs were not read to their end"


class Reading(Struct, frozen=True):
    """The answer of the logs to an expectation, and the evidence for it.

    Attributes:
        answer: The answer.
        events: The events that have what was expected, or what was forbidden.
        lacking: Ids of the tasks for which it does not hold or is not known; of an absence that holds up to an earlier
            moment than was asked about, those that have logged nothing since.
        problem: Why the logs could not be read.
        until: The moment up to which an absence or a number is known.
    """

    answer: LogAnswer
    events: tuple[LogEvent, ...] = ()
    lacking: tuple[str, ...] = ()
    problem: Problem | None = None
    until: datetime | None = None


def matching(pattern: Pattern, events: Sequence[LogEvent]) -> tuple[LogEvent, ...]:
    """The events that have the pattern: literal text anywhere, or a match of the regular expression."""
    matches = pattern.matcher()
    return tuple(event for event in events if event.has(matches))


def matched(pattern: Pattern, event: LogEvent) -> LogMatch:
    """An event that has the pattern, with the part of it that does."""
    texts = (event.text,) if event.is_wrapped else (event.text, event.message)
    match = next((found for found in map(pattern.search, texts) if found), None)
    known = asdict(event)
    if match is None:
        return LogMatch(**{**known, "text": ""})
    return LogMatch(**{**known, "text": match[0]}, groups=match.groups(), named=match.groupdict())


def read(
    expectation: Expectation, sight: LogSight, *, until: datetime | None = None, floor: datetime | None = None
) -> Reading:
    """The answer that the logs read so far give to an expectation.

    Args:
        expectation: What is expected.
        sight: What was read.
        until: The moment up to which an absence must hold, or None for any moment.
        floor: The moment later than which an absence may end where tasks have logged nothing since, or None where it
            must hold up to `until`.
    """
    if expectation.kind == "forbid":
        return _read_forbidden(expectation, sight, until, floor)
    found, lacking = _expected_events(expectation, sight)
    if _is_enough(expectation, sight, found, lacking):
        return Reading(LogAnswer.HOLDS, found)
    obstacle = _obstacle(sight)
    if obstacle:
        return Reading(obstacle.answer, found, problem=obstacle.problem)
    if sight.is_cut:
        return Reading(LogAnswer.TOO_MANY, found)
    if expectation.tasks == "all" and not set(lacking) <= set(sight.tasks_without_events):
        return Reading(LogAnswer.MISSING, found, lacking)
    if sight.tasks_without_events or not sight.scope.tasks:
        # A task without events may be the one that should have logged the line.
        return Reading(LogAnswer.NO_EVENTS, found, sight.tasks_without_events)
    return Reading(LogAnswer.MISSING, found)


def read_count(pattern: Pattern, sight: LogSight, *, until: datetime | None = None) -> Reading:
    """The events that have a pattern; HOLDS where none that was written before the last of them can still come."""
    found = matching(pattern, sight.events)
    obstacle = _obstacle(sight)
    if obstacle:
        return Reading(obstacle.answer, found, problem=obstacle.problem)
    if sight.is_cut:
        return Reading(LogAnswer.TOO_MANY, found)
    if sight.tasks_without_events or not sight.scope.tasks:
        return Reading(LogAnswer.NO_EVENTS, found, sight.tasks_without_events)
    young = {event.task for event in found if _is_young(event, sight)}
    lacking = tuple(task for task in sight.scope.tasks if task in young or task in sight.incomplete(until))
    answer = LogAnswer.UNSETTLED if lacking or young else LogAnswer.HOLDS
    return Reading(answer, found, lacking, until=sight.complete_until)


def find_sequence(patterns: Sequence[Pattern], events: Sequence[LogEvent]) -> tuple[LogEvent, ...]:
    """One event for each pattern, each later than the one before; empty where there is no such run."""
    found: list[LogEvent] = []
    for event in events:
        if len(found) < len(patterns) and matching(patterns[len(found)], (event,)):
            found.append(event)
    return tuple(found) if len(found) == len(patterns) else ()


def _expected_events(expectation: Expectation, sight: LogSight) -> tuple[tuple[LogEvent, ...], tuple[str, ...]]:
    """The events that have what is expected, and the tasks that lack it."""
    if expectation.kind == "sequence":
        found = _sequences(expectation, sight)
        least = 1
    else:
        found = matching(expectation.patterns[0], sight.events)
        least = expectation.count
    per_task = Counter(event.task for event in found)
    return found, tuple(task for task in sight.scope.tasks if per_task[task] < least)


def _is_enough(expectation: Expectation, sight: LogSight, found: Sequence[LogEvent], lacking: Sequence[str]) -> bool:
    if expectation.tasks == "all":
        return bool(sight.scope.tasks) and not lacking
    return bool(found) if expectation.kind == "sequence" else len(found) >= expectation.count


def _sequences(expectation: Expectation, sight: LogSight) -> tuple[LogEvent, ...]:
    runs = [find_sequence(expectation.patterns, events) for events in _threads(expectation.within, sight)]
    return tuple(event for run in runs for event in run)


def _threads(within: SequenceScope, sight: LogSight) -> list[list[LogEvent]]:
    """The events in the threads in which an order means something: a task's own, or all by time."""
    if within == "service":
        return [list(sight.events)]
    return [[event for event in sight.events if event.task == task] for task in sight.scope.tasks]


def _read_forbidden(
    expectation: Expectation, sight: LogSight, until: datetime | None, floor: datetime | None
) -> Reading:
    """An absence is proven where the events of each new task are complete up to the moment that is asked about."""
    found = matching(expectation.patterns[0], sight.events)
    if found:
        return Reading(LogAnswer.LOGGED, found)
    obstacle = _obstacle(sight)
    if obstacle:
        return obstacle
    if sight.tasks_without_events or not sight.scope.tasks:
        return Reading(LogAnswer.NO_EVENTS, lacking=sight.tasks_without_events)
    lacking, known = sight.incomplete(until), sight.complete_until
    if not lacking:
        return Reading(LogAnswer.HOLDS, until=known)
    if floor is not None and known is not None and known > floor:
        return Reading(LogAnswer.HOLDS, lacking=sight.quiet_since(known), until=known)
    return Reading(LogAnswer.UNSETTLED, lacking=lacking, until=known)


def _is_young(event: LogEvent, sight: LogSight) -> bool:
    """Return True if events that were written before an event may still become visible."""
    known = sight.complete_until_of(event)
    return known is None or event.timestamp > known


def _obstacle(sight: LogSight) -> Reading | None:
    """Return the reason why the logs were not read, or not to their end."""
    problems = (*sight.scope.problems, *sight.problems)
    if not problems:
        return None
    barred = [problem for problem in problems if problem.code != UNREAD]
    if barred:
        return Reading(LogAnswer.UNREADABLE, problem=barred[0])
    return Reading(LogAnswer.UNREAD, problem=problems[0])
