"""The answers that a log tail gives, and the record of what it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from msgspec import Struct, field

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.facts.log import LogEvent, LogSight
from pytest_deploycheck.judge.record import AskedLogs
from pytest_deploycheck.judge.wording import at, plural


class Absence:
    """The answer whether a pattern is absent from the logs: true when it is, false when it was logged.

    Attributes:
        pattern: What was looked for.
        events: The events that have it.
        until: The moment up to which it is known to be absent: later events may still be on their way. None where it
            was logged.
    """

    def __init__(self, pattern: Pattern, events: Sequence[LogEvent], until: datetime | None) -> None:
        self.pattern = pattern
        self.events = tuple(events)
        self.until = until

    def __bool__(self) -> bool:
        return not self.events

    def __repr__(self) -> str:
        if self:
            return f"<{self.pattern} is absent up to {at(self.until)}>"
        return f"<{self.pattern} was logged {plural(len(self.events), 'time')}: {self.events[0]!r}>"


class Count(int):
    """A number of events, and up to when it is known.

    Attributes:
        until: The moment up to which every event that was written is counted: later ones may still be on their way.
    """

    until: datetime | None

    def __new__(cls, number: int, until: datetime | None) -> Self:
        """Make the number; it is compared and computed with like any other."""
        self = super().__new__(cls, number)
        self.until = until
        return self


class QuestionRecord(Struct):
    """The questions asked of a log tail and of its captures so far.

    Attributes:
        sight: What was read last.
        why: Why the last question was answered with no, where it was.
        questions: The number of questions.
        answers: The number of those that were asked with at least one event seen.
        longest_no: Seconds that the longest wait for a line took that was not logged, so that `in` was false.
        asked: What was asked and read, as far as a report records it.
    """

    sight: LogSight
    why: str = ""
    questions: int = 0
    answers: int = 0
    longest_no: float = 0.0
    asked: list[AskedLogs] = field(default_factory=list)

    def note(self, sight: LogSight) -> None:
        """Note what was read for a question."""
        self.sight = sight
        self.why = ""
        self.count(has_events=bool(sight.tasks_with_events))

    def count(self, *, has_events: bool) -> None:
        """Count a question."""
        self.questions += 1
        self.answers += has_events
