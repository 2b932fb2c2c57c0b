"""Log lines that are read before their checks ask for them, while other services are still observed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeAlias

from msgspec import Struct, field

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import LogScope, LogStream
from pytest_deploycheck.handles.logs.service_logs import IsOver, Reader

_PARALLEL = 8
"""Log groups that are read at the same time."""


Key: TypeAlias = tuple[frozenset[tuple[str, str]], tuple[Pattern, ...]]
"""Log groups, with their regions, and the patterns that are looked for in them."""


class Wanted(Struct, frozen=True):
    """The lines that the checks of a service look for.

    Attributes:
        service: The name of the service in the configuration.
        scope: Its logs.
        patterns: The literal texts that are expected: a regular expression may only be matched in the thread that
            asks, which alone can be interrupted.
        enough: The number of events with the first of them at which to stop, or 0.
    """

    service: str
    scope: LogScope
    patterns: tuple[Pattern, ...]
    enough: int = 0

    @property
    def key(self) -> Key:
        """The place in which, and the patterns by which, they are found."""
        return frozenset((one.region, one.group) for one in self.scope.streams), self.patterns


def wanted_lines(service: str, scope: LogScope, expectations: Sequence[Expectation]) -> Wanted | None:
    """Return the lines of a service that can be read ahead; None where there are none.

    That a line is absent is known only from a reading after the question.
    """
    expected = [one for one in expectations if one.kind != "forbid" and not any(text.regex for text in one.patterns)]
    if not expected or not scope.streams:
        return None
    first = expected[0]
    patterns = tuple(dict.fromkeys(pattern for one in expected for pattern in one.patterns))
    enough = first.count if first.kind == "expect" and first.tasks == "any" else 0
    return Wanted(service, scope, patterns, enough)


class LogReadAhead(Struct):
    """Reads ahead in the background; services that share log groups and patterns are read together.

    The reader keeps what is found, and checks take it from there. What cannot be read is read again by the check.

    Attributes:
        reader: Returns the reader of logs.
        is_over: Tells whether the time for reading is over.
    """

    reader: Callable[[], Reader]
    is_over: IsOver
    _pool: ThreadPoolExecutor | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: dict[Key, list[Wanted]] = field(default_factory=dict)
    _reading: dict[str, threading.Event] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)
    _is_closed: bool = False

    def begin(self, wanted: Wanted) -> None:
        """Read the lines of a service, once in a run, as soon as nothing else is read in the same place."""
        with self._lock:
            if self._is_closed or wanted.service in self._begun:
                return
            self._begun.add(wanted.service)
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max_workers=_PARALLEL, thread_name_prefix="read-ahead")
            is_first = wanted.key not in self._waiting
            self._waiting.setdefault(wanted.key, []).append(wanted)
            if is_first:
                self._pool.submit(self._read_all, wanted.key)

    def finish(self, service: str) -> None:
        """Return when the lines of a service are not being read any more; if that has not begun, it never will."""
        with self._lock:
            for waiting in self._waiting.values():
                waiting[:] = [one for one in waiting if one.service != service]
            reading = self._reading.get(service)
        if reading:
            reading.wait()

    def close(self) -> None:
        """Begin no further reading."""
        with self._lock:
            self._is_closed = True
            for waiting in self._waiting.values():
                waiting.clear()
            pool, self._pool = self._pool, None
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)

    def _read_all(self, key: Key) -> None:
        """Read what is wanted in one place, and what comes to be wanted there meanwhile."""
        while True:
            with self._lock:
                together = self._waiting[key]
                if not together:
                    del self._waiting[key]
                    return
                self._waiting[key] = []
                done = threading.Event()
                self._reading.update((one.service, done) for one in together)
            try:
                self._read(together)
            finally:
                with self._lock:
                    for one in together:
                        self._reading.pop(one.service, None)
                done.set()

    def _read(self, together: Sequence[Wanted]) -> None:
        first = together[0]
        streams: dict[LogStream, None] = dict.fromkeys(stream for one in together for stream in one.scope.streams)
        scope = LogScope(min(one.scope.since for one in together), (), tuple(streams))
        # The check asks again for what cannot be read, and tells why.
        with suppress(Exception):
            self.reader().poll(
                scope,
                first.patterns[:1],
                also=first.patterns[1:],
                enough=first.enough if len(together) == 1 else 0,
                is_over=lambda: self._is_closed or self.is_over(),
            )
