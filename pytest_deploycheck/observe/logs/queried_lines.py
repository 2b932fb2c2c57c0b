"""The raw lines of a log group that only Logs Insights reads, as those of the class INFREQUENT_ACCESS."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_deploycheck.facts.log import LogStream
from pytest_deploycheck.observe.calls import member
from pytest_deploycheck.observe.logs.events import milliseconds
from pytest_deploycheck.observe.logs.filtered_lines import IsOver, Line, PageRequest, UnreadError
from pytest_deploycheck.observe.logs.insights import COMPLETE, OPEN, PACE, narrowed
from pytest_deploycheck.polling import SystemClock, wait

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

QUERIES_SETTLE = 130.0
"""Seconds after which a query finds an event for certain, the time for which its rows are kept included."""

_KEPT_FOR = 10.0
"""Seconds for which the rows of a query answer further readings, as AWS charges every query."""

_MOST_ROWS = 10_000
_MOST_IN_ALL = 100_000
_ACTION = "logs:StartQuery"


class _Rows(Struct, frozen=True):
    """The lines that a query found.

    Attributes:
        streams: The streams that were asked for.
        start: The start of the window, in milliseconds since 1970.
        lines: The lines, by time.
        read_at: When the query began, by the machine's clock.
    """

    streams: frozenset[LogStream]
    start: int
    lines: Sequence[Line]
    read_at: float


class QueriedLines:
    """Reads a log group by queries of Logs Insights.

    Args:
        client: The client for the group's region.
        group: The group's name.
        now: The time by the servers' clock (UTC).

    Attributes:
        queries: The number of queries so far.
    """

    def __init__(self, client: CloudWatchLogsClient, group: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._group = group
        self._now = now
        self._clock = SystemClock()
        self._kept: dict[frozenset[LogStream], _Rows] = {}
        self.queries = 0

    def read(self, streams: Sequence[LogStream], request: PageRequest, is_over: IsOver) -> Iterator[Line]:
        """The lines of some streams, by time; of all patterns, as control sequences may interrupt a text.

        Raises:
            UnreadError: The time was over, or there are more rows than should be read.
        """
        asked = frozenset(streams)
        rows = self._kept_rows(asked, request.start)
        if rows is None:
            read_at = self._clock.monotonic()
            found = list(self._query_all(streams, request.start, is_over))
            rows = self._kept[asked] = _Rows(asked, request.start, found, read_at)
        for stream, line in rows.lines:
            is_in_window = request.start <= line["timestamp"] and (not request.end or line["timestamp"] <= request.end)
            if stream in asked and is_in_window:
                yield stream, line

    def _kept_rows(self, asked: frozenset[LogStream], start: int) -> _Rows | None:
        """The rows of a query that are young enough, and of these streams and this window at least."""
        oldest = self._clock.monotonic() - _KEPT_FOR
        fitting = (
            rows
            for rows in self._kept.values()
            if rows.read_at > oldest and asked <= rows.streams and rows.start <= start
        )
        return next(fitting, None)

    def _query_all(self, streams: Sequence[LogStream], start: int, is_over: IsOver) -> Iterator[Line]:
        """The lines of as many queries as the rows need."""
        seen: set[str] = set()
        while True:
            lines = self._query(streams, start, is_over)
            new = [line for line in lines if line["eventId"] not in seen]
            seen.update(line["eventId"] for line in new)
            for line in new:
                stream = next((one for one in streams if one.is_named(line["logStreamName"])), None)
                if stream:
                    yield stream, line
            if len(lines) < _MOST_ROWS or not new:
                return
            start = lines[-1]["timestamp"]
            if len(seen) >= _MOST_IN_ALL or is_over():
                raise UnreadError(start)

    def _query(self, streams: Sequence[LogStream], start: int, is_over: IsOver) -> list[Mapping[str, Any]]:
        """The lines of one query, by time."""
        text = f"{narrowed(streams)} | fields @timestamp, @ingestionTime, @message, @logStream | sort @timestamp asc"
        self.queries += 1
        begun = self._client.start_query(
            logGroupName=self._group,
            startTime=start // 1000,
            endTime=milliseconds(self._now()) // 1000 + 1,
            queryString=f"{text} | limit {_MOST_ROWS}",
        )
        query = member(begun, "queryId", _ACTION)
        answer = wait(
            lambda: self._client.get_query_results(queryId=query),
            lambda answer: member(answer, "status", "logs:GetQueryResults") not in OPEN or is_over(),
            timeout=math.inf,
            clock=self._clock,
            pace=PACE,
        ).last
        if answer["status"] != COMPLETE:
            raise UnreadError(None)
        return [line for line in _lines(member(answer, "results", _ACTION)) if line["timestamp"] >= start]


def _lines(rows: Sequence[Any]) -> list[Mapping[str, Any]]:
    """The rows of a query as FilterLogEvents would return them, with ids that the next query gives them too."""
    times: Counter[tuple[str, int, str]] = Counter()
    lines: list[Mapping[str, Any]] = []
    for row in rows:
        values = {field["field"]: field.get("value", "") for field in row}
        timestamp, message = _milliseconds(values["@timestamp"]), values.get("@message", "")
        key = (values["@logStream"], timestamp, message)
        times[key] += 1
        lines.append(
            {
                "logStreamName": values["@logStream"],
                "timestamp": timestamp,
                "ingestionTime": _milliseconds(values.get("@ingestionTime") or values["@timestamp"]),
                "message": message,
                "eventId": f"{values['@logStream']}/{timestamp}/{hash(message)}/{times[key]}",
            }
        )
    return lines


def _milliseconds(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))
