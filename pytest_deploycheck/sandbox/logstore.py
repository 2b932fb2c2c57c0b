"""The log groups of the sandbox's world, and when which of their lines can be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log.

    Attributes:
        stream: The log stream it is in.
        timestamp: When it was said, in milliseconds since the epoch.
        arrives: When it can be seen, in milliseconds since the epoch.
        message: What it says.
        event_id: Its id, unique in the world.
    """

    stream: str
    timestamp: int
    arrives: int
    message: str
    event_id: str


@dataclass(slots=True)
class LogGroup:
    """A log group.

    Attributes:
        name: Its name.
        created_at: When it was made, in milliseconds since the epoch.
        streams: When each stream made by hand was made, in milliseconds since the epoch.
        lines: Everything ever said in it, arrived or not.
    """

    name: str
    created_at: int
    streams: dict[str, int] = field(default_factory=dict)
    lines: list[LogLine] = field(default_factory=list)

    def arrived(self, now: int) -> list[LogLine]:
        """Return the lines that can be seen at `now`, in order of time."""
        return sorted(
            (line for line in self.lines if line.arrives <= now),
            key=lambda line: (line.timestamp, line.event_id),
        )

    def visible_streams(self, now: int) -> dict[str, int]:
        """Return the streams there are at `now`, with the time each was made.

        A stream is born with the first line that arrives in it.
        """
        born = dict(self.streams)
        for line in self.lines:
            if line.arrives <= now:
                born[line.stream] = min(line.arrives, born.get(line.stream, line.arrives))
        return born


@dataclass(slots=True)
class LogStore:
    """Every log group of the world.

    Attributes:
        groups: By region and name.
    """

    groups: dict[tuple[str, str], LogGroup] = field(default_factory=dict)
    _lines: int = 0

    def open(self, region: str, name: str, at: datetime) -> LogGroup:
        """Return a log group; it is made if it is not there."""
        return self.groups.setdefault((region, name), LogGroup(name, milliseconds(at)))

    def add(self, group: LogGroup, stream: str, message: str, at: datetime, arrives: datetime) -> None:
        """Say a line which can be seen from `arrives` on."""
        self._lines += 1
        timestamp = milliseconds(at)
        # A counter in front would sort lines by arrival: CloudWatch's ids begin with the event's time.
        event_id = f"{timestamp:020d}{self._lines:036d}"
        group.lines.append(LogLine(stream, timestamp, milliseconds(arrives), message, event_id))


def milliseconds(at: datetime) -> int:
    """Return a moment in milliseconds since the epoch, as CloudWatch Logs counts."""
    return int(at.timestamp() * 1000)
