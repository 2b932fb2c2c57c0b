"""The wait for an answer from the logs: when they are polled, and when the wait may end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import LogSight
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.handles.logs.questions import Question, count_question, expectation_question, longest_wait
from pytest_deploycheck.handles.logs.service_logs import IsOver, ServiceLogs, Window
from pytest_deploycheck.judge.analysis.logs.reading import Reading
from pytest_deploycheck.judge.wording import plural, seconds
from pytest_deploycheck.polling import Pace, Waited, wait

PACE = Pace(shortest=0.15, longest=1.0, share=0.01)
"""Quick while a line is most likely to come; a wait of a minute polls every 0.6 seconds in the end."""

MARGIN = 1.0
"""Seconds before a test's own time limit at which a wait ends, so that it can still explain itself."""

PROGRESS_AFTER = 3.0
"""Seconds of a wait after which it shows what it waits for."""

WHOLE_EVERY = 10.0
"""Seconds of a wait after which the whole window is read again, or ten times what that took, if it is longer."""

RECENT = 1000
"""Lines that are read to explain why an expected one is not there."""

_IN_FULL_AT = 2
"""The poll before which all lines are read where an absence is asked for: one that is seen at once ends the first."""

_IN_FULL_WITHIN = 3.0
"""Seconds in which all lines are read where a line is missing: it is a failure either way, and many lines take long."""

_SHORTEST_READING = 5.0
_LONGEST_READING = 15.0
_SINGLE_READING = 10.0


class Held(Struct, frozen=True):
    """The end of the wait for an answer.

    Attributes:
        reading: The answer.
        sight: What was read.
        waited: Seconds.
        cut_short: Whether the test's own time limit ended the wait early, with the answer still open.
    """

    reading: Reading
    sight: LogSight
    waited: float
    cut_short: bool


class LogWait:
    """Waits for answers from the logs of one service.

    Args:
        logs: The logs.
        log_wait: Seconds to wait where a question does not say.
        time_left: Tells how many seconds the running test may still take, or None where nothing limits it.
        declared: What else is going to be asked: read along where that costs no further call.
        show: Shows the progress of a wait; an empty text ends that.

    Attributes:
        logs: The logs.
        log_wait: Seconds to wait where a question does not say.
    """

    def __init__(
        self,
        logs: ServiceLogs,
        *,
        log_wait: float,
        time_left: Callable[[], float | None] = lambda: None,
        declared: Sequence[Pattern] = (),
        show: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.logs = logs
        self.log_wait = log_wait
        self._time_left = time_left
        self._declared = tuple(declared)
        self._show = show

    def hold(
        self,
        expectation: Expectation,
        window: Window,
        *,
        timeout: float | None = None,
        asked_at: datetime | None = None,
        is_over: IsOver | None = None,
        may_be_negated: bool = False,
        vain_after: float | None = None,
    ) -> Held:
        """Wait until the logs answer an expectation for good, and return how they did.

        Args:
            expectation: What to look for.
            window: The part of the log that is searched.
            timeout: Seconds to wait; default: the log wait, for an absence at least as long as events take to settle.
            asked_at: The moment up to which an absence must hold; default: now.
            is_over: Tells whether the time for reading is over; default: after the wait and as long again.
            may_be_negated: Whether whoever asks may want the line not to be there.
            vain_after: Seconds after which the wait for an absence ends where the logs, or the events of a task, are
                missing; default: the log wait, where `timeout` does not say.
        """
        if vain_after is None and timeout is None:
            vain_after = self.log_wait
        question = expectation_question(
            expectation,
            window,
            asked_at or self.logs.now(),
            self.logs.scope,
            may_be_negated=may_be_negated,
            vain_after=vain_after,
        )
        if expectation.kind != "forbid":
            known = self.logs.reader.known(self.logs.within(window), expectation.patterns)
            if question.is_final(known):
                return Held(question.judge(known), known, waited=0.0, cut_short=False)
        return self._wait(question, timeout, is_over)

    def count(self, pattern: Pattern, window: Window, *, timeout: float | None = None) -> Held:
        """Wait until the number of events with a pattern is exact, and return which they are."""
        return self._wait(count_question(pattern, window, self.logs.now()), timeout)

    def reading_limit(self, patience: float = 0.0) -> IsOver:
        """Tells whether the time for reading is over: after the wait and as long again, within bounds.

        Args:
            patience: Seconds that the wait may take from now on, to which the time for reading is added.
        """
        longest = patience or self.log_wait or _SINGLE_READING
        end = self.logs.clock.monotonic() + patience + min(max(longest, _SHORTEST_READING), _LONGEST_READING)
        return lambda: self.logs.clock.monotonic() > end

    def _wait(self, question: Question, timeout: float | None, is_over: IsOver | None = None) -> Held:
        scope = self.logs.within(question.window)
        if not scope.streams:
            sight = LogSight(scope)
            return Held(question.judge_last(sight), sight, waited=0.0, cut_short=False)
        wanted = timeout
        if wanted is None:
            wanted = longest_wait(self.log_wait, scope) if question.asked_at else self.log_wait
        left = self._time_left()
        patience = wanted if left is None else min(wanted, max(0.0, left - MARGIN))
        is_over = is_over or self.reading_limit(patience)
        waited = self._poll_until_final(question, patience, is_over)
        sight = waited.last
        if not waited.settled or question.asked_at:
            sight = self._last_reading(question, sight, is_over)
        cut_short = patience < wanted and not question.is_final(sight)
        # With the time to wait for each task not given, an absence is not known up to an earlier moment only.
        reading = question.judge(sight) if cut_short else question.judge_last(sight)
        return Held(reading, sight, waited.elapsed, cut_short)

    def _poll_until_final(self, question: Question, patience: float, is_over: IsOver) -> Waited[LogSight]:
        clock = self.logs.clock
        began = clock.monotonic()
        next_whole = began + WHOLE_EVERY
        polls = 0

        def look() -> LogSight:
            nonlocal next_whole, polls
            self.logs.refresh()
            polls += 1
            if question.asked_at and polls == _IN_FULL_AT:
                # The last reading repeats only what is new since then, and tells what could not be read.
                self._read_in_full(question, is_over)
            started = clock.monotonic()
            is_whole = started >= next_whole
            sight = self._poll(question, is_over, whole=is_whole)
            if is_whole:
                took = clock.monotonic() - started
                next_whole = clock.monotonic() + max(WHOLE_EVERY, 10 * took)
            if question.asked_at:
                sight = self._sampled(sight, question, is_over)
            elapsed = clock.monotonic() - began
            if elapsed >= PROGRESS_AFTER:
                seen = plural(len(sight.events), "matching event")
                waited = f"{int(min(elapsed, patience))} s of {seconds(patience)}"
                self._show(f"waiting for {question.what}: {waited}, {seen} so far")
            return sight

        def is_settled(sight: LogSight) -> bool:
            elapsed = clock.monotonic() - began
            return question.is_final(sight) or question.is_vain(sight, elapsed, patience - elapsed)

        try:
            return wait(
                look,
                is_settled,
                timeout=patience,
                clock=clock,
                pace=PACE,
                rest=lambda pause: self.logs.rest(pause, question.patterns),
            )
        finally:
            self._show("")

    def _poll(self, question: Question, is_over: IsOver, *, whole: bool) -> LogSight:
        return self.logs.reader.poll(
            self.logs.within(question.window),
            question.patterns,
            is_over=is_over,
            also=() if question.window.since else self._declared,
            enough=0 if whole and question.asked_at else question.enough,
            whole=whole,
        )

    def _last_reading(self, question: Question, sight: LogSight, is_over: IsOver) -> LogSight:
        """The reading before a line counts as missing or absent: of the whole window, and of all lines.

        The polls before it read back a little only, and through the service's own filter, which does not find a text
        that characters interrupt which nobody sees.
        """
        if sight.is_unread:
            return sight
        recalled = self.logs.reader.recall(sight, question.patterns, RECENT, is_over=is_over)
        unread = self._read_in_full(question, is_over)
        whole = self._poll(question, is_over, whole=True)
        sight = replace(
            whole,
            recent=recalled.recent,
            is_recent_all=recalled.is_recent_all,
            problems=tuple(dict.fromkeys((*recalled.problems, *unread, *whole.problems))),
            notes=(*whole.notes, *self.logs.notes),
        )
        if sight.problems:
            # What cannot be read gives no answer, whichever tasks have events.
            return sight
        floor = sight.scope.rolled_out_at if question.asked_at and question.window.since is None else None
        sight = self.logs.reader.sample(sight, floor, is_over=is_over) if floor else sight
        return self._sampled(sight, question, is_over)

    def _read_in_full(self, question: Question, is_over: IsOver) -> Sequence[Problem]:
        """Read all lines, not through the service's own filter; return what an answer has to wait for."""
        also = () if question.window.since else self._declared
        scope, reader = self.logs.within(question.window), self.logs.reader
        if question.needs_all:
            return reader.poll_in_full(scope, question.patterns, is_over=is_over, also=also)
        end = self.logs.clock.monotonic() + _IN_FULL_WITHIN
        reader.poll_in_full(
            scope, question.patterns, is_over=lambda: is_over() or self.logs.clock.monotonic() > end, also=also
        )
        return ()

    def _sampled(self, sight: LogSight, question: Question, is_over: IsOver) -> LogSight:
        """The sight, with which streams have events: from the start of the window, and where an absence must reach."""
        reader, window = self.logs.reader, question.window
        base = sight if window.since is None else replace(sight, scope=self.logs.scope)
        base = reader.sample(base, base.scope.since, is_over=is_over)
        if question.asked_at:
            base = reader.sample(base, question.asked_at, is_over=is_over)
        if window.since is None:
            return base
        # In a window that is opened around an action, not every task needs to log: it is enough that one did, as the
        # others have shown before that their logs can be read.
        own = reader.sample(sight, window.since, is_over=is_over)
        problems = tuple(dict.fromkeys((*own.problems, *base.problems)))
        return replace(own, states=base.states if own.tasks_with_events else own.states, problems=problems)
