"""The raw lines of one log group, from FilterLogEvents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError
from msgspec import Struct

from pytest_deploycheck.facts.log import LogStream
from pytest_deploycheck.observe.calls import batches, member, pages
from pytest_deploycheck.observe.problems import IncompleteAnswerError, code_of

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

ACTION = "logs:FilterLogEvents"

NOT_FOUND = "ResourceNotFoundException"

_STREAMS_PER_CALL = 100

_FIRST_PAGE = 1000
"""Events of a group that are read to tell whether streams that may not exist have any."""

_IDLE_PAGES = 100
"""Pages in a row without a new event after which a reading that ran out of time is taken for an endless one."""

IsOver = Callable[[], bool]
"""Tells whether the time for a reading is over."""

Line = tuple[LogStream, Mapping[str, Any]]


class PageRequest(Struct, frozen=True):
    """A part of a log group to read.

    Attributes:
        start: Its start, in milliseconds since 1970.
        end: Its end, or None for what is there by now.
        filter_pattern: A filter pattern, or None to read everything.
        limit: The most events of a page, or None for the service's own limit.
    """

    start: int
    end: int | None = None
    filter_pattern: str | None = None
    limit: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of FilterLogEvents."""
        optional = {"endTime": self.end, "filterPattern": self.filter_pattern, "limit": self.limit}
        return {"startTime": self.start, **{name: value for name, value in optional.items() if value is not None}}


class UnreadError(Exception):
    """The time for a reading was over before the end of the log was reached.

    Attributes:
        last: The time of the last event that was read, in milliseconds since 1970, or None where none was read.
    """

    def __init__(self, last: int | None) -> None:
        super().__init__("the log was not read to its end")
        self.last = last


class Lines(Protocol):
    """Reads the raw lines of a log group."""

    def read(self, streams: Sequence[LogStream], request: PageRequest, is_over: IsOver) -> Iterator[Line]:
        """The lines of some streams, in whatever order they come."""
        ...


class FilteredLines:
    """Reads a log group by FilterLogEvents.

    Args:
        client: The client for the group's region.
        group: The group's name.
    """

    def __init__(self, client: CloudWatchLogsClient, group: str) -> None:
        self._client = client
        self._group = group
        self._uncertain: set[LogStream] = set()

    def read(self, streams: Sequence[LogStream], request: PageRequest, is_over: IsOver) -> Iterator[Line]:
        """The lines of some streams, in whatever order they come.

        Raises:
            UnreadError: The time was over before the last page.
        """
        named = {stream.name: stream for stream in streams if not stream.is_part}
        parts = [stream for stream in streams if stream.is_part]
        existing = [stream.name for stream in named.values() if stream not in self._uncertain]
        for batch in batches(existing, _STREAMS_PER_CALL):
            try:
                yield from self._read_named(named, batch, request, is_over)
            except ClientError as error:
                if code_of(error) != NOT_FOUND:
                    raise
                # One of them does not exist, as that of a task which has not logged yet, or none, or not the group.
                self._uncertain.update(named[name] for name in batch)
        uncertain = [stream.name for stream in named.values() if stream in self._uncertain]
        if uncertain:
            yield from self._read_uncertain(named, uncertain, request, is_over)
        if parts:
            yield from self._read_parts(parts, request, is_over)

    def _read_parts(self, parts: Sequence[LogStream], request: PageRequest, is_over: IsOver) -> Iterator[Line]:
        """The lines of streams of whose names only a part is known."""
        streams: dict[str, LogStream | None] = {}
        for line in self._pages(request.parameters, is_over):
            name = line["logStreamName"]
            if name not in streams:
                streams[name] = next((part for part in parts if part.is_named(name)), None)
            stream = streams[name]
            if stream:
                yield stream, line

    def _read_named(
        self, named: Mapping[str, LogStream], names: Sequence[str], request: PageRequest, is_over: IsOver
    ) -> Iterator[Line]:
        """The lines of streams that exist; CloudWatch refuses the whole call when one of them does not."""
        for line in self._pages(request.parameters | {"logStreamNames": list(names)}, is_over):
            yield named[line["logStreamName"]], line
        self._uncertain.difference_update(named[name] for name in names)

    def _read_uncertain(
        self, named: Mapping[str, LogStream], names: Sequence[str], request: PageRequest, is_over: IsOver
    ) -> Iterator[Line]:
        """The lines of streams that may not exist: each is asked for alone, where one call cannot tell of them all.

        Raises:
            ClientError: The group does not exist, or cannot be read.
        """
        for name in self._candidates(names, request, is_over):
            try:
                yield from self._read_named(named, [name], request, is_over)
            except ClientError as error:
                if code_of(error) != NOT_FOUND:
                    raise

    def _candidates(self, names: Sequence[str], request: PageRequest, is_over: IsOver) -> Sequence[str]:
        """The streams that may have lines: those with one in the first page of the group, and all if there are more."""
        if is_over():
            raise UnreadError(None)
        limit = min(request.limit or _FIRST_PAGE, _FIRST_PAGE)
        page = self._client.filter_log_events(logGroupName=self._group, **request.parameters | {"limit": limit})
        if page.get("nextToken"):
            return names
        found = {line["logStreamName"] for line in member(page, "events", ACTION)}
        return [name for name in names if name in found]

    def _pages(self, parameters: Mapping[str, Any], is_over: IsOver) -> Iterator[Mapping[str, Any]]:
        """The events of all pages; no page is asked for when the time is over."""
        last: int | None = None
        if is_over():
            raise UnreadError(last)
        before: Sequence[Any] = ()
        idle = 0
        # botocore's paginator gives up on a token that comes twice, and a page without events may still have a token.
        for page in pages(self._client.filter_log_events, seconds=math.inf, logGroupName=self._group, **parameters):
            was_over = is_over()
            events = member(page, "events", ACTION)
            yield from events
            idle = 0 if events and events != before else idle + 1
            if events:
                before, last = events, events[-1]["timestamp"]
            if was_over and page.get("nextToken"):
                if idle >= _IDLE_PAGES:
                    raise IncompleteAnswerError(operation=ACTION, member="last page: each has a token for another one")
                raise UnreadError(last)
