"""The part of the logs that a finding carries, small enough to travel with a test's report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.facts.log import LogEvent, LogSight
from pytest_deploycheck.judge.analysis.logs.near_miss import NearMiss
from pytest_deploycheck.judge.analysis.logs.reading import Reading
from pytest_deploycheck.judge.wording import at
from pytest_deploycheck.redaction import one_line

LAST_LINES = 10
"""Lines of the log that a failure shows."""

_LONGEST = 300


class LogLine(Struct, frozen=True):
    """A log line as it is shown: masked, on one line, and not too long."""

    at: datetime
    task: str
    text: str

    def __str__(self) -> str:
        return f"{at(self.at)} {self.task} {self.text}"


class NearLine(Struct, frozen=True):
    """The line most like an expected one.

    Attributes:
        line: The line.
        expected: The expected text, as it is shown.
        seen: The part of the line that was compared.
        marks: Both, one below the other, with carets under what the other has not.
        differing: The number of characters by which they differ.
    """

    line: LogLine
    expected: str
    seen: str
    marks: tuple[str, ...]
    differing: int


class StreamName(Struct, frozen=True):
    """The stream to which a task logs, as it is shown."""

    task: str
    group: str
    region: str
    name: str


class LogEvidence(Struct, frozen=True):
    """The part of the logs that was read, for a report.

    Attributes:
        since: Start of the window (UTC).
        tasks: Ids of the new tasks, with the number of their lines among the last ones.
        replaced: Ids of the tasks that ran the expected image and were replaced.
        streams: The streams that were read.
        matches: The number of events that have what was asked for.
        per_task: Their number by task, where each task must have them.
        recent: The number of last lines that were read.
        is_recent_all: Whether these are all lines of the window.
        last_lines: The last of them.
        near_misses: The lines most like the expected ones.
        elsewhere: Matching lines of tasks that run something else.
        blind: Why the logs of some containers cannot be read.
        problems: Why some of the logs were not read.
        notes: What limited the reading.
    """

    since: datetime
    tasks: Mapping[str, int]
    replaced: tuple[str, ...] = ()
    streams: tuple[StreamName, ...] = ()
    matches: int = 0
    per_task: Mapping[str, int] | None = None
    recent: int = 0
    is_recent_all: bool = False
    last_lines: tuple[LogLine, ...] = ()
    near_misses: tuple[NearLine, ...] = ()
    elsewhere: tuple[LogLine, ...] = ()
    blind: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def evidence_of(
    sight: LogSight,
    *,
    expectation: Expectation | None = None,
    reading: Reading | None = None,
    near_misses: Sequence[NearMiss] = (),
    elsewhere: Sequence[LogEvent] = (),
) -> LogEvidence:
    """Return what was read of the logs, for a report.

    Args:
        sight: What was read.
        expectation: What was expected, if anything.
        reading: The answer to it.
        near_misses: The lines most like the expected ones.
        elsewhere: Matching events of tasks that run something else.
    """
    scope = sight.scope
    recent = Counter(event.task for event in sight.recent)
    matches = Counter(event.task for event in reading.events) if reading else Counter()
    is_per_task = expectation is not None and expectation.tasks == "all"
    return LogEvidence(
        since=scope.since,
        tasks={task: recent[task] for task in scope.tasks},
        replaced=tuple(dict.fromkeys(one.task for one in scope.streams if one.task not in scope.tasks)),
        streams=tuple(
            StreamName(one.task, one.group, one.region, f"{'*' if one.is_part else ''}{one.name}")
            for one in scope.streams
        ),
        matches=len(sight.events),
        per_task={task: matches[task] for task in scope.tasks} if is_per_task else None,
        recent=len(sight.recent),
        is_recent_all=sight.is_recent_all,
        last_lines=tuple(map(log_line, sight.recent[-LAST_LINES:])),
        near_misses=tuple(map(_near_line, near_misses)),
        elsewhere=tuple(map(log_line, elsewhere[-3:])),
        blind=scope.blind,
        problems=tuple(dict.fromkeys(problem.message for problem in (*scope.problems, *sight.problems))),
        notes=sight.notes,
    )


def log_line(event: LogEvent) -> LogLine:
    """An event as it is shown."""
    return LogLine(event.timestamp, event.task, one_line(event.text.rstrip(), _LONGEST))


def _near_line(miss: NearMiss) -> NearLine:
    return NearLine(log_line(miss.event), miss.expected, miss.seen, miss.marks, miss.differing)
