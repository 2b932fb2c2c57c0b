"""The log tail: what the tasks that run the image say, with the patience to wait for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pytest_deploycheck.config.settings import Expectation, Pattern, SequenceScope, TaskScope
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.log import LogEvent, LogScope, LogSight
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.judge.expectations import drop_note
from pytest_deploycheck.judge.logs import Answer, Reading, matching, read
from pytest_deploycheck.judge.wording import plural, seconds
from pytest_deploycheck.report.logs import explain
from pytest_deploycheck.waiting import Clock, wait

LONGEST_PAUSE = 1.0
"""Seconds between two looks at the logs, at the most."""

MARGIN = 1.0
"""Seconds before a test's own time limit at which a wait ends, so that it can still explain itself."""

Text = str | re.Pattern[str]
"""What a test asks for: a plain string is literal text, a compiled pattern is a regular expression."""


class Reader(Protocol):
    """Reads the events of some streams, each once, however often it looks."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why some of the streams could not be read by the last look."""
        ...

    def look(self, *, whole: bool = False) -> tuple[LogEvent, ...]:
        """Read what is new, or the whole window again, and return all events so far, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """How the wait for an expectation ended.

    Attributes:
        reading: What the logs say of it.
        sight: What was read.
        waited: Seconds.
        cut_short: Whether the test's own time limit ended the wait early, with the answer still open.
    """

    reading: Reading
    sight: LogSight
    waited: float
    cut_short: bool


class Absence:
    """Whether a pattern is absent from the logs: true when it is, false when it was found.

    Attributes:
        pattern: What was looked for.
        events: The events that have it.
    """

    def __init__(self, pattern: Pattern, events: tuple[LogEvent, ...]) -> None:
        self.pattern = pattern
        self.events = events

    def __bool__(self) -> bool:
        return not self.events

    def __repr__(self) -> str:
        if self:
            return f"<{self.pattern} is absent>"
        return f"<{self.pattern} was said {plural(len(self.events), 'time')}: {self.events[0]!r}>"


class LogTail:
    """The logs of the tasks that run the image, since their rollout began.

    Questions wait for an answer up to the log wait (`--deploy-log-wait`). A task that runs another image is never
    heard, nor is anything from before the rollout. Where the new tasks said nothing at all, or the logs cannot be
    read, a question fails the test as unproven: silence is no answer.

    Attributes:
        scope: Which tasks and streams are looked at, and from when.
        questions: How many questions were asked of it so far.
        answers: How many of them were asked with at least one event seen.
    """

    def __init__(
        self,
        service: str,
        scope: LogScope,
        reader: Reader,
        old_reader: Reader,
        *,
        log_wait: float,
        clock: Clock,
        now: Callable[[], datetime],
        time_left: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.scope = scope
        self.questions = 0
        self.answers = 0
        self._service = service
        self._reader = reader
        self._old_reader = old_reader
        self._log_wait = log_wait
        self._clock = clock
        self._now = now
        self._time_left = time_left
        self._sight = LogSight(scope)
        self._old_events: tuple[LogEvent, ...] | None = None

    def __contains__(self, pattern: Text) -> bool:
        """Whether the text, or a match of the compiled pattern, is there or arrives within the log wait."""
        __tracebackhide__ = True
        held = self.hold(Expectation("expect", (_pattern(pattern),)))
        if held.reading.answer is Answer.MISSING and not held.cut_short:
            return False
        self._require(held, Expectation("expect", (_pattern(pattern),)))
        return True

    def wait_for(
        self, pattern: Text, *, count: int = 1, tasks: TaskScope = "any", timeout: float | None = None
    ) -> list[LogEvent]:
        """Wait until the pattern was said, and return the events that say it.

        Args:
            pattern: Literal text, or a compiled regular expression.
            count: How many events are wanted, at least.
            tasks: `any` counts over all new tasks, `all` wants `count` events of each.
            timeout: Seconds to wait; default: the log wait.

        Raises:
            AssertionError: It was not said in time; the message tells what was looked at and the last lines seen.
            UnprovenError: It cannot be known.
        """
        __tracebackhide__ = True
        expectation = Expectation("expect", (_pattern(pattern),), count=count, tasks=tasks)
        return self._insist(expectation, timeout)

    def wait_for_sequence(
        self, *patterns: Text, within: SequenceScope = "task", timeout: float | None = None
    ) -> list[LogEvent]:
        """Wait until the patterns were said in this order, and return the events, one for each.

        Args:
            patterns: Literal texts or compiled regular expressions.
            within: `task` wants the order within one task, `service` over all new tasks merged by time.
            timeout: Seconds to wait; default: the log wait.

        Raises:
            AssertionError: They were not said in this order in time.
            UnprovenError: It cannot be known.
        """
        __tracebackhide__ = True
        expectation = Expectation("sequence", tuple(map(_pattern, patterns)), within=within)
        return self._insist(expectation, timeout)[: len(patterns)]

    def absent(self, pattern: Text) -> Absence:
        """Whether the pattern is soundly absent: every new task was heard, and none said it.

        It waits until each new task has said something later than the question, at the most for the log wait.

        Raises:
            UnprovenError: It cannot be known, as a task said nothing at all or the logs cannot be read.
        """
        __tracebackhide__ = True
        expectation = Expectation("forbid", (_pattern(pattern),))
        held = self.hold(expectation)
        if held.reading.answer is not Answer.BROKEN:
            self._require(held, expectation)
        return Absence(expectation.patterns[0], held.reading.events)

    def count(self, pattern: Text) -> int:
        """How many events so far have the pattern; the whole window is read for it.

        Raises:
            UnprovenError: A new task said nothing at all, or some of the logs cannot be read, so that a number would
                pass for the whole.
        """
        __tracebackhide__ = True
        sight = self._look(whole=True)
        self._note_question()
        if sight.unheard or not self._is_whole(sight):
            why = _WORDS[Answer.UNHEARD if self._is_whole(sight) else Answer.UNSEEN]
            raise UnprovenError(f"unproven: {explain(f'count of {_pattern(pattern)}: {why}', sight)}")
        return len(self.seen(pattern))

    def events(self) -> list[LogEvent]:
        """All events so far, the oldest first.

        Raises:
            UnprovenError: Some of the logs cannot be read, so a list of events would pass for all there is.
        """
        __tracebackhide__ = True
        sight = self._look(whole=True)
        if not self._is_whole(sight):
            raise UnprovenError(f"unproven: {explain('not all of the logs can be read', sight)}")
        return list(sight.events)

    def tail(self, n: int = 10) -> list[LogEvent]:
        """The last `n` events so far, the oldest of them first.

        Raises:
            UnprovenError: As `events`.
        """
        __tracebackhide__ = True
        return self.events()[-n:] if n > 0 else []

    def hold(self, expectation: Expectation, *, timeout: float | None = None) -> Held:
        """Wait until the logs answer an expectation for good, and say how they did.

        Args:
            expectation: What to look for.
            timeout: Seconds to wait; default: the log wait.
        """
        asked_at = self._now()
        wanted = self._log_wait if timeout is None else timeout
        left = self._time_left()
        patience = wanted if left is None else min(wanted, max(0.0, left - MARGIN))

        def is_final(sight: LogSight) -> bool:
            reading = read(expectation, sight)
            if expectation.kind == "forbid":
                spoke = reading.answer is Answer.HOLDS and _all_spoke_since(asked_at, sight)
                return reading.answer is Answer.BROKEN or spoke
            return reading.answer is Answer.HOLDS

        if expectation.kind != "forbid" and is_final(self._sight):
            return self._held(expectation, waited=0.0, cut_short=False)
        if not self.scope.streams:
            return self._held(expectation, waited=0.0, cut_short=False)
        waited = wait(self._look, is_final, timeout=patience, clock=self._clock, longest_pause=LONGEST_PAUSE)
        if not waited.settled or expectation.kind == "forbid":
            # The polls look back a little only; before an absence counts, the whole window is read again.
            self._look(whole=True)
        final = is_final(self._sight)
        return self._held(expectation, waited=waited.elapsed, cut_short=patience < wanted and not final)

    def elsewhere(self, expectation: Expectation) -> list[LogEvent]:
        """Events with the patterns from tasks that run something else: they explain, and never count."""
        return [
            event for event in self.old_events() if any(matching(pattern, [event]) for pattern in expectation.patterns)
        ]

    def seen(self, pattern: Text) -> list[LogEvent]:
        """The events seen so far that have the pattern, without another look."""
        return list(matching(_pattern(pattern), self._sight.events))

    def old_events(self) -> tuple[LogEvent, ...]:
        """What tasks said that run something else or have stopped; read once."""
        if self._old_events is None:
            self._old_events = self._old_reader.look(whole=True)
        return self._old_events

    def account(self) -> str:
        """What was looked at and the last lines seen, as text for people."""
        return explain(repr(self), self._sight)

    def explain(self, expectation: Expectation, held: Held) -> str:
        """Why an expectation does not hold, with what was looked at and the last lines seen."""
        answer = _WORDS[held.reading.answer] if self.scope.tasks else "no task runs the image, so none could say it"
        text = explain(
            f"expected {expectation}: {answer}, after {seconds(held.waited)}",
            held.sight,
            elsewhere=self.elsewhere(expectation),
        )
        notes = drop_note(held.sight) if held.reading.answer is Answer.MISSING else []
        return "\n".join([text, *notes])

    def __repr__(self) -> str:
        tasks = plural(len(self.scope.tasks), "task")
        events = plural(len(self._sight.events), "event")
        return f"<deploy_logs of {self._service}: {events} of {tasks} since {self.scope.since:%H:%M:%S} UTC>"

    def _look(self, *, whole: bool = False) -> LogSight:
        events = self._reader.look(whole=whole)
        self._sight = LogSight(self.scope, events, self._reader.problems)
        return self._sight

    def _is_whole(self, sight: LogSight) -> bool:
        """Whether everything that the new tasks write was read."""
        return bool(self.scope.streams) and not (self.scope.problems or self.scope.blind or sight.problems)

    def _note_question(self) -> None:
        self.questions += 1
        if self._sight.events:
            self.answers += 1

    def _held(self, expectation: Expectation, *, waited: float, cut_short: bool) -> Held:
        self._note_question()
        reading = read(expectation, self._sight)
        if cut_short and expectation.kind == "forbid" and reading.answer is Answer.HOLDS:
            # The time to hear each task was not given, so nothing is proven.
            reading = Reading(Answer.UNHEARD)
        return Held(reading, self._sight, waited, cut_short)

    def _insist(self, expectation: Expectation, timeout: float | None) -> list[LogEvent]:
        __tracebackhide__ = True
        held = self.hold(expectation, timeout=timeout)
        if held.reading.answer is Answer.MISSING and not held.cut_short:
            raise AssertionError(self.explain(expectation, held))
        self._require(held, expectation)
        return list(held.reading.events)

    def _require(self, held: Held, expectation: Expectation) -> None:
        """Fail as unproven where the logs gave no answer."""
        __tracebackhide__ = True
        if held.reading.answer is Answer.HOLDS:
            return
        why = " (the test's own time limit ended the wait early)" if held.cut_short else ""
        raise UnprovenError(f"unproven: {self.explain(expectation, held)}{why}")


_WORDS = {
    Answer.HOLDS: "it holds",
    Answer.BROKEN: "it was said",
    Answer.MISSING: "not there, or not often enough",
    Answer.UNHEARD: "nothing was heard, so nothing is known",
    Answer.UNSEEN: "the logs could not be read",
}


def _pattern(text: Text) -> Pattern:
    if isinstance(text, re.Pattern):
        return Pattern(text.pattern, regex=True, flags=text.flags)
    return Pattern(text)


def _all_spoke_since(moment: datetime, sight: LogSight) -> bool:
    """Whether every new task said something later than `moment`."""
    spoke = {event.task for event in sight.events if event.timestamp > moment}
    return bool(sight.scope.tasks) and spoke.issuperset(sight.scope.tasks)
