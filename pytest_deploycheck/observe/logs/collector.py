"""One log group, read again and again: nothing twice, nothing missed, and no more than what is asked for."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError
from msgspec import Struct

from pytest_deploycheck.config.filter_patterns import filter_patterns
from pytest_deploycheck.facts.log import LogEvent, LogStream, Spoke
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.calls import batches, member, pages
from pytest_deploycheck.observe.logs.matches import Finds
from pytest_deploycheck.observe.problems import attempt, code_of

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

    from pytest_deploycheck.config.settings import Pattern

MOST_KEPT = 64_000_000
"""Characters of messages that a collector keeps over all patterns; what was asked longest ago is forgotten first."""

UNBORN_GROUP = "GroupNotFound"
"""Code of the problem that a log group does not exist."""

_ACTION = "logs:FilterLogEvents"
_STREAMS_PER_CALL = 100
_NOT_FOUND = "ResourceNotFoundException"
_HEARING = 1000
"""Events that a look may read of all streams together to hear each; then the silent ones are asked one by one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ENOUGH_READ = 10_000
"""Lines, about a page, that are read in any case: a look stops only in a log that goes on and on."""

_MOST_RECENT = 10_000
"""Lines of one step back that are read to find the last of them."""

_LEAST_STEP = timedelta(milliseconds=100)
_FIRST_STEP = timedelta(seconds=10)
_STEP_GROWTH = 6

T = TypeVar("T")

_Line = tuple[LogStream, Mapping[str, Any]]


class Recent(Struct, frozen=True):
    """The last lines of some streams.

    Attributes:
        events: The lines, the oldest first.
        is_all: Whether these are all lines of the window.
    """

    events: tuple[LogEvent, ...]
    is_all: bool


class Collector:
    """Reads one log group for all who ask about it in this process.

    The start of a window stays where it is. A look reads again what the last one saw of the `OVERLAP`, follows every
    page, and tells by CloudWatch's own ids which events it knows, so that late events and those out of order are
    delivered, each once. What is asked for is pushed to CloudWatch as a filter pattern where it can be, and every
    match is checked again here.

    Args:
        client: The client for the group's region.
        region: The group's region.
        group: The group's name.
        now: The time by the servers' clock (UTC).
    """

    def __init__(self, client: CloudWatchLogsClient, region: str, group: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._region = region
        self._group = group
        self._now = now
        self._lock = threading.RLock()
        self._finds: OrderedDict[Pattern, Finds] = OrderedDict()
        self._spoke: dict[LogStream, tuple[int, int]] = {}
        self._unborn: set[LogStream] = set()

    def look(
        self,
        streams: Sequence[LogStream],
        since: datetime,
        patterns: Sequence[Pattern],
        *,
        also: Sequence[Pattern] = (),
        enough: int = 0,
        whole: bool = False,
    ) -> Problem | None:
        """Read what is new, for `found` to tell, and return why that was not possible.

        Args:
            streams: The streams to read; one that does not exist yet is looked for again each time.
            since: Start of the window.
            patterns: What to look for.
            also: What to look for as well, where that costs no further call.
            enough: The number of events with the first pattern at which to stop, or 0 to read all there is.
            whole: Whether to read the whole window again.
        """
        with self._lock:
            now = self._now()
            start = since if whole else self._start(patterns, streams, since)
            texts = filter_patterns(patterns)
            along = [
                pattern
                for pattern in also
                if (whole or self._start([pattern], streams, since) == start)
                and (texts is None or filter_patterns([pattern]))
            ]
            asked = [*patterns, *along]
            finds = [self._finds_for(pattern) for pattern in dict.fromkeys(asked)]
            narrow: Sequence[str | None] = filter_patterns(asked) or [None]
            for text in narrow:
                is_read, problem = self._attempt(partial(self._gather, streams, start, text, finds, enough=enough))
                if not is_read:
                    # What is behind the last event that was read is not known, and will be read if it is asked for.
                    return problem
            for one in finds:
                one.cover(streams, start, now)
            self._forget(asked)
            return None

    def found(self, streams: Sequence[LogStream], since: datetime, pattern: Pattern) -> tuple[list[LogEvent], bool]:
        """The events that have a pattern, as far as they were read, and whether some of them were left out."""
        with self._lock:
            finds = self._finds_for(pattern)
            return list(finds.events(streams, _floored(since))), finds.is_cut

    def listen(self, streams: Sequence[LogStream], start: datetime, end: datetime | None = None) -> Problem | None:
        """Find out which streams said anything from `start` to `end`, for `spoke` to tell.

        It costs a call or two where each stream speaks, however much it says.
        """
        with self._lock:
            unknown = [stream for stream in streams if not self._has_spoken(stream, start, end)]
            return self._attempt(partial(self._hear, unknown, start, end))[1] if unknown else None

    def spoke(self, stream: LogStream, since: datetime) -> Spoke | None:
        """When a stream is known to have said something since a moment."""
        with self._lock:
            bounds = self._spoke.get(stream)
        since = _floored(since)
        if bounds is None or _moment(bounds[1]) < since:
            return None
        first, last = map(_moment, bounds)
        return Spoke(stream, first if first >= since else last, last)

    def recent(
        self, streams: Sequence[LogStream], since: datetime, number: int, patterns: Sequence[Pattern]
    ) -> tuple[Recent, Problem | None]:
        """The last lines, whatever they say; what of them has one of the patterns counts as found.

        CloudWatch reads forward only, so the window is read from its end in steps that grow.
        """
        with self._lock:
            lines: list[LogEvent] = []
            finds = [self._finds_for(pattern) for pattern in patterns]
            upper, end, step = self._now(), None, _FIRST_STEP
            while len(lines) < number and upper > since:
                start = max(since, upper - step)
                part: list[LogEvent] = []
                gather = partial(self._gather, streams, text=None, finds=finds, end=end, into=part)
                is_read, problem = self._attempt(partial(gather, start))
                while not is_read and not problem:
                    # So many lines that the last of them are not reached: only the later half of the step is read.
                    part.clear()
                    start += (upper - start) / 2
                    is_read, problem = self._attempt(partial(gather, start))
                if problem:
                    return Recent(_in_order(lines), is_all=False), problem
                lines += part
                upper, end, step = start, start - timedelta(milliseconds=1), step * _STEP_GROWTH
            return Recent(_in_order(lines)[-number:], is_all=upper <= since and len(lines) <= number), None

    def _gather(
        self,
        streams: Sequence[LogStream],
        start: datetime,
        text: str | None,
        finds: Sequence[Finds],
        *,
        end: datetime | None = None,
        into: list[LogEvent] | None = None,
        enough: int = 0,
    ) -> bool:
        """Read a part of the window, keep what has a pattern, and tell whether all of it was read.

        Args:
            streams: The streams to read.
            start: The start of the part.
            text: The filter pattern, or None to read everything.
            finds: What to keep.
            end: The end of the part, or None for what is there by now.
            into: Takes every event; where there are more than it should take, the rest is left unread.
            enough: The number of events for the first of `finds` at which to stop, or 0.
        """
        found: set[str] = set()
        asked = _window(start, end) | ({"filterPattern": text} if text else {})
        for count, (stream, line) in enumerate(self._read(streams, asked)):
            message = line.get("message", "")
            wanting = [one for one in finds if one.matches(message)]
            if wanting or into is not None:
                event = _event(line, stream)
                for one in wanting:
                    one.keep(stream, event)
                if into is not None:
                    into.append(event)
                    if len(into) >= _MOST_RECENT and event.timestamp - into[0].timestamp > _LEAST_STEP:
                        return False
                if enough and wanting and wanting[0] is finds[0]:
                    found.add(event.id)
            if enough and len(found) >= enough and count >= _ENOUGH_READ:
                return False
            if count % _HEARING == 0 and into is None and finds and all(one.is_done_with(streams) for one in finds):
                return True
        return True

    def _hear(self, streams: Sequence[LogStream], start: datetime, end: datetime | None) -> None:
        window = _window(start, end)
        silent = set(streams)
        together = 0
        for stream, _ in islice(self._read(streams, window | {"limit": _HEARING}), _HEARING):
            together += 1
            silent.discard(stream)
            if not silent:
                return
        if together < _HEARING:
            # All that was said was read.
            return
        for stream in silent - self._unborn:
            # That the first line was read is noted; the others do not matter.
            next(self._read([stream], window | {"limit": 1}), None)

    def _read(self, streams: Sequence[LogStream], asked: Mapping[str, Any]) -> Iterator[_Line]:
        """The lines of some streams, whatever order they come in; that they spoke is noted."""
        named = {stream.name: stream for stream in streams if not stream.is_part}
        parts = [stream for stream in streams if stream.is_part]
        born = [stream.name for stream in named.values() if stream not in self._unborn]
        for batch in batches(born, _STREAMS_PER_CALL):
            yield from self._read_named(named, batch, asked)
        for name in set(named) - set(born):
            yield from self._read_named(named, [name], asked)
        if parts:
            streams_by_name: dict[str, LogStream | None] = {}
            with self._noting() as spoke:
                for line in self._filter(asked):
                    name = line["logStreamName"]
                    if name not in streams_by_name:
                        streams_by_name[name] = next((part for part in parts if part.is_named(name)), None)
                    stream = streams_by_name[name]
                    if stream:
                        spoke(stream, line["timestamp"])
                        yield stream, line

    def _read_named(
        self, named: Mapping[str, LogStream], names: Sequence[str], asked: Mapping[str, Any]
    ) -> Iterator[_Line]:
        """The lines of streams whose names are known.

        CloudWatch refuses the whole call when one of the streams does not exist, as that of a task which has not
        logged yet; then each is asked for on its own.
        """
        try:
            with self._noting() as spoke:
                for line in self._filter(dict(asked) | {"logStreamNames": list(names)}):
                    stream = named[line["logStreamName"]]
                    spoke(stream, line["timestamp"])
                    yield stream, line
        except ClientError as error:
            if code_of(error) != _NOT_FOUND:
                raise
            if len(names) > 1:
                for name in names:
                    yield from self._read_named(named, [name], asked)
            else:
                self._unborn.add(named[names[0]])
                # Is it the stream or the group that is missing? A look at the group alone raises where it is the group.
                self._client.filter_log_events(logGroupName=self._group, limit=1)
        else:
            self._unborn.difference_update(named[name] for name in names)

    def _filter(self, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        # botocore's paginator gives up on a token that comes twice, and a page without events may still have a token.
        for page in pages(self._client.filter_log_events, seconds=math.inf, logGroupName=self._group, **asked):
            yield from member(page, "events", _ACTION)

    @contextmanager
    def _noting(self) -> Iterator[Callable[[LogStream, int], None]]:
        """Takes the moments at which streams spoke, and notes the first and the last of each in the end."""
        bounds: dict[int, list[int]] = {}
        streams: dict[int, LogStream] = {}

        def note(stream: LogStream, moment: int) -> None:
            # Of half a million lines: a stream's hash is dear, and its identity is not.
            known = bounds.get(id(stream))
            if known is None:
                bounds[id(stream)], streams[id(stream)] = [moment, moment], stream
            elif moment > known[1]:
                known[1] = moment
            elif moment < known[0]:
                known[0] = moment

        try:
            yield note
        finally:
            for key, (first, last) in bounds.items():
                before = self._spoke.get(streams[key], (first, last))
                self._spoke[streams[key]] = min(before[0], first), max(before[1], last)

    def _has_spoken(self, stream: LogStream, start: datetime, end: datetime | None) -> bool:
        bounds = self._spoke.get(stream)
        return bounds is not None and any(
            moment >= start and (end is None or moment <= end) for moment in map(_moment, bounds)
        )

    def _start(self, patterns: Sequence[Pattern], streams: Sequence[LogStream], since: datetime) -> datetime:
        """Where a look must begin to read that misses nothing of what is asked for."""
        finds = [self._finds_for(pattern) for pattern in patterns]
        return min((one.start_for(stream, since) for one in finds for stream in streams), default=since)

    def _finds_for(self, pattern: Pattern) -> Finds:
        finds = self._finds.setdefault(pattern, Finds(pattern.matcher()))
        self._finds.move_to_end(pattern)
        return finds

    def _forget(self, asked: Sequence[Pattern]) -> None:
        """Let go of what was asked longest ago, where more is kept than should be; asked again, it is read again."""
        kept = sum(finds.characters for finds in self._finds.values())
        for pattern in [pattern for pattern in self._finds if pattern not in asked]:
            if kept <= MOST_KEPT:
                return
            kept -= self._finds.pop(pattern).characters

    def _attempt(self, read: Callable[[], T]) -> tuple[T | None, Problem | None]:
        result, problem = attempt(_ACTION, read)
        if problem and problem.code == _NOT_FOUND:
            problem = Problem(
                _ACTION,
                UNBORN_GROUP,
                f"The log group {self._group} does not exist in {self._region}, where the task definition sends its "
                "log.",
                "Create it there, or mend awslogs-group and awslogs-region in the task definition.",
            )
        return result, problem


def _window(start: datetime, end: datetime | None) -> dict[str, Any]:
    window = {"startTime": _milliseconds(start)}
    return window | {"endTime": _milliseconds(end)} if end else window


def _event(line: Mapping[str, Any], stream: LogStream) -> LogEvent:
    return LogEvent(
        id=line["eventId"],
        timestamp=_moment(line["timestamp"]),
        ingested_at=_moment(line.get("ingestionTime", line["timestamp"])),
        message=line.get("message", ""),
        task=stream.task,
        stream=line["logStreamName"],
    )


def _in_order(events: Sequence[LogEvent]) -> tuple[LogEvent, ...]:
    return tuple(sorted(events, key=lambda event: (event.timestamp, event.id)))


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _floored(moment: datetime) -> datetime:
    """A moment as CloudWatch tells it, which counts in milliseconds: what was written in the same one is not before."""
    return _moment(_milliseconds(moment))


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)
