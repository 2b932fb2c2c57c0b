"""The part of a report that shows what was read of the logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_deploycheck.judge.analysis.logs.evidence import LAST_LINES, LogEvidence, LogLine, log_line
from pytest_deploycheck.judge.finding import TaskLines
from pytest_deploycheck.judge.wording import at, plural

ReadLines = Callable[[LogEvidence], list[str]]
"""Returns the lines on what was read of the logs."""


def reading(evidence: LogEvidence) -> list[str]:
    """Return the lines on what was read, and the last lines seen."""
    return ["read:", *where_read(evidence), *last_seen(evidence.last_lines)]


def account_of(evidence: LogEvidence, read: ReadLines = reading) -> str:
    """The account of a reading of the logs: the nearest lines, where the logs were read, and the last lines.

    Args:
        evidence: What was read.
        read: Returns the lines on where the logs were read, and the last lines.
    """
    lines = nearest_lines(evidence)
    if evidence.per_task:
        lines.append(f"per task {', '.join(f'{task}: {number}' for task, number in evidence.per_task.items())}")
    if _tells_something(evidence):
        lines += read(evidence)
    if evidence.elsewhere:
        lines += ["logged by tasks that run something else, which does not count:", *last_lines(evidence.elsewhere)]
    return "\n".join(lines)


def _tells_something(evidence: LogEvidence) -> bool:
    """Tell if there is more to say of a reading than that no task runs the expected image, which its check states."""
    return bool(
        evidence.tasks
        or evidence.replaced
        or evidence.blind
        or evidence.problems
        or evidence.notes
        or evidence.last_lines
    )


def nearest_lines(evidence: LogEvidence) -> list[str]:
    """The lines most like what was expected, with the difference marked; nothing where none is like it."""
    return [
        line
        for miss in evidence.near_misses
        for line in [f"nearest miss: {at(miss.line.at)} {miss.line.task}", *(f"  {mark}" for mark in miss.marks)]
    ]


def where_read(evidence: LogEvidence) -> list[str]:
    """The window, tasks and streams that were read, a line each."""
    lines = [f"window   from {at(evidence.since)}, {_events_seen(evidence)}"]
    if not evidence.tasks:
        lines.append("tasks    none runs the expected image")
    among = "" if evidence.is_recent_all else " among the last"
    for task, number in evidence.tasks.items():
        lines.append(f"task     {task}: {plural(number, 'event')}{among}")
        lines += [
            f"stream   {stream.group} ({stream.region}) {stream.name}"
            for stream in evidence.streams
            if stream.task == task
        ]
    lines += [f"replaced {task}" for task in evidence.replaced]
    lines += [f"no logs  {reason}" for reason in evidence.blind]
    lines += [f"unread   {message}" for message in evidence.problems]
    lines += [f"note     {note}" for note in evidence.notes]
    return lines


def last_lines_of(one: TaskLines) -> list[str]:
    """Return the last log lines of one task, below a heading."""
    lines = [f"  {at(line.at)} {line.text}" for line in map(log_line, one.events[-LAST_LINES:])]
    return [f"last log lines of task {one.task}:", *(lines or ["  (none)"])]


def last_seen(lines: Iterable[LogLine]) -> list[str]:
    """Return the last lines seen, below a heading."""
    return ["last lines seen:", *last_lines(lines)]


def last_lines(lines: Iterable[LogLine]) -> list[str]:
    """The last lines, fit to be shown."""
    return [f"  {at(line.at)} {line.task} {line.text}" for line in lines] or ["(no line was seen)"]


def _events_seen(evidence: LogEvidence) -> str:
    """The number of events that were seen of the window."""
    if evidence.is_recent_all or not evidence.recent:
        return f"{plural(evidence.recent, 'event')} seen"
    return f"the last {evidence.recent} events seen, and {plural(evidence.matches, 'match')} in all of it"
