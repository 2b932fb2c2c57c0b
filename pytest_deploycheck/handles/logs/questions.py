"""The questions that are asked of logs, and when a wait for their answers may end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import LogScope, LogSight
from pytest_deploycheck.handles.logs.service_logs import Window
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer, Reading, read, read_count


class Question(Struct, frozen=True):
    """The condition that is waited for.

    Attributes:
        what: The question in words.
        patterns: What to look for.
        window: The part of the log that is searched.
        judge: The answer of a sight while more may come.
        judge_last: The answer of a sight when the wait is over.
        ends: Answers that no further event can change.
        asked_at: The moment up to which the events must be complete, where the answer rests on what was not logged.
        enough: The number of events that answers it, or 0 where that is not known before.
        needs_all: Whether a no counts as an answer as well, so that all lines must have been read for it.
        vain_after: Seconds after which the wait ends where the logs, or the events of a task, are missing; None for no
            time but that of the wait.
    """

    what: str
    patterns: Sequence[Pattern]
    window: Window
    judge: Callable[[LogSight], Reading]
    judge_last: Callable[[LogSight], Reading]
    ends: frozenset[LogAnswer]
    asked_at: datetime | None = None
    enough: int = 0
    needs_all: bool = True
    vain_after: float | None = None

    def is_final(self, sight: LogSight) -> bool:
        """Return True if a sight answers it for good."""
        return self.judge(sight).answer in self.ends

    def is_vain(self, sight: LogSight, elapsed: float, left: float) -> bool:
        """Return True if waiting on can bring no answer: an absence takes longer to be known than a line to arrive.

        Args:
            sight: What was read.
            elapsed: Seconds since the wait began.
            left: Seconds until it is over.
        """
        if self.vain_after is None or elapsed < self.vain_after:
            return False
        if sight.problems:
            return not any(problem.passing for problem in sight.problems)
        # An event that arrives from now on settles only after the end of the wait.
        return bool(sight.tasks_without_events) and left <= sight.scope.settle


def expectation_question(
    expectation: Expectation,
    window: Window,
    asked_at: datetime,
    scope: LogScope,
    *,
    may_be_negated: bool = False,
    vain_after: float | None = None,
) -> Question:
    """The question whether an expectation holds.

    Args:
        expectation: What is expected.
        window: The part of the log that is searched.
        asked_at: The moment up to which an absence must hold, unless the window has an end.
        scope: Which logs are read.
        may_be_negated: Whether whoever asks may want the line not to be there, as `not in` does.
        vain_after: Seconds after which the wait for an absence ends where the logs, or the events of a task, are
            missing.
    """
    until = window.until or asked_at
    floor = None if window.until else scope.rolled_out_at
    is_absence = expectation.kind == "forbid"
    return Question(
        str(expectation),
        expectation.patterns,
        window,
        judge=lambda sight: read(expectation, sight, until=until),
        judge_last=lambda sight: read(expectation, sight, until=until, floor=floor),
        ends=frozenset({LogAnswer.HOLDS, LogAnswer.LOGGED}),
        asked_at=until if is_absence else None,
        enough=expectation.count if expectation.kind == "expect" and expectation.tasks == "any" else 0,
        needs_all=is_absence or may_be_negated,
        vain_after=vain_after if is_absence else None,
    )


def count_question(pattern: Pattern, window: Window, asked_at: datetime) -> Question:
    """The question how many events have a pattern."""

    def judge(sight: LogSight) -> Reading:
        return read_count(pattern, sight, until=window.until)

    what, ends = f"the count of {pattern}", frozenset({LogAnswer.HOLDS})
    return Question(what, (pattern,), window, judge, judge, ends, asked_at=window.until or asked_at)


def longest_wait(log_wait: float, scope: LogScope) -> float:
    """The seconds that an absence may take to be known: the log wait, or twice the time in which events settle.

    With the usual 20 seconds that is 40 seconds; where events settle more slowly, at most 20 seconds more than they
    take.
    """
    return max(log_wait, scope.settle + min(scope.settle, 20.0))
