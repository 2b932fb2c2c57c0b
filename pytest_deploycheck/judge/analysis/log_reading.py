"""The link `logs`: do the tasks that run the image say what the new code says, and no longer what the old one said?

An answer is sought in what was read so far; whether waiting longer can change it, the answer says too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from msgspec import Struct
from msgspec.structs import asdict

from pytest_deploycheck.config.settings import Expectation, Pattern, SequenceScope
from pytest_deploycheck.facts.log import LogEvent, LogMatch, LogSight
from pytest_deploycheck.facts.snapshot import Problem


class Answer(Enum):
    """What the logs say of an expectation, so far."""

    HOLDS = "holds"
    BROKEN = "broken"
    MISSING = "missing"
    UNHEARD = "unheard"
    UNSETTLED = "unsettled"
    UNCOUNTED = "uncounted"
    UNSEEN = "unseen"


class Reading(Struct, frozen=True):
    """What the logs say of an expectation, and by what.

    Attributes:
        answer: What they say. MISSING: not there, or not often enough. UNHEARD: a new task said nothing at all.
            UNSETTLED: not there, but more may become visible that was said before. UNCOUNTED: more events match than
            are kept. UNSEEN: the logs could not be read.
        events: The events that speak for it, or for a forbidden pattern, against it.
        lacking: Ids of the tasks that lack it, where each must have it.
        problem: Why the logs could not be read.
    """

    answer: Answer
    events: tuple[LogEvent, ...] = ()
    lacking: tuple[str, ...] = ()
    problem: Problem | None = None


def matching(pattern: Pattern, events: Sequence[LogEvent]) -> tuple[LogEvent, ...]:
    """The events whose message has the pattern: literal text anywhere, or a match of the regular expression."""
    return tuple(event for event in events if pattern.is_in(event.message))


def matched(pattern: Pattern, event: LogEvent) -> LogMatch:
    """An event that has the pattern, with the part of it that does."""
    match = pattern.compiled.search(event.message)
    known = asdict(event)
    if match is None:
        return LogMatch(**known)
    return LogMatch(**known, text=match[0], groups=match.groups(), named=match.groupdict())


def read(expectation: Expectation, sight: LogSight, *, until: datetime | None = None) -> Reading:
    """What the logs read so far say of an expectation.

    Args:
        expectation: What is expected.
        sight: What was read.
        until: Up to when an absence must hold, or None for any moment at which each new task had begun to speak.
    """
    if expectation.kind == "forbid":
        return _read_forbidden(expectation, sight, until)
    problem = _problem(sight)
    if expectation.kind == "sequence":
        found = _sequences(expectation, sight)
        lacking = tuple(task for task in sight.scope.tasks if task not in {event.task for event in found})
        enough = bool(found)
    else:
        found = matching(expectation.patterns[0], sight.events)
        per_task = Counter(event.task for event in found)
        lacking = tuple(task for task in sight.scope.tasks if per_task[task] < expectation.count)
        enough = len(found) >= expectation.count
    if expectation.tasks == "all":
        enough = bool(sight.scope.tasks) and not lacking
    if enough:
        return Reading(Answer.HOLDS, found)
    if problem:
        return Reading(Answer.UNSEEN, found, problem=problem)
    if sight.is_cut:
        return Reading(Answer.UNCOUNTED, found)
    if expectation.tasks == "all" and not set(lacking) <= set(sight.unheard):
        return Reading(Answer.MISSING, found, lacking)
    if sight.unheard or not sight.scope.tasks:
        # A task that said nothing may be the one that should have: its silence is no answer.
        return Reading(Answer.UNHEARD, found, sight.unheard)
    return Reading(Answer.MISSING, found)


def find_sequence(patterns: Sequence[Pattern], events: Sequence[LogEvent]) -> tuple[LogEvent, ...]:
    """One event for each pattern, each later than the one before; empty where there is no such run."""
    found: list[LogEvent] = []
    for event in events:
        if len(found) < len(patterns) and matching(patterns[len(found)], (event,)):
            found.append(event)
    return tuple(found) if len(found) == len(patterns) else ()


def _sequences(expectation: Expectation, sight: LogSight) -> tuple[LogEvent, ...]:
    runs = [find_sequence(expectation.patterns, events) for events in _threads(expectation.within, sight)]
    return tuple(event for run in runs for event in run)


def _threads(within: SequenceScope, sight: LogSight) -> list[list[LogEvent]]:
    """The events in the threads in which an order means something: a task's own, or all by time."""
    if within == "service":
        return [list(sight.events)]
    return [[event for event in sight.events if event.task == task] for task in sight.scope.tasks]


def read_count(pattern: Pattern, sight: LogSight, *, until: datetime | None = None) -> Reading:
    """The events that have a pattern; HOLDS where all of them are old enough to be known."""
    found = matching(pattern, sight.events)
    problem = _problem(sight)
    if problem:
        return Reading(Answer.UNSEEN, found, problem=problem)
    if sight.is_cut:
        return Reading(Answer.UNCOUNTED, found)
    if sight.unheard or not sight.scope.tasks:
        return Reading(Answer.UNHEARD, found, sight.unheard)
    settled = sight.settled_until
    young = {event.task for event in found if settled is None or event.timestamp > settled}
    lacking = tuple(task for task in sight.scope.tasks if task in young or task in sight.unsettled(until))
    return Reading(Answer.UNSETTLED if lacking or young else Answer.HOLDS, found, lacking)


def _read_forbidden(expectation: Expectation, sight: LogSight, until: datetime | None) -> Reading:
    """An absence is proven only when each new task was heard, and nothing said before can still become visible."""
    found = matching(expectation.patterns[0], sight.events)
    if found:
        return Reading(Answer.BROKEN, found)
    problem = _problem(sight)
    if problem:
        return Reading(Answer.UNSEEN, problem=problem)
    if sight.unheard or not sight.scope.tasks:
        return Reading(Answer.UNHEARD, lacking=sight.unheard)
    unsettled = sight.unsettled(until)
    return Reading(Answer.UNSETTLED, lacking=unsettled) if unsettled else Reading(Answer.HOLDS)


def _problem(sight: LogSight) -> Problem | None:
    return next(iter((*sight.scope.problems, *sight.problems)), None)
