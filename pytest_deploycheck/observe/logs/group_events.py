"""The events of one log group as they are read: matched, sampled, and with the times of each stream noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct

from pytest_deploycheck.facts.log import LogEvent, LogStream, StreamState
from pytest_deploycheck.observe.logs.events import EventReader, floored, milliseconds, moment
from pytest_deploycheck.observe.logs.filtered_lines import IsOver, Line, Lines, PageRequest
from pytest_deploycheck.observe.logs.matches import PatternMatches
from pytest_deploycheck.observe.logs.settling import StreamTimes

_SAMPLE = 1000
"""Events that are read of all streams together to see which have any; then the others are read one by one."""

_ENOUGH_READ = 10_000
"""Lines, about a page, that are read in any case: a reading stops early only in a log that has many more."""

_MOST_RECENT = 10_000
"""Lines of one step back that are read to find the last of them."""

_LEAST_STEP = timedelta(milliseconds=100)


class Gathering(Struct, frozen=True):
    """The streams that are read, the events that are kept of them, and the end of the time for it.

    Attributes:
        streams: The streams to read.
        matches: What to keep.
        is_over: Tells whether the time for reading is over.
        enough: The number of events for the first of `matches` at which to stop, or 0.
    """

    streams: Sequence[LogStream]
    matches: Sequence[PatternMatches]
    is_over: IsOver
    enough: int = 0


class GroupEvents:
    """Makes events of the raw lines of one log group, and notes when each stream had events.

    Args:
        lines: Reads the raw lines.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._events = EventReader()
        self._times: dict[LogStream, StreamTimes] = {}
        self._sampled: set[tuple[LogStream, int]] = set()

    def read_by(self, lines: Lines) -> None:
        """Read the raw lines in another way from now on."""
        self._lines = lines

    def gather(self, gathering: Gathering, request: PageRequest, *, into: list[LogEvent] | None = None) -> bool:
        """Read a part of the window, keep what has a pattern, and tell whether all of it was read.

        Args:
            gathering: The streams and what to keep of them.
            request: The part of the window.
            into: Takes every event; where there are more than it should take, the rest is left unread.
        """
        streams, matches, enough = gathering.streams, gathering.matches, gathering.enough
        found: set[str] = set()
        for count, (stream, line) in enumerate(self._read(streams, request, gathering.is_over)):
            read, texts = self._events.texts(line, stream)
            wanting = [one for one in matches if any(map(one.matches, texts))]
            if wanting or into is not None:
                event = self._events.event(line, stream, read)
                for one in wanting:
                    one.keep(stream, event)
                if into is not None:
                    into.append(event)
                    if len(into) >= _MOST_RECENT and event.timestamp - into[0].timestamp > _LEAST_STEP:
                        return False
                if enough and wanting and wanting[0] is matches[0]:
                    found.add(event.id)
            if enough and len(found) >= enough and count >= _ENOUGH_READ:
                return False
            if count % _SAMPLE == 0 and into is None and matches and all(one.is_done_with(streams) for one in matches):
                return True
        return True

    def sample(self, streams: Sequence[LogStream], start: int, is_over: IsOver) -> None:
        """Read the first event of each stream from `start` on.

        It costs a call or two where each stream has events, however many.
        """
        missing = {stream for stream in streams if (stream, start) not in self._sampled}
        if not missing:
            return
        asked = [stream for stream in streams if stream in missing]
        together = 0
        for stream, line in islice(self._read(asked, PageRequest(start, limit=_SAMPLE), is_over), _SAMPLE):
            self._events.texts(line, stream)
            together += 1
            if stream in missing:
                missing.discard(stream)
                self._sampled.add((stream, start))
            if not missing:
                return
        if together < _SAMPLE:
            # All events were read.
            return
        for stream in missing:
            # That the first line was read is noted; the others do not matter.
            if next(self._read([stream], PageRequest(start, limit=1), is_over), None):
                self._sampled.add((stream, start))

    def state(
        self, stream: LogStream, since: datetime, now: datetime | None, least_settle: float = 0.0
    ) -> StreamState | None:
        """Return the known state of a stream since a moment; None if it has no event.

        Args:
            stream: The stream.
            since: Start of the window.
            now: The time at which the last reading began, or None where nothing was read.
            least_settle: Seconds in which events settle at least.
        """
        times = self._times.get(stream)
        if times is None or moment(times.last) < floored(since):
            return None
        settle = int(max(stream.settle, least_settle) * 1000)
        until = times.complete_until(milliseconds(now), settle) if now else None
        return StreamState(stream, moment(times.last), moment(until) if until is not None else None)

    def _read(self, streams: Sequence[LogStream], request: PageRequest, is_over: IsOver) -> Iterator[Line]:
        """The lines of some streams, in whatever order they come; their times are noted."""
        with self._noting() as note:
            for line in self._lines.read(streams, request, is_over):
                note(line)
                yield line

    @contextmanager
    def _noting(self) -> Iterator[Callable[[Line], None]]:
        """Takes lines, and notes the times of each stream in the end."""
        times: dict[int, StreamTimes] = {}
        streams: dict[int, LogStream] = {}

        def note(line: Line) -> None:
            # Of half a million lines: a stream's hash takes long to compute, its identity does not.
            stream, event = line
            timestamp: int = event["timestamp"]
            known = times.get(id(stream))
            if known is None:
                known = times[id(stream)] = StreamTimes(timestamp)
                streams[id(stream)] = stream
            known.add(timestamp, event.get("ingestionTime", timestamp))

        try:
            yield note
        finally:
            for key, read in times.items():
                before = self._times.setdefault(streams[key], read)
                if before is not read:
                    before.merge(read)
