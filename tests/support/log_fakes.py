"""A clock that does not sleep, and logs whose lines arrive when they are told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pytest_deploycheck.config.settings import EVERYTHING, Pattern
from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight, LogStream
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.handles.logs.service_logs import IsOver, ServiceLogs
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.handles.logs.wait import LogWait
from pytest_deploycheck.polling import Clock
from support.worlds import clock, scope, sight, states, stream

START = clock("11:10")
"""The servers' time when a test begins."""

LOG_WAIT = 60.0


@dataclass
class FakeClock:
    """Time that passes only when it is slept through."""

    seconds: float = 1000.0
    naps: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        """The time."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self.naps.append(seconds)
        self.seconds += seconds

    @property
    def slept(self) -> float:
        """Seconds slept in all."""
        return sum(self.naps)


@dataclass
class FakeReader:
    """Streams into which lines come at their time.

    Attributes:
        clock: The time.
        lines: Events by the second, from the start, at which a poll finds them.
        hidden: Events that only a reading of the whole window finds, by the same.
        old: Events of tasks that run something else.
        failing: Why it cannot be read.
        unread: Why not all lines can be read without the service's filter.
        polls: For each poll, the second and whether it read the whole window.
        rows: The rows of a query.
        calls: The seconds at which a Live Tail calls for a poll.
    """

    clock: FakeClock
    lines: list[tuple[float, LogEvent]] = field(default_factory=list)
    hidden: list[tuple[float, LogEvent]] = field(default_factory=list)
    old: tuple[LogEvent, ...] = ()
    failing: tuple[Problem, ...] = ()
    unread: tuple[Problem, ...] = ()
    polls: list[tuple[float, bool]] = field(default_factory=list)
    seen: dict[str, LogEvent] = field(default_factory=dict)
    rows: list[dict[str, str]] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    lives: list[FakeLive] = field(default_factory=list)
    began: float = 1000.0

    @property
    def second(self) -> float:
        """Seconds since the start."""
        return self.clock.seconds - self.began

    def known(self, scope: LogScope, patterns: Sequence[Pattern]) -> LogSight:
        """The matches that were found so far."""
        events = [
            one
            for one in (*self.seen.values(), *self.old)
            if any(stream.task == one.task and stream.is_named(one.stream) for stream in scope.streams)
            and one.timestamp >= scope.since
        ]
        matchers = [pattern.matcher() for pattern in patterns]
        found = [one for one in events if any(map(one.has, matchers))]
        now = START + timedelta(seconds=self.second)
        base = sight(scope, *events)
        return replace(
            base,
            events=tuple(sorted(found, key=_order)),
            states=states(scope, events, now),
            read_at=now,
            recent=(),
        )

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
        """Return what has one of the patterns and has come so far."""
        del is_over, also, enough
        self.polls.append((self.second, whole))
        self._take(whole=whole)
        return replace(self.known(scope, patterns), problems=self.failing)

    def poll_in_full(
        self, scope: LogScope, patterns: Sequence[Pattern], *, is_over: IsOver, also: Sequence[Pattern] = ()
    ) -> tuple[Problem, ...]:
        """Read all that has come so far."""
        del scope, patterns, is_over, also
        self._take(whole=True)
        return self.failing + self.unread

    def sample(self, sight: LogSight, start: datetime, *, is_over: IsOver) -> LogSight:
        """Return which streams have events."""
        del start, is_over
        return replace(sight, states=self.known(sight.scope, ()).states)

    def recall(self, sight: LogSight, patterns: Sequence[Pattern], number: int, *, is_over: IsOver) -> LogSight:
        """Return the last lines."""
        del is_over
        self._take(whole=True)
        everything = self.known(sight.scope, (EVERYTHING,)).events
        found = self.known(sight.scope, patterns)
        last = everything[-number:] if number > 0 else ()
        return replace(
            sight,
            events=found.events if patterns else sight.events,
            states=found.states,
            recent=last,
            is_recent_all=len(last) == len(everything),
            problems=self.failing,
        )

    def live(self, streams: Sequence[LogStream]) -> FakeLive:
        """Return a Live Tail that calls at its seconds."""
        self.lives.append(FakeLive(self, tuple(streams)))
        return self.lives[-1]

    def query(self, scope: LogScope, text: str, *, clock: Clock, timeout: float) -> list[dict[str, str]]:
        """Return the rows it was told to bring."""
        del scope, text, clock, timeout
        return self.rows

    def _take(self, *, whole: bool) -> None:
        for at, event in [*self.lines, *(self.hidden if whole else ())]:
            if at <= self.second:
                self.seen[event.id] = event


@dataclass
class FakeLive:
    """A Live Tail that calls for a look at the seconds of its reader's `calls`."""

    reader: FakeReader
    streams: tuple[LogStream, ...]
    wanted: tuple[Pattern, ...] = ()
    notes: tuple[str, ...] = ()
    is_closed: bool = False

    def want(self, patterns: Sequence[Pattern]) -> None:
        """Note what is wanted."""
        self.wanted = tuple(patterns)

    def rest(self, seconds: float) -> bool:
        """Sleep until the next call, or all of the time."""
        now = self.reader.second
        call = min((at for at in self.reader.calls if now < at <= now + seconds), default=None)
        self.reader.clock.sleep(seconds if call is None else call - now)
        return call is not None

    def covers(self, streams: Sequence[LogStream]) -> bool:
        """Return True if it listens to all of these."""
        return set(self.streams) >= set(streams)

    def close(self) -> None:
        """Note that it was closed."""
        self.is_closed = True


def _order(event: LogEvent) -> tuple[datetime, str]:
    return event.timestamp, event.id


@dataclass
class Logs:
    """A log tail and what is behind it."""

    tail: LogTail
    wait: LogWait
    reader: FakeReader
    clock: FakeClock
    shown: list[str]

    @property
    def waited(self) -> float:
        """Seconds that were waited."""
        return self.clock.slept


def logs(
    *lines: tuple[float, LogEvent],
    seen: LogScope | None = None,
    hidden: tuple[tuple[float, LogEvent], ...] = (),
    old: tuple[LogEvent, ...] = (),
    failing: tuple[Problem, ...] = (),
    log_wait: float = LOG_WAIT,
    source: Path | None = None,
    time_left: Callable[[], float | None] = lambda: None,
    **settings: Any,
) -> Logs:
    """Return the log tail of two new tasks, `one` and `two`, with lines that come at their seconds."""
    time = FakeClock()
    reader = FakeReader(time, list(lines), list(hidden), old, failing)
    shown: list[str] = []

    def now() -> datetime:
        return START + timedelta(seconds=time.seconds - 1000.0)

    whole = seen or scope("one", "two")
    others = tuple(dict.fromkeys(one.task for one in old))
    whole = replace(whole, old_streams=(*whole.old_streams, *map(stream, others)))
    service = ServiceLogs(whole, reader, clock=time, now=now, **settings)
    wait = LogWait(service, log_wait=log_wait, time_left=time_left, show=shown.append)
    return Logs(LogTail("backend", wait, source=source), wait, reader, time, shown)
