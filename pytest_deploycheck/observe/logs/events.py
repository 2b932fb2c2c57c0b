"""Log events made of what CloudWatch returns: readable, with the pieces of a cut line joined."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_deploycheck.facts.log import LogEvent, LogStream
from pytest_deploycheck.facts.log_text import Part, Readable, readable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MOST_LINES = 1000
"""Cut lines of which the pieces are remembered; the oldest are forgotten first."""


class EventReader:
    """Makes the events of one log group."""

    def __init__(self) -> None:
        self._pieces: OrderedDict[tuple[LogStream, str], dict[int, Mapping[str, Any]]] = OrderedDict()

    def texts(self, line: Mapping[str, Any], stream: LogStream) -> tuple[Readable, tuple[str, ...]]:
        """Return the readable text of a line, and the texts that patterns are compared with."""
        message = line.get("message", "")
        read = readable(message, is_routed=stream.is_routed)
        if read.part:
            read = Readable(self._joined(line, stream, read.part), is_wrapped=True, part=read.part)
        return read, read.compared(message)

    def event(self, line: Mapping[str, Any], stream: LogStream, read: Readable) -> LogEvent:
        """The event of a line; of a cut line, that of all its pieces so far."""
        lines = [line]
        if read.part:
            lines = [piece for _, piece in sorted(self._pieces[stream, read.part.line].items())]
        first = lines[0]
        return LogEvent(
            id=f"partial-{read.part.line}" if read.part else line["eventId"],
            timestamp=moment(first["timestamp"]),
            ingested_at=moment(max(each.get("ingestionTime", each["timestamp"]) for each in lines)),
            message="\n".join(each.get("message", "") for each in lines),
            task=stream.task,
            stream=line["logStreamName"],
            text=read.text,
            is_wrapped=read.is_wrapped,
        )

    def _joined(self, line: Mapping[str, Any], stream: LogStream, part: Part) -> str:
        pieces = self._pieces.setdefault((stream, part.line), {})
        pieces[part.ordinal] = line
        if len(self._pieces) > _MOST_LINES:
            self._pieces.popitem(last=False)
        return "".join(readable(piece["message"], is_routed=True).text for _, piece in sorted(pieces.items()))


def milliseconds(at: datetime) -> int:
    """A moment as CloudWatch counts: in milliseconds since 1970."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def floored(at: datetime) -> datetime:
    """A moment cut to milliseconds: an event that was written in the same one is not before it."""
    return moment(milliseconds(at))


def moment(count: int) -> datetime:
    """The moment of a number of milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=count)


def in_order(events: list[LogEvent]) -> tuple[LogEvent, ...]:
    """Events by their times, each once: of a cut line the longest text counts."""
    distinct: dict[str, LogEvent] = {}
    for event in events:
        known = distinct.get(event.id)
        if known is None or len(event.message) > len(known.message):
            distinct[event.id] = event
    return tuple(sorted(distinct.values(), key=lambda event: (event.timestamp, event.id)))
