"""The logs of one service, as its tasks are replaced while a run goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.facts.log import LogScope, LogSight, LogStream
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.polling import Clock

FOLLOW_EVERY = 10.0
"""Seconds after which a wait lists the running tasks again."""

IsOver = Callable[[], bool]
"""Tells whether the time for a reading is over."""


class Live(Protocol):
    """Calls for a poll when something wanted arrives."""

    @property
    def notes(self) -> tuple[str, ...]:
        """The reasons why it did not show everything, in sentences."""
        ...

    def want(self, patterns: Sequence[Pattern]) -> None:
        """Call only for events that may have one of these patterns."""
        ...

    def rest(self, seconds: float) -> bool:
        """Pass the seconds, or less where something wanted arrives, and tell whether it did."""
        ...

    def covers(self, streams: Sequence[LogStream]) -> bool:
        """Return True if it follows all of these streams."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class Reader(Protocol):
    """Reads logs; delivers each event once, however often it polls."""

    def known(self, scope: LogScope, patterns: Sequence[Pattern]) -> LogSight:
        """Return the events found so far, without another call."""
        ...

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
        """Read the new events that have one of the patterns, or the whole window again."""
        ...

    def poll_in_full(
        self,
        scope: LogScope,
        patterns: Sequence[Pattern],
        *,
        is_over: IsOver,
        also: Sequence[Pattern] = (),
    ) -> Sequence[Problem]:
        """Read all lines, without the service's own filter, and return why that was not possible."""
        ...

    def sample(self, sight: LogSight, start: datetime, *, is_over: IsOver) -> LogSight:
        """The sight, after the first event of each current stream from `start` on was read."""
        ...

    def recall(self, sight: LogSight, patterns: Sequence[Pattern], number: int, *, is_over: IsOver) -> LogSight:
        """The sight, with the last lines, whatever they are."""
        ...

    def live(self, streams: Sequence[LogStream]) -> Live:
        """Begin to follow what arrives in some streams."""
        ...

    def query(self, scope: LogScope, text: str, *, clock: Clock, timeout: float) -> list[dict[str, str]]:
        """The rows of a Logs Insights query over the scope."""
        ...


class Window(Struct, frozen=True):
    """The part of the log that a question is about.

    Attributes:
        since: Its start, or None for the start of the tail's own window.
        until: The moment up to which an absence must hold, or None for the moment of the question.
    """

    since: datetime | None = None
    until: datetime | None = None


class ServiceLogs:
    """The log streams of the tasks that run the expected image, kept up to date as tasks are replaced.

    Args:
        scope: Which logs to read.
        reader: Reads them.
        clock: Where the time of waits comes from.
        now: The time by the servers' clock (UTC).
        follow: Lists the running tasks again; returns None where that was not possible.
        use_live: Whether a wait may open a Live Tail.

    Attributes:
        scope: Which logs to read by now.
        reader: Reads them.
    """

    def __init__(
        self,
        scope: LogScope,
        reader: Reader,
        *,
        clock: Clock,
        now: Callable[[], datetime],
        follow: Callable[[], LogScope | None] = lambda: None,
        use_live: bool = False,
    ) -> None:
        self.scope = scope
        self.reader = reader
        self.clock = clock
        self.now = now
        self._follow = follow
        self._followed_at = clock.monotonic()
        self._live = _LiveTail(reader) if use_live else None
        self._lock = threading.Lock()

    @property
    def notes(self) -> tuple[str, ...]:
        """The limits of a Live Tail, in sentences."""
        return self._live.notes if self._live else ()

    def within(self, window: Window) -> LogScope:
        """The logs that a question is about."""
        return replace(self.scope, since=window.since) if window.since else self.scope

    def refresh(self) -> None:
        """List the running tasks again now and then, so that those that replace others are read too."""
        with self._lock:
            if self.clock.monotonic() - self._followed_at < FOLLOW_EVERY:
                return
            self._followed_at = self.clock.monotonic()
        newer = self._follow()
        if newer:
            with self._lock:
                self.scope = self.scope.followed_by(newer)

    def rest(self, seconds: float, patterns: Sequence[Pattern]) -> bool:
        """Pass the seconds until the next poll, and return whether a Live Tail called for it earlier."""
        if self._live:
            return self._live.rest(seconds, self.scope.streams, patterns)
        self.clock.sleep(seconds)
        return False

    def close(self) -> None:
        """Release the resources."""
        if self._live:
            self._live.close()


class _LiveTail:
    """A Live Tail session that is opened when it is first needed, and again when tasks are replaced."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._session: Live | None = None
        self._lock = threading.Lock()

    @property
    def notes(self) -> tuple[str, ...]:
        return self._session.notes if self._session else ()

    def rest(self, seconds: float, streams: Sequence[LogStream], patterns: Sequence[Pattern]) -> bool:
        with self._lock:
            if self._session is None or not self._session.covers(streams):
                self.close()
                self._session = self._reader.live(streams)
            session = self._session
            session.want(patterns)
        return session.rest(seconds)

    def close(self) -> None:
        if self._session:
            self._session.close()
