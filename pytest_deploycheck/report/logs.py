"""What to show of the logs when they did not say what was expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.facts.log import LogEvent, LogSight
from pytest_deploycheck.judge.analysis.near_miss import nearest_miss
from pytest_deploycheck.judge.checks.logs import events_seen, shown
from pytest_deploycheck.judge.wording import at, plural
from pytest_deploycheck.redaction import one_line

LAST_LINES = 10
"""Lines of the log that a failure shows."""


def looked_at(sight: LogSight) -> list[str]:
    """Which tasks, streams and window were looked at, a line each."""
    scope = sight.scope
    lines = [f"window   from {at(scope.since)}, {events_seen(sight)}"]
    if not scope.tasks:
        lines.append("tasks    none runs the expected image")
    for task in scope.tasks:
        number = sum(event.task == task for event in sight.recent)
        lines.append(f"task     {task}: {plural(number, 'event')}{'' if sight.is_recent_all else ' among the last'}")
        lines += [
            f"stream   {stream.group} ({stream.region}) {'*' if stream.is_part else ''}{stream.name}"
            for stream in scope.streams
            if stream.task == task
        ]
    lines += [
        f"replaced {task}" for task in dict.fromkeys(one.task for one in scope.streams) if task not in scope.tasks
    ]
    lines += [f"no logs  {reason}" for reason in scope.blind]
    lines += [f"unread   {problem.message}" for problem in dict.fromkeys((*scope.problems, *sight.problems))]
    lines += [f"note     {note}" for note in sight.notes]
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


def nearest(expectation: Expectation, sight: LogSight) -> list[str]:
    """The line most like what was expected, with the difference marked; nothing where none is like it."""
    misses = [nearest_miss(pattern, sight.recent) for pattern in expectation.patterns]
    return [
        line
        for miss in misses
        if miss
        for line in [f"nearest miss: {at(miss.event.timestamp)} {miss.event.task}", *(f"  {m}" for m in miss.marks)]
    ]


def account_of(what: str, sight: LogSight) -> str:
    """What was looked at and the last lines seen.

    Args:
        what: What it is the account of.
        sight: What was read.
    """
    return "\n".join([what, *looked_at(sight), "last lines seen:", *last_lines(sight.recent)])


def explain(
    what: str,
    sight: LogSight,
    *,
    per_task: Sequence[LogEvent] | None = None,
    elsewhere: Sequence[LogEvent] = (),
) -> str:
    """The whole account of a look at the logs.

    Args:
        what: The expectation and what became of it, a sentence.
        sight: What was read.
        per_task: The matching events, where each task must have its own.
        elsewhere: Matching events of tasks that run something else.
    """
    lines = [what]
    if per_task is not None:
        number = Counter(event.task for event in per_task)
        lines.append(f"per task {', '.join(f'{task}: {number[task]}' for task in sight.scope.tasks)}")
    lines.append(account_of("looked at:", sight))
    if elsewhere:
        lines += ["said by tasks that run something else, which does not count:", *last_lines(elsewhere, 3)]
    return "\n".join(lines)
