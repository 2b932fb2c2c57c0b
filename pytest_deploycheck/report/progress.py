"""The progress of a rollout, on one line."""

from __future__ import annotations

from pytest_deploycheck.judge.progress import Progress
from pytest_deploycheck.judge.wording import seconds
from pytest_deploycheck.redaction import one_line


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
