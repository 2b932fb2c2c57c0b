"""One log group, polled: every event once, none missed, and no more read than is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.patterns.filter_patterns import filter_patterns
from pytest_deploycheck.facts.log import LogEvent, LogStream, StreamState
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.logs.events import floored, in_order, milliseconds
from pytest_deploycheck.observe.logs.filtered_lines import IsOver, Lines, PageRequest
from pytest_deploycheck.observe.logs.group_events import Gathering, GroupEvents
from pytest_deploycheck.observe.logs.matches import MatchesByPattern
from pytest_deploycheck.observe.logs.problems import attempted
from pytest_deploycheck.observe.logs.queried_lines import QUERIES_SETTLE, QueriedLines
from pytest_deploycheck.observe.problems import Answered
from pytest_deploycheck.observe.rates import polling

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import Pattern

T = TypeVar("T")

_INFREQUENT = "INFREQUENT_ACCESS"
"""The class of log groups that only Logs Insights reads, as the service names it."""

_REFUSED = "InvalidParameterException"
"""Code with which the service refuses a filter pattern."""

_FIRST_STEP = timedelta(seconds=10)
_STEP_GROWTH = 6


class RecentLines(Struct, frozen=True):
    """The last lines of some streams.

    Attributes:
        events: The lines, the oldest first.
        is_all: Whether these are all lines of the window.
    """

    events: tuple[LogEvent, ...]
    is_all: bool


class Collector:
    """Reads one log group for all who ask about it in this process.

    The start of a window stays where it is. A poll reads again what the last one saw of the `OVERLAP`, follows every
    page, and tells by CloudWatch's own ids which events it knows, so that late events and those out of order are
    delivered, each once. What is asked for is sent to CloudWatch as a filter pattern where possible, and every match
    is checked again here.

    Args:
        lines: Reads the group's raw lines.
        queried: Reads them where only Logs Insights can.
        region: The group's region.
        group: The group's name.
        now: The time by the servers' clock (UTC).
    """

    def __init__(
        self, lines: Lines, queried: QueriedLines, region: str, group: str, now: Callable[[], datetime]
    ) -> None:
        self._group_events = GroupEvents(lines)
        self._queried = queried
        self._region = region
        self._group = group
        self._now = now
        self._lock = threading.RLock()
        self._matches = MatchesByPattern()
        self._is_filter_refused = False

    def poll(
        self,
        streams: Sequence[LogStream],
        since: datetime,
        patterns: Sequence[Pattern],
        *,
        is_over: IsOver,
        also: Sequence[Pattern] = (),
        enough: int = 0,
        whole: bool = False,
    ) -> Problem | None:
        """Read what is new, for `found` to return, and return why that was not possible.

        Args:
            streams: The streams to read; one that does not exist yet is looked for each time.
            since: Start of the window.
            patterns: What to look for.
            is_over: Tells whether the time for reading is over.
            also: What to look for as well, where that costs no further call.
            enough: The number of events with the first pattern at which to stop, or 0 to read all there is.
            whole: Whether to read the whole window again.
        """
        with self._lock:
            now = self._now()
            start = since if whole else self._matches.start(patterns, streams, since)
            texts = self._filters(patterns, streams)
            along = [
                pattern
                for pattern in also
                if (whole or self._matches.start([pattern], streams, since) == start)
                and (texts is None or self._filters([pattern], streams))
            ]
            asked = [*patterns, *along]
            gathering = Gathering(streams, self._matches.of_all(asked), is_over, enough)
            for text in self._filters(asked, streams) or [None]:
                # What begins after the start of the window was read before, and is read again after this.
                with polling(is_on=start > since):
                    is_read, problem = self._gather(gathering, PageRequest(milliseconds(start), filter_pattern=text))
                if not is_read:
                    # What is behind the last event that was read is not known, and will be read if it is asked for.
                    return problem
            self._cover(gathering, start, now, in_full=texts is None and not enough)
            self._matches.forget(asked)
            return None

    def poll_in_full(
        self,
        streams: Sequence[LogStream],
        since: datetime,
        patterns: Sequence[Pattern],
        *,
        is_over: IsOver,
        also: Sequence[Pattern] = (),
    ) -> Problem | None:
        """Read all lines that were not read without a filter pattern yet, for `found` to return those that match.

        The service compares a filter pattern with the raw line, in which characters that nobody sees may stand within
        a text. What had been complete is not read again: a later event of it would have been visible then.

        Args:
            streams: The streams to read.
            since: Start of the window.
            patterns: What to look for.
            is_over: Tells whether the time for reading is over.
            also: What to look for as well.
        """
        with self._lock:
            now = self._now()
            if self._queried.queries:
                # Queries read all lines anyway.
                return None
            starts = [one.start_in_full(stream, since) for one in self._matches.of_all(patterns) for stream in streams]
            start = min(starts, default=since)
            gathering = Gathering(streams, self._matches.of_all([*patterns, *also]), is_over)
            is_read, problem = self._gather(gathering, PageRequest(milliseconds(start)))
            if is_read:
                self._cover(gathering, start, now, in_full=True)
            return problem

    def found(self, streams: Sequence[LogStream], since: datetime, pattern: Pattern) -> tuple[list[LogEvent], bool]:
        """The events that have a pattern, as far as they were read, and whether some of them were left out."""
        with self._lock:
            matches = self._matches.of(pattern)
            return list(matches.events(streams, floored(since))), matches.is_cut

    def sample(self, streams: Sequence[LogStream], start: datetime, *, is_over: IsOver) -> Problem | None:
        """Find the first event of each stream from `start` on, for `state` to take into account.

        It costs a call or two where each stream has events, however many.
        """
        with self._lock:
            return self._attempt(partial(self._group_events.sample, streams, milliseconds(start), is_over))[1]

    def state(self, stream: LogStream, since: datetime, now: datetime | None) -> StreamState | None:
        """The state of a stream; None where no event since a moment is known."""
        with self._lock:
            least = QUERIES_SETTLE if self._queried.queries else 0.0
            return self._group_events.state(stream, since, now, least)

    @property
    def notes(self) -> tuple[str, ...]:
        """The cost of the reading, in sentences."""
        if not self._queried.queries:
            return ()
        return (
            f"The log group {self._group} is of the class INFREQUENT_ACCESS, so it was read by Logs Insights: AWS "
            f"charges by the bytes that a query scans ({self._queried.queries} so far).",
        )

    def recent(
        self,
        streams: Sequence[LogStream],
        since: datetime,
        number: int,
        patterns: Sequence[Pattern],
        *,
        is_over: IsOver,
    ) -> tuple[RecentLines, Problem | None]:
        """The last lines, whatever they are; those of them that have one of the patterns count as found.

        CloudWatch reads forward only, so the window is read from its end in steps that grow.
        """
        with self._lock:
            lines: list[LogEvent] = []
            gathering = Gathering(streams, self._matches.of_all(patterns), is_over)
            end: int | None = None
            upper, step = self._now(), _FIRST_STEP
            while len(lines) < number and upper > since:
                start = max(since, upper - step)
                part: list[LogEvent] = []
                is_read, problem = self._gather(gathering, PageRequest(milliseconds(start), end), into=part)
                while not is_read and not problem:
                    # So many lines that the last of them are not reached: only the later half of the step is read.
                    part.clear()
                    start += (upper - start) / 2
                    is_read, problem = self._gather(gathering, PageRequest(milliseconds(start), end), into=part)
                if problem:
                    return RecentLines(in_order([*part, *lines])[-number:], is_all=False), problem
                lines += part
                upper, end, step = start, milliseconds(start) - 1, step * _STEP_GROWTH
            return RecentLines(in_order(lines)[-number:], is_all=upper <= since and len(lines) <= number), None

    def _gather(self, gathering: Gathering, request: PageRequest, into: list[LogEvent] | None = None) -> Answered[bool]:
        """Read a part of the window; without the filter pattern, if the service refuses that."""
        gather = partial(self._group_events.gather, gathering, into=into)
        is_read, problem = self._attempt(partial(gather, request))
        if request.filter_pattern and problem and problem.code == _REFUSED:
            self._is_filter_refused = True
            return self._attempt(partial(gather, replace(request, filter_pattern=None)))
        return is_read, problem

    def _cover(self, gathering: Gathering, start: datetime, now: datetime, *, in_full: bool) -> None:
        """Note what a reading that began at `now` covers."""
        for one in gathering.matches:
            one.cover(gathering.streams, start, now)
        if in_full:
            for stream in gathering.streams:
                state = self._group_events.state(stream, start, now)
                until = state.complete_until if state else None
                for one in gathering.matches:
                    one.cover_in_full(stream, start, max(start, until or start))

    def _filters(self, patterns: Sequence[Pattern], streams: Sequence[LogStream]) -> Sequence[str | None] | None:
        """The filter patterns that let matches through, or None where everything must be read."""
        if self._is_filter_refused:
            return None
        return filter_patterns(patterns, is_routed=any(stream.is_routed for stream in streams))

    def _attempt(self, read: Callable[[], T]) -> Answered[T]:
        result, problem = attempted(read, self._region, self._group)
        if problem and _INFREQUENT in problem.message and not self._queried.queries:
            self._group_events.read_by(self._queried)
            result, problem = attempted(read, self._region, self._group)
        return result, problem
