"""The log events of a record, as tests ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight, LogStream
from pytest_deploycheck.facts.recorded.checks import LogsRead
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.handles.logs.service_logs import IsOver, Live
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer, matching
from pytest_deploycheck.judge.analysis.logs.reading import read as answer
from pytest_deploycheck.judge.finding import TaskLines
from pytest_deploycheck.polling import Clock
from pytest_deploycheck.run.recording.unrecorded import PROBLEM, NotRecordedError


class RecordedReader:
    """Answers from what was read for the declared expectations.

    A question with the patterns of one of them has the answer of that time. Any other finds the events that were
    recorded, but does not know what else was logged.

    Args:
        read: What was read for each expectation.
        last_lines: The last lines of tasks that did not stay up.
    """

    def __init__(self, read: Sequence[tuple[Expectation, LogsRead]], last_lines: Sequence[TaskLines]) -> None:
        self._read = read
        self._lines = last_lines

    def known(self, scope: LogScope, patterns: Sequence[Pattern]) -> LogSight:
        """Return the events that were recorded and have one of the patterns."""
        for expectation, read in self._read:
            is_covered = set(patterns) <= set(expectation.patterns) and read.sight.scope.since <= scope.since
            if is_covered and _share(read.sight.scope, scope) and _is_whole(expectation, read):
                events = [event for event in read.sight.events if event.timestamp >= scope.since]
                return replace(read.sight, scope=scope, events=_with(patterns, events))
        return LogSight(scope, _with(patterns, self._events(scope)), problems=(PROBLEM,))

    def poll(
        self,
        scope: LogScope,
        patterns: Sequence[Pattern],
        *,
        is_over: IsOver,
        also: Sequence[Pattern] = (),
        enough: int = 0,
        whole: bool = False,
    ) -> LogSight:
        """Return the same, however often it is asked."""
        del is_over, also, enough, whole
        return self.known(scope, patterns)

    def poll_in_full(
        self,
        scope: LogScope,
        patterns: Sequence[Pattern],
        *,
        is_over: IsOver,
        also: Sequence[Pattern] = (),
    ) -> tuple[Problem, ...]:
        """Read nothing more."""
        del scope, patterns, is_over, also
        return ()

    def sample(self, sight: LogSight, start: datetime, *, is_over: IsOver) -> LogSight:
        """Return the sight: no more is known of its streams."""
        del start, is_over
        return sight

    def recall(self, sight: LogSight, patterns: Sequence[Pattern], number: int, *, is_over: IsOver) -> LogSight:
        """Return the sight with the last lines that were recorded."""
        del patterns, is_over
        if sight.recent:
            return sight
        events = self._events(sight.scope)
        return replace(sight, recent=tuple(events[-number:]), is_recent_all=False)

    def live(self, streams: Sequence[LogStream]) -> Live:
        """Refuse to follow what arrives.

        Raises:
            UnprovenError: Always.
        """
        del streams
        raise NotRecordedError

    def query(self, scope: LogScope, text: str, *, clock: Clock, timeout: float) -> list[dict[str, str]]:
        """Refuse a query.

        Raises:
            UnprovenError: Always.
        """
        del scope, text, clock, timeout
        raise NotRecordedError

    def _events(self, scope: LogScope) -> list[LogEvent]:
        """Every event of a scope that was recorded, the oldest first."""
        sights = [read.sight for _, read in self._read]
        every: list[LogEvent] = [event for sight in sights for event in (*sight.events, *sight.recent)]
        every += [event for _, read in self._read for event in read.elsewhere]
        every += [event for lines in self._lines for event in lines.events]
        tasks = {stream.task for stream in scope.streams}
        inside = {event.id: event for event in every if event.task in tasks and event.timestamp >= scope.since}
        return sorted(inside.values(), key=lambda event: event.timestamp)


def _is_whole(expectation: Expectation, read: LogsRead) -> bool:
    """Tell if all events with the patterns were recorded: a reading that found what it looked for ended there."""
    is_to_the_end = expectation.kind == "forbid" or answer(expectation, read.sight).answer is not LogAnswer.HOLDS
    return is_to_the_end and not read.is_masked and not read.cut_short


def _share(one: LogScope, other: LogScope) -> bool:
    """Tell if two scopes are of the same service."""
    return bool(set(one.streams) & set(other.streams)) or not (one.streams or other.streams)


def _with(patterns: Sequence[Pattern], events: Iterable[LogEvent]) -> tuple[LogEvent, ...]:
    every = tuple(events)
    if not patterns:
        return every
    found = {event.id for pattern in patterns for event in matching(pattern, every)}
    return tuple(event for event in every if event.id in found)
