"""Times and ids in sentences as a person at a terminal wants them: how long ago, and no longer than needed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

_WRITTEN = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_TWO_MINUTES, _TWO_HOURS, _TWO_DAYS = timedelta(minutes=2), timedelta(hours=2), timedelta(days=2)
_SHORT_TASK = 8
"""Characters of a task's id that are shown, as AWS Copilot does; a rollout of ECS seldom has two that share them."""
_LONG_TASK = 32


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, such as `3 min ago`; `in 3 min` for one to come."""
    passed = abs(now - moment)
    if passed < _TWO_MINUTES:
        duration = f"{round(passed.total_seconds())} s"
    elif passed < _TWO_HOURS:
        duration = f"{passed // timedelta(minutes=1)} min"
    elif passed < _TWO_DAYS:
        duration = f"{passed // timedelta(hours=1)} h"
    else:
        duration = f"{passed.days} days"
    return f"{duration} ago" if moment <= now else f"in {duration}"


def when(moment: datetime, now: datetime) -> str:
    """Return a moment in UTC and how long ago it was: `11:02:10 UTC, 3 min ago`, with its date where needed."""
    utc = moment.astimezone(UTC)
    written = f"{utc:%H:%M:%S}" if utc.date() == now.astimezone(UTC).date() else f"{utc:%Y-%m-%d %H:%M}"
    return f"{written} UTC, {ago(moment, now)}"


def with_ages(sentence: str, now: datetime) -> str:
    """Return a sentence in which each time is followed by how long ago it was."""

    def aged(written: re.Match[str]) -> str:
        try:
            return when(datetime.fromisoformat(written[1]).replace(tzinfo=UTC), now)
        except ValueError:
            return written[0]

    return _WRITTEN.sub(aged, sentence)


def short_task(task: str) -> str:
    """Return the id of a task, cut to what tells it apart by eye."""
    return task[:_SHORT_TASK] if len(task) >= _LONG_TASK else task


def with_short_tasks(sentence: str, tasks: Iterable[str]) -> str:
    """Return a sentence in which the ids of these tasks are cut."""
    for task in tasks:
        sentence = sentence.replace(task, short_task(task))
    return sentence
