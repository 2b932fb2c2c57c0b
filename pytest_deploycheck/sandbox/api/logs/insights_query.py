"""The part of the query language of Logs Insights that the sandbox supports, applied to lines."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.world.logs.groups import StoredLine

Row = dict[str, str]
"""One result: the values by field."""


class Record(NamedTuple):
    """A line and the log group it is in.

    Attributes:
        line: The line.
        log: Account and name of the log group, as `@log` has them.
    """

    line: StoredLine
    log: str


Condition = Callable[[Record], bool]
"""The condition of a `filter` command."""


def _time(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03d}"


FIELDS: Mapping[str, Callable[[Record], str]] = {
    "@timestamp": lambda record: _time(record.line.timestamp),
    "@ingestionTime": lambda record: _time(record.line.arrives),
    "@message": lambda record: record.line.message,
    "@logStream": lambda record: record.line.stream,
    "@log": lambda record: record.log,
    "@ptr": lambda record: base64.b64encode(record.line.event_id.encode()).decode(),
}
"""The fields that every line has."""


@dataclass(frozen=True, slots=True)
class StatsCommand:
    """A `stats count(*)` command.

    Attributes:
        name: The name of the number.
        by: The fields by whose values the lines are counted.
    """

    name: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SortCommand:
    """A `sort` command.

    Attributes:
        field: The field to sort by.
        descending: Whether the largest comes first.
    """

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A parsed query.

    Attributes:
        fields: The fields that are shown, besides `@ptr`.
        conditions: The conditions that a line must meet.
        count: The command that counts the lines, if any.
        order: The order of the results.
        limit: The largest number of results; None leaves it to the caller.
    """

    fields: tuple[str, ...]
    conditions: tuple[Condition, ...]
    count: StatsCommand | None
    order: SortCommand
    limit: int | None

    def matches(self, record: Record) -> bool:
        """Return True if a line meets all conditions."""
        # A loop, as all() takes twice the time, and this runs for each line of a group.
        for condition in self.conditions:  # noqa: SIM110
            if not condition(record):
                return False
        return True

    def results(self, matched: Iterable[Record], most: int) -> list[Row]:
        """Return the results for the lines that match, at most `most` unless the query has a limit."""
        limit = self.limit or most
        if self.count:
            return _counted(self.count, self.order, matched)[:limit]
        shown = dict.fromkeys((*self.fields, "@ptr"))
        ordered = sorted(matched, key=_sort_key(self.order.field), reverse=self.order.descending)
        return [{name: FIELDS[name](record) for name in shown} for record in ordered[:limit]]


def _sort_key(name: str) -> Callable[[Record], tuple[int, int] | str]:
    # Formatting the time of each line of a large group would be slow.
    return (lambda record: record.line[:2]) if name == "@timestamp" else FIELDS[name]


def _counted(count: StatsCommand, order: SortCommand, matched: Iterable[Record]) -> list[Row]:
    numbers = Counter(tuple(FIELDS[name](record) for name in count.by) for record in matched)
    if not numbers and not count.by:
        numbers[()] = 0
    counted: Sequence[tuple[tuple[str, ...], int]] = list(numbers.items())
    if order.field == count.name:
        counted = sorted(counted, key=lambda item: item[1], reverse=order.descending)
    elif order.field in count.by:
        place = count.by.index(order.field)
        counted = sorted(counted, key=lambda item: item[0][place], reverse=order.descending)
    return [{**dict(zip(count.by, values, strict=True)), count.name: str(number)} for values, number in counted]
