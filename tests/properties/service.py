"""CloudWatch Logs in one process: a history of lines that arrive as late and as oddly as the real service lets them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import cached_property, lru_cache
from itertools import cycle
from math import ceil
from typing import Any

from botocore.exceptions import ClientError

SINCE = datetime(2025, 11, 26, 11, 5, tzinfo=UTC)
"""When the rollout began: the moment from which a history's milliseconds count."""

GROUP = "/ecs/shop"
REGION = "us-east-1"
OLD = "old"
"""The task that still runs the image of before."""

_MOST_REPEATS = 4
_PARAMETERS = {"logGroupName", "logStreamNames", "startTime", "endTime", "filterPattern", "limit", "nextToken"}
_QUOTED = re.compile(r'"([^"\\]+)"')
_EITHER = re.compile(r'\?"([^"\\]+)"(?: \?"([^"\\]+)")*')
_TERM = re.compile(r'\?"([^"\\]+)"')


class Quirk(Enum):
    """The behaviour of the service for one of its answers."""

    NONE = auto()
    EMPTY = auto()
    """No event, and a new token."""
    STALLED = auto()
    """No event, and the token that was asked with."""
    STUCK = auto()
    """The token that was asked with, behind which the next page is."""
    AGAIN = auto()
    """The token that was asked with, behind which the same page is."""
    OVERLAPPING = auto()
    """The last event comes again with the next page."""
    TRAILING = auto()
    """A token, even if nothing is behind it."""


_REPEATING = {Quirk.STALLED, Quirk.STUCK, Quirk.AGAIN}


@dataclass(frozen=True)
class Line:
    """A line of a task.

    Attributes:
        number: Which of the history's lines it is.
        task: Id of the task.
        written: When it was written, in milliseconds.
        delay: Milliseconds after which it becomes visible; less than 0 where the writer's clock is ahead.
        message: Its text.
        lag: Milliseconds from when the service took it in until it is visible.
    """

    number: int
    task: str
    written: int
    delay: int
    message: str
    lag: int = 0

    @property
    def id(self) -> str:
        """The service's own id for it."""
        return f"event-{self.number}"

    @property
    def arrives(self) -> int:
        """The time at which it becomes visible, in milliseconds."""
        return self.written + self.delay

    @property
    def taken_in(self) -> int:
        """The time at which the service ingested it, in milliseconds."""
        return self.arrives - self.lag

    @property
    def stream(self) -> str:
        """The stream it is in."""
        return stream_of(self.task)

    @cached_property
    def event(self) -> dict[str, Any]:
        """It, as the service tells it."""
        return {
            "logStreamName": self.stream,
            "timestamp": milliseconds(SINCE) + self.written,
            "message": self.message,
            "ingestionTime": milliseconds(SINCE) + self.taken_in,
            "eventId": self.id,
        }


@dataclass(frozen=True)
class History:
    """Everything that happens.

    Attributes:
        tasks: Ids of the tasks that run the new image.
        lines: What is said.
        is_ordered: Whether the lines of a stream are sent in order, each visible soon after the service took it in.
        is_routed: Whether only a part of the streams' names is known.
        page_size: Events on a page.
        quirks: What the service does with its answers, one after the other, again and again.
        latency: Milliseconds that a call takes before the service looks, and after.
        throttles: Which calls are throttled, one after the other, again and again.
        throttled_until: Until when, in milliseconds.
        joins: When the last task is first seen to run, in milliseconds, or None where it was from the start.
        leaves: When the first task is no longer seen to run, in milliseconds, or None where it stays.
    """

    tasks: tuple[str, ...]
    lines: tuple[Line, ...]
    is_ordered: bool = False
    is_routed: bool = False
    page_size: int = 10_000
    quirks: tuple[Quirk, ...] = ()
    latency: tuple[int, int] = (0, 0)
    throttles: tuple[bool, ...] = (False,)
    throttled_until: float = 0
    joins: int | None = None
    leaves: int | None = None

    @property
    def is_throttled(self) -> bool:
        """True if calls may be throttled."""
        return self.throttled_until > 0 and any(self.throttles)

    def tasks_at(self, moment: float) -> tuple[str, ...]:
        """Ids of the tasks that are seen to run the new image at a moment, in milliseconds."""
        gone = self.tasks[:1] if self.leaves is not None and moment >= self.leaves else ()
        unborn = self.tasks[-1:] if self.joins is not None and moment < self.joins else ()
        return tuple(task for task in self.tasks if task not in gone + unborn)


@dataclass
class SimulatedTime:
    """Time that passes only when it is slept through or when a call takes it, in whole microseconds."""

    microseconds: int = 0

    def monotonic(self) -> float:
        """Seconds since the rollout."""
        return self.microseconds / 1e6

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self.microseconds += ceil(seconds * 1e6)

    def now(self) -> datetime:
        """The time by the servers' clock."""
        return SINCE + timedelta(microseconds=self.microseconds)

    @property
    def milliseconds(self) -> float:
        """Milliseconds since the rollout."""
        return self.microseconds / 1000


@dataclass(eq=False)
class _Reading:
    """The events that were visible when a first page was requested, and how far they were delivered."""

    asked: Mapping[str, Any]
    lines: list[Line]
    position: int = 0
    repeats: int = 0


@dataclass
class SimulatedLogs:
    """The client of the service; behaves as botocore's.

    Attributes:
        history: What happens.
        time: When it is.
        calls: How many calls were made.
        throttled: How many of them were throttled.
    """

    history: History
    time: SimulatedTime
    calls: int = 0
    throttled: int = 0
    _readings: dict[str, _Reading] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # With an honest answer among them the pages come to an end.
        self._quirks = cycle((*self.history.quirks, Quirk.NONE))
        self._throttles = cycle(self.history.throttles)
        self._lines = sorted(self.history.lines, key=lambda line: (line.written, line.number))

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        """A page of what is visible."""
        before, after = self.history.latency
        self.calls += 1
        self.time.sleep(before / 1000)
        try:
            return self._answer(asked)
        finally:
            self.time.sleep(after / 1000)

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        _check(asked)
        if self.time.milliseconds < self.history.throttled_until and next(self._throttles):
            self.throttled += 1
            raise refusal("ThrottlingException", "Rate exceeded")
        token = asked.pop("nextToken", None)
        reading = self._readings[token] if token else self._begin(asked)
        assert reading.asked == asked, "what is asked for must not change between pages"
        return self._page(reading, token)

    def _begin(self, asked: Mapping[str, Any]) -> _Reading:
        now = self.time.milliseconds
        visible = [line for line in self._lines if line.arrives <= now]
        names = asked.get("logStreamNames")
        if names and not {line.stream for line in visible}.issuperset(names):
            raise refusal("ResourceNotFoundException", "The specified log stream does not exist.")
        start = asked.get("startTime", 0) - milliseconds(SINCE)
        end = asked.get("endTime", 10**15) - milliseconds(SINCE)
        terms = _terms(asked.get("filterPattern"))
        lines = [
            line
            for line in visible
            if start <= line.written <= end
            and (not names or line.stream in names)
            and (not terms or any(term in line.message for term in terms))
        ]
        return _Reading(asked, lines)

    def _page(self, reading: _Reading, token: str | None) -> dict[str, Any]:
        quirk = next(self._quirks)
        if quirk in _REPEATING and (token is None or reading.repeats == _MOST_REPEATS):
            quirk = Quirk.NONE
        if quirk is Quirk.EMPTY:
            return _page([], self._token(reading))
        if quirk is Quirk.STALLED:
            reading.repeats += 1
            return _page([], token)
        first, size = reading.position, min(self.history.page_size, reading.asked.get("limit", 10_000))
        lines = reading.lines[first : first + size]
        if quirk is not Quirk.AGAIN:
            reading.position += size
        is_over = reading.position >= len(reading.lines)
        if quirk is Quirk.OVERLAPPING and size > 1 and not is_over:
            reading.position -= 1
        if is_over and quirk is not Quirk.TRAILING:
            return _page(lines, None)
        if quirk in _REPEATING:
            reading.repeats += 1
            return _page(lines, token)
        return _page(lines, self._token(reading))

    def _token(self, reading: _Reading) -> str:
        token = f"token-{len(self._readings)}"
        reading.repeats = 0
        self._readings[token] = reading
        return token


@dataclass
class SimulatedSession:
    """The way in to the service."""

    client: SimulatedLogs

    def logs(self, region: str) -> SimulatedLogs:
        """The client for log groups in a region."""
        assert region == REGION
        return self.client

    def log_throttles(self, region: str) -> int:
        """The number of calls that were throttled."""
        assert region == REGION
        return self.client.throttled


class PlainTail:
    """A tail that goes on from the newest time it has seen, as `aws logs tail --follow` does.

    Args:
        client: The client of the service.

    Attributes:
        ids: The ids of the events it has seen.
    """

    def __init__(self, client: SimulatedLogs) -> None:
        self._client = client
        self._newest = milliseconds(SINCE)
        self.ids: set[str] = set()

    def look(self) -> None:
        """Read what is new."""
        asked: dict[str, Any] = {"logGroupName": GROUP, "startTime": self._newest}
        while True:
            page = self._client.filter_log_events(**asked)
            for event in page["events"]:
                self._newest = max(self._newest, event["timestamp"])
                self.ids.add(event["eventId"])
            if "nextToken" not in page:
                return
            asked["nextToken"] = page["nextToken"]


def stream_of(task: str) -> str:
    """The stream into which a task writes."""
    return f"ecs/app/{task}"


def milliseconds(moment: datetime) -> int:
    """A moment as the service takes it."""
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def refusal(code: str, message: str) -> ClientError:
    """The error that botocore raises when the service refuses a call."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "FilterLogEvents")


def _check(asked: Mapping[str, Any]) -> None:
    assert asked.keys() <= _PARAMETERS
    assert asked["logGroupName"] == GROUP
    assert 1 <= len(asked.get("logStreamNames", [GROUP])) <= 100
    assert 1 <= asked.get("limit", 1) <= 10_000


@lru_cache
def _terms(pattern: str | None) -> tuple[str, ...]:
    if pattern is None:
        return ()
    if quoted := _QUOTED.fullmatch(pattern):
        return (quoted[1],)
    if _EITHER.fullmatch(pattern):
        return tuple(_TERM.findall(pattern))
    raise refusal("InvalidParameterException", f"Invalid filter pattern: {pattern}")


def _page(lines: list[Line], token: str | None) -> dict[str, Any]:
    page: dict[str, Any] = {"events": [line.event for line in lines], "searchedLogStreams": []}
    return page | {"nextToken": token} if token else page


def sent_in_order(lines: list[Line], lags: tuple[int, ...]) -> list[Line]:
    """Return lines as one writer for each stream sends them: none is taken in before an earlier one of its stream.

    Args:
        lines: The lines, whose delays tell when each would be taken in on its own.
        lags: Milliseconds until a line is visible once it was taken in, one after the other.
    """
    taken_in: dict[str, int] = {}
    found = []
    for place, line in enumerate(sorted(lines, key=lambda line: (line.written, line.number))):
        moment = taken_in[line.task] = max(line.arrives, taken_in.get(line.task, line.arrives))
        lag = lags[place % len(lags)]
        found.append(replace(line, delay=moment + lag - line.written, lag=lag))
    return found
