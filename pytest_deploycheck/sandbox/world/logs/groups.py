"""The log groups, and when their lines become visible."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

LogClass = Literal["STANDARD", "INFREQUENT_ACCESS"]
"""The classes of log groups."""

_EVENT_OVERHEAD = 26
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StoredLine(NamedTuple):
    """A log event. Events sort by time, and those of one millisecond in the order in which they were logged.

    Attributes:
        timestamp: The time at which it was logged, in milliseconds since the epoch.
        number: Its number, which increases with each line that is logged.
        arrives: When it can be seen, in milliseconds since the epoch.
        stream: The log stream it is in.
        message: The message.
        size: The number of bytes that CloudWatch counts for it.
    """

    timestamp: int
    number: int
    arrives: int
    stream: str
    message: str
    size: int

    @property
    def event_id(self) -> str:
        """Its id, unique in the sandbox."""
        # A counter in front would sort lines by arrival: CloudWatch's ids begin with the event's time.
        return f"{self.timestamp:020d}{self.number:036d}"


@dataclass(slots=True)
class LogGroup:
    """A log group.

    Attributes:
        name: Its name.
        log_class: Its class: only queries of Logs Insights read one of infrequent access.
        streams: When the first line of each stream arrives, in milliseconds since the epoch.
        lines: All its lines, arrived or not, in order of time.
        logged: The same lines in the order in which they were logged.
    """

    name: str
    log_class: LogClass = "STANDARD"
    streams: dict[str, int] = field(default_factory=dict)
    lines: list[StoredLine] = field(default_factory=list)
    logged: list[StoredLine] = field(default_factory=list)

    def visible_streams(self, now: int) -> dict[str, int]:
        """Return the streams that exist at `now`, with the time at which each was created.

        A stream exists from the arrival of its first line on.
        """
        return {name: born for name, born in self.streams.items() if born <= now}

    def add(self, lines: list[StoredLine]) -> None:
        """Add lines, each at its place in the order of time."""
        self.logged += lines
        for line in lines:
            if line.arrives < self.streams.get(line.stream, line.arrives + 1):
                self.streams[line.stream] = line.arrives
        if len(lines) == 1:
            insort(self.lines, lines[0])
        else:
            self.lines += lines
            self.lines.sort()


@dataclass(slots=True)
class LogStore:
    """Every log group of the world.

    Attributes:
        groups: By region and name.
        newest: The number of the line that was logged last.
    """

    groups: dict[tuple[str, str], LogGroup] = field(default_factory=dict)
    newest: int = 0

    def open(self, region: str, name: str) -> LogGroup:
        """Return a log group; it is created if it does not exist."""
        return self.groups.setdefault((region, name), LogGroup(name))

    def add(self, group: LogGroup, stream: str, message: str, at: datetime, arrives: datetime) -> None:
        """Log a line that is visible from `arrives` on."""
        self.add_all(group, stream, [(milliseconds(at), milliseconds(arrives), message)])

    def add_all(self, group: LogGroup, stream: str, events: Iterable[tuple[int, int, str]]) -> None:
        """Log many lines, each given by its time and its arrival in milliseconds, and its message."""
        lines = [
            StoredLine(timestamp, number, arrives, stream, message, len(message.encode()) + _EVENT_OVERHEAD)
            for number, (timestamp, arrives, message) in enumerate(events, self.newest + 1)
        ]
        self.newest += len(lines)
        group.add(lines)


def milliseconds(at: datetime) -> int:
    """Return a moment in milliseconds since the epoch, as CloudWatch Logs counts."""
    # A product of floats would put one moment in two milliseconds, depending on who computes it.
    return (at - _EPOCH) // timedelta(milliseconds=1)
