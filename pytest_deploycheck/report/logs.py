"""What to show of the logs when they did not say what was expected."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.facts.log import LogEvent, LogSight
from pytest_deploycheck.judge.expectations import shown
from pytest_deploycheck.judge.wording import at, plural
from pytest_deploycheck.safe import one_line

LAST_LINES = 10
"""Lines of the log that a failure shows."""


def looked_at(sight: LogSight) -> list[str]:
    """Which tasks, streams and window were looked at, a line each."""
    scope = sight.scope
    lines = [f"window   from {at(scope.since)}, {plural(len(sight.events), 'event')} seen"]
    if not scope.tasks:
        lines.append("tasks    none runs the image meant")
    groups = {stream.name: f"{stream.group} ({stream.region})" for stream in scope.streams}
    for task in scope.tasks:
        number = sum(event.task == task for event in sight.events)
        lines.append(f"task     {task}: {plural(number, 'event')}")
        lines += [f"stream   {groups[stream.name]} {stream.name}" for stream in scope.streams if stream.task == task]
    lines += [f"no logs  {reason}" for reason in scope.blind]
    lines += [f"unread   {problem.message}" for problem in (*scope.problems, *sight.problems)]
    return lines


def last_words(task: str, events: Sequence[LogEvent]) -> str:
    """The last lines of a task that stopped."""
    lines = [f"  {at(event.timestamp)} {one_line(event.message.rstrip(), 300)}" for event in events[-LAST_LINES:]]
    return "\n".join([f"last lines of task {task}:", *(lines or ["  (none)"])])


def last_lines(events: Sequence[LogEvent], number: int = LAST_LINES) -> list[str]:
    """The last lines seen, fit to be shown."""
    if not events:
        return ["(no line was seen)"]
    return [f"  {shown(event)}" for event in events[-number:]]


def explain(what: str, sight: LogSight, *, elsewhere: Sequence[LogEvent] = ()) -> str:
    """The whole account of a look at the logs.

    Args:
        what: The expectation and what became of it, a sentence.
        sight: What was read.
        elsewhere: Matching events of tasks that run something else.
    """
    lines = [what, *looked_at(sight), "last lines seen:", *last_lines(sight.events)]
    if elsewhere:
        lines += ["said by tasks that run something else, which does not count:", *last_lines(elsewhere, 3)]
    return "\n".join(lines)
