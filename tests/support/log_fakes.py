"""A clock that does not sleep, and logs whose lines arrive when they are told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pytest_deploycheck.config.settings import EVERYTHING, Pattern
from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight, LogStream
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.handles.logs.wait import Listener
from pytest_deploycheck.polling import Clock
from support.worlds import clock, scope, sight, stream

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
        lines: Events by the second, from the start, at which a look finds them.
        hidden: Events that only a look at the whole window finds, by the same.
        old: Events of tasks that run something else.
        failing: Why it cannot be read.
        looks: For each look, the second and whether it was a whole one.
        rows: What a query brings.
        calls: The seconds at which a Live Tail calls for a look.
    """

    clock: FakeClock
    lines: list[tuple[float, LogEvent]] = field(default_factory=list)
    hidden: list[tuple[float, LogEvent]] = field(default_factory=list)
    old: tuple[LogEvent, ...] = ()
    failing: tuple[Problem, ...] = ()
    looks: list[tuple[float, bool]] = field(default_factory=list)
    seen: dict[str, LogEvent] = field(default_factory=dict)
    heard: set[LogStream] = field(default_factory=set)
    rows: list[dict[str, str]] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    lives: list[FakeLive] = field(default_factory=list)
    began: float = 1000.0

    @property
    def second(self) -> float:
        """Seconds since the start."""
        return self.clock.seconds - self.began

    def known(self, scope: LogScope, patterns: Sequence[Pattern]) -> LogSight:
        """What was found so far."""
        events = [
            one
            for one in (*self.seen.values(), *self.old)
            if any(stream.task == one.task and stream.is_named(one.stream) for stream in scope.streams)
            and one.timestamp >= scope.since
        ]
        found = [one for one in events if any(pattern.is_in(one.message) for pattern in patterns)]
        heard = set(self.heard)
        base = sight(scope, *events)
        spoke = tuple(
            one for one in base.spoke if one.stream in heard or any(event.task == one.stream.task for event in found)
        )
        return replace(base, events=tuple(sorted(found, key=_order)), spoke=spoke, read_at=self._now(), recent=())

    def look(
        self,
        scope: LogScope,
        patterns: Sequence[Pattern],
        *,
        also: Sequence[Pattern] = (),
        enough: int = 0,
        whole: bool = False,
    ) -> LogSight:
        """What has one of the patterns and has come so far."""
        del also, enough
        self.looks.append((self.second, whole))
        self._take(whole=whole)
        return replace(self.known(scope, patterns), problems=self.failing)

    def listen(self, sight: LogSight, start: datetime, end: datetime | None = None) -> LogSight:
        """Who spoke in a window."""
        for one in self.seen.values():
            if one.timestamp >= start and (end is None or one.timestamp <= end):
                self.heard |= {stream for stream in sight.scope.streams if stream.task == one.task}
        return replace(sight, spoke=self.known(sight.scope, ()).spoke)

    def recall(self, sight: LogSight, patterns: Sequence[Pattern], number: int) -> LogSight:
        """The last lines."""
        self._take(whole=True)
        self.heard |= {
            stream for stream in sight.scope.streams for one in self.seen.values() if stream.task == one.task
        }
        everything = self.known(sight.scope, (EVERYTHING,)).events
        found = self.known(sight.scope, patterns)
        last = everything[-number:] if number > 0 else ()
        return replace(
            sight,
            events=found.events if patterns else sight.events,
            spoke=found.spoke,
            recent=last,
            is_recent_all=len(last) == len(everything),
            problems=self.failing,
        )

    def live(self, streams: Sequence[LogStream]) -> FakeLive:
        """A Live Tail that calls at its seconds."""
        self.lives.append(FakeLive(self, tuple(streams)))
        return self.lives[-1]

    def query(self, scope: LogScope, text: str, *, clock: Clock, timeout: float) -> list[dict[str, str]]:
        """The rows it was told to bring."""
        del scope, text, clock, timeout
        return self.rows

    def _take(self, *, whole: bool) -> None:
        for at, event in [*self.lines, *(self.hidden if whole else ())]:
            if at <= self.second:
                self.seen[event.id] = event

    def _now(self) -> datetime:
        return START + timedelta(seconds=self.second)


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
        """Whether it listens to all of these."""
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
    listener: Listener
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
    **settings: Any,
) -> Logs:
    """The log tail of two new tasks, `one` and `two`, with lines that come at their seconds."""
    time = FakeClock()
    reader = FakeReader(time, list(lines), list(hidden), old, failing)
    shown: list[str] = []

    def now() -> datetime:
        return START + timedelta(seconds=time.seconds - 1000.0)

    whole = seen or scope("one", "two")
    others = tuple(dict.fromkeys(one.task for one in old))
    listener = Listener(
        replace(whole, old_streams=(*whole.old_streams, *map(stream, others))),
        reader,
        log_wait=log_wait,
        clock=time,
        now=now,
        show=shown.append,
        **settings,
    )
    return Logs(LogTail("backend", listener, source=source), listener, reader, time, shown)
