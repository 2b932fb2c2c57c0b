"""The operation FilterLogEvents, page by page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from pytest_deploycheck.sandbox.api.logs.filter_patterns import parse_filter_pattern
from pytest_deploycheck.sandbox.api.logs.groups import missing, requested_group, require_standard
from pytest_deploycheck.sandbox.api.responses import Json, Operation, invalid, make_token, read_token
from pytest_deploycheck.sandbox.world.logs.groups import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_deploycheck.sandbox.world.logs.groups import StoredLine
    from pytest_deploycheck.sandbox.world.world import World

_MOST_STREAMS = 100
_MOST_EVENTS = 10_000
_MOST_BYTES = 1_048_576


class _PageStart(NamedTuple):
    """The position of a reading of several pages, and the events that it may see.

    Attributes:
        reading: The id of the reading, which makes the tokens of two readings differ.
        now: The time of the reading: events that arrived later are not part of it.
        newest: The number of the newest line that is part of it.
        timestamp: The time of the next line.
        number: The number of the next line.
        after_empty: Whether the empty page before this one was answered.
    """

    reading: str
    now: int
    newest: int
    timestamp: int = 0
    number: int = 0
    after_empty: bool = False

    @property
    def token(self) -> str:
        """The token for this position."""
        return make_token(self._asdict())

    def at(self, line: StoredLine) -> _PageStart:
        """Return the position before a line."""
        return self._replace(timestamp=line.timestamp, number=line.number, after_empty=False)


def filter_log_events(world: World, region: str, request: Json) -> Json:
    """Operation FilterLogEvents."""
    group = requested_group(world, region, request)
    require_standard(group, "FilterLogEvents")
    limit = _checked_limit(request)
    now = milliseconds(world.account.now())
    streams = group.visible_streams(now)
    if any(name not in streams for name in request.get("logStreamNames") or ()):
        raise missing("log stream")
    paging = world.paging
    token: str = request.get("nextToken") or ""
    # The token fixes the lines of a reading: one that arrives between two pages must not shift the second.
    place = _read_place(token) if token else _PageStart(uuid4().hex, now, world.logs.newest)
    is_repeated = bool(token) and paging.repeated[token] < paging.repeat_token
    if is_repeated:
        paging.repeated[token] += 1
        if not paging.repeat_page:
            return _answer([], token)
    elif paging.empty_pages and not place.after_empty:
        return _answer([], place._replace(after_empty=True).token)
    first = max(
        bisect_left(group.lines, request.get("startTime", 0), key=lambda line: line.timestamp),
        bisect_left(group.lines, (place.timestamp, place.number), key=lambda line: (line.timestamp, line.number)),
    )
    end = (
        bisect_right(group.lines, request["endTime"], key=lambda line: line.timestamp)
        if "endTime" in request
        else len(group.lines)
    )
    events, following = _page(group.lines, range(first, end), _condition(request, place), min(limit, paging.size))
    if is_repeated:
        return _answer(events, token)
    if following is None:
        return _answer(events)
    # At least one event of a page must be new, or the reading would never end.
    overlap = min(paging.overlap, len(events) - 1)
    return _answer(events, place.at(events[-overlap] if overlap else following).token)


OPERATIONS: Mapping[str, Operation] = {"FilterLogEvents": filter_log_events}
"""The operations, by name."""


def _checked_limit(request: Json) -> int:
    limit: int = request.get("limit", _MOST_EVENTS)
    names = request.get("logStreamNames") or ()
    if names and request.get("logStreamNamePrefix"):
        raise invalid("logStreamNames and logStreamNamePrefix are mutually exclusive")
    if len(names) > _MOST_STREAMS:
        raise invalid(f"logStreamNames must have length less than or equal to {_MOST_STREAMS}")
    if not 1 <= limit <= _MOST_EVENTS:
        raise invalid(f"limit must be between 1 and {_MOST_EVENTS}")
    return limit


def _read_place(token: str) -> _PageStart:
    try:
        return _PageStart(**read_token(token))
    except TypeError as error:
        raise invalid("The specified nextToken is invalid.") from error


def _condition(request: Json, place: _PageStart) -> Callable[[StoredLine], bool]:
    names = frozenset(request.get("logStreamNames") or ())
    prefix = request.get("logStreamNamePrefix", "")
    pattern = parse_filter_pattern(request.get("filterPattern", ""))
    now, newest = place.now, place.newest

    def is_requested(line: StoredLine) -> bool:
        return (
            line.arrives <= now
            and line.number <= newest
            and (not names or line.stream in names)
            and (not prefix or line.stream.startswith(prefix))
            and pattern.matches(line.message)
        )

    return is_requested


def _page(
    lines: Sequence[StoredLine], window: range, is_requested: Callable[[StoredLine], bool], most: int
) -> tuple[list[StoredLine], StoredLine | None]:
    """Return the lines of a page, and the line after them, if any."""
    found: list[StoredLine] = []
    size = 0
    for index in window:
        line = lines[index]
        if not is_requested(line):
            continue
        size += line.size
        if len(found) == most or (found and size > _MOST_BYTES):
            return found, line
        found.append(line)
    return found, None


def _answer(events: Sequence[StoredLine], token: str = "") -> Json:
    answer: Json = {"events": [_event(line) for line in events], "searchedLogStreams": []}
    return answer | {"nextToken": token} if token else answer


def _event(line: StoredLine) -> Json:
    return {
        "logStreamName": line.stream,
        "timestamp": line.timestamp,
        "message": line.message,
        "ingestionTime": line.arrives,
        "eventId": line.event_id,
    }
