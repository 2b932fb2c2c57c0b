"""A clock that does not sleep, and logs whose lines arrive when they are told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pytest_deploycheck.facts.log import LogEvent, LogScope
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.handles.logs import LogTail
from unit.judge.worlds import clock, scope

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
        failing: Why it cannot be read.
        looks: For each look, the second and whether it was a whole one.
    """

    clock: FakeClock
    lines: list[tuple[float, LogEvent]] = field(default_factory=list)
    hidden: list[tuple[float, LogEvent]] = field(default_factory=list)
    failing: tuple[Problem, ...] = ()
    looks: list[tuple[float, bool]] = field(default_factory=list)
    seen: dict[str, LogEvent] = field(default_factory=dict)
    began: float = 1000.0

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why it cannot be read."""
        return self.failing

    def look(self, *, whole: bool = False) -> tuple[LogEvent, ...]:
        """All that has come so far, the oldest first."""
        now = self.clock.seconds - self.began
        self.looks.append((now, whole))
        for at, event in [*self.lines, *(self.hidden if whole else ())]:
            if at <= now:
                self.seen[event.id] = event
        return tuple(sorted(self.seen.values(), key=lambda one: (one.timestamp, one.id)))


@dataclass
class Logs:
    """A log tail and what is behind it."""

    tail: LogTail
    reader: FakeReader
    old: FakeReader
    clock: FakeClock

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
    time_left: Callable[[], float | None] = lambda: None,
    log_wait: float = LOG_WAIT,
) -> Logs:
    """The log tail of two new tasks, `one` and `two`, with lines that come at their seconds."""
    time = FakeClock()
    reader = FakeReader(time, list(lines), list(hidden), failing)
    other = FakeReader(time, [(0.0, event) for event in old])

    def now() -> datetime:
        return START + timedelta(seconds=time.seconds - 1000.0)

    tail = LogTail(
        "backend",
        seen or scope("one", "two"),
        reader,
        other,
        log_wait=log_wait,
        clock=time,
        now=now,
        time_left=time_left,
    )
    return Logs(tail, reader, other, time)
