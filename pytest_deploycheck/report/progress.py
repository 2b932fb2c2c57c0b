"""The progress of rollouts: on one line, and as the sparse lines of a log."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.judge.progress import Progress
from pytest_deploycheck.judge.wording import seconds
from pytest_deploycheck.redaction import one_line

MANY = 4
"""The number of services from which on they share a line."""

_NAMED = 3
"""Rollouts that such a line names."""

_FIRST_MINUTE = 60.0
_OFTEN, _SELDOM = 15.0, 60.0


def progress_line(progress: Progress, elapsed: float) -> str:
    """`backend: new 1/2 running, old 2 draining, 40 s, last event`: the progress, the time, and the newest event."""
    newest = [one_line(progress.last_event, 200)] if progress.last_event else []
    return ", ".join([standing(progress), seconds(round(elapsed)), *newest])


def standing(progress: Progress) -> str:
    """As `progress_line` without what changes by itself: it stays the same as long as nothing happens."""
    wanted = "?" if progress.desired is None else progress.desired
    parts = [f"new {progress.new_running}/{wanted} running"]
    parts += [f"{progress.new_pending} pending"] if progress.new_pending else []
    parts += [f"{progress.new_failed} failed"] if progress.new_failed else []
    numbers = ((progress.old_running, "running"), (progress.old_draining, "draining"))
    old = [f"{number} {state}" for number, state in numbers if number]
    parts += [f"old {', '.join(old)}"] if old else []
    parts += [progress.stage] if progress.stage else []
    # Where all tasks are as they should be, what is missing is something else.
    if not old and progress.new_running == progress.desired and progress.awaited:
        parts.append(f"waiting for {progress.awaited[0]}")
    return f"{one_line(progress.service)}: {', '.join(parts)}"


def fleet_line(rollouts: Sequence[Progress], total: int, elapsed: float) -> str:
    """`97 of 100 services settled, 40 s, awaiting eu/backend (new 1/2 running), us/backend …`: many on one line.

    Args:
        rollouts: The rollouts that are not settled.
        total: The number of services of the run.
        elapsed: Seconds since the wait began.
    """
    return f"{_settled(rollouts, total)}, {seconds(round(elapsed))}, awaiting {_awaited(rollouts)}"


def _settled(rollouts: Sequence[Progress], total: int) -> str:
    return f"{total - len(rollouts)} of {total} services settled"


def _awaited(rollouts: Sequence[Progress]) -> str:
    named = [one_line(standing(one)) for one in rollouts[:_NAMED]]
    return "; ".join(named) + (f"; and {len(rollouts) - _NAMED} more" if len(rollouts) > _NAMED else "")


def is_due(elapsed: float, written_at: float | None) -> bool:
    """Return whether a line shows again that a wait goes on: every 15 seconds at first, then once a minute.

    Args:
        elapsed: Seconds since the wait began.
        written_at: The second of the wait at which the last line was written, or None where none was.
    """
    return written_at is None or elapsed - written_at >= (_OFTEN if elapsed <= _FIRST_MINUTE else _SELDOM)


class SparseLines:
    """The lines of a wait for rollouts in the log of a CI job.

    A line is written when the numbers of tasks have changed, but not more often than every `SHORTEST` seconds; and
    where nothing changes, every 15 seconds at first, then once a minute.

    Args:
        total: The number of services of the run. Many share a line.
    """

    SHORTEST = 5.0

    def __init__(self, total: int = 1) -> None:
        self._total = total
        self._written: dict[str, tuple[str, float]] = {}

    def due(self, rollouts: Sequence[Progress], elapsed: float) -> list[str]:
        """Return the lines to write after a wait of `elapsed` seconds."""
        if not rollouts:
            self._written.clear()
        if rollouts and self._total >= MANY:
            is_new = self._has_news("", _settled(rollouts, self._total) + _awaited(rollouts), elapsed)
            return [fleet_line(rollouts, self._total, elapsed)] if is_new else []
        return [progress_line(one, elapsed) for one in rollouts if self._has_news(one.service, standing(one), elapsed)]

    def _has_news(self, subject: str, now: str, elapsed: float) -> bool:
        """Tell if a line about a subject is to be written, and note it."""
        before, written_at = self._written.get(subject, ("", None))
        has_changed = written_at is not None and now != before and elapsed - written_at >= self.SHORTEST
        if not (has_changed or is_due(elapsed, written_at)):
            return False
        self._written[subject] = now, elapsed
        return True
