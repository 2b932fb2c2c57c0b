"""The questions that can be asked of what the tasks said in a window of time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self, get_args

from msgspec import Struct

from pytest_deploycheck.checkout.source_search import find_in_source
from pytest_deploycheck.config.settings import EVERYTHING, Expectation, Pattern, SequenceScope, TaskScope
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.log import LogEvent, LogMatch, LogSight
from pytest_deploycheck.handles.logs.records import parse_records
from pytest_deploycheck.handles.logs.wait import RECENT, Held, Listener, Window
from pytest_deploycheck.judge.analysis.log_reading import Answer, matched
from pytest_deploycheck.judge.checks.logs import drop_note, nothing_heard, stands_in_note
from pytest_deploycheck.judge.wording import at, plural, seconds
from pytest_deploycheck.report.logs import explain, nearest

Text = str | re.Pattern[str]
"""What a test asks for: a plain string is literal text, a compiled pattern is a regular expression."""


class Absence:
    """Whether a pattern is absent from the logs: true when it is, false when it was found.

    Attributes:
        pattern: What was looked for.
        events: The events that have it.
        until: The moment up to which it is known to be absent: later lines may still be on their way. None where it
            was found.
    """

    def __init__(self, pattern: Pattern, events: Sequence[LogEvent], until: datetime | None) -> None:
        self.pattern = pattern
        self.events = tuple(events)
        self.until = until

    def __bool__(self) -> bool:
        return not self.events

    def __repr__(self) -> str:
        if self:
            return f"<{self.pattern} is absent up to {at(self.until)}>"
        return f"<{self.pattern} was said {plural(len(self.events), 'time')}: {self.events[0]!r}>"


class Count(int):
    """A number of events, and up to when it is known.

    Attributes:
        until: The moment up to which every event that was written is counted: later ones may still be on their way.
    """

    until: datetime | None

    def __new__(cls, number: int, until: datetime | None) -> Self:
        """Make the number; it is compared and computed with like any other."""
        self = super().__new__(cls, number)
        self.until = until
        return self


class Asked(Struct):
    """What was asked of a log tail and of its captures so far.

    Attributes:
        sight: What was read last.
        why: Why the last question was answered with no, where it was.
        questions: How many questions were asked.
        answers: How many of them were asked with at least one event seen.
    """

    sight: LogSight
    why: str = ""
    questions: int = 0
    answers: int = 0

    def note(self, sight: LogSight) -> None:
        """Note what was read for a question."""
        self.sight = sight
        self.why = ""
        self.count(heard=bool(sight.heard))

    def count(self, *, heard: bool) -> None:
        """Count a question."""
        self.questions += 1
        self.answers += heard


class LogWindow:
    """What the tasks that run the image said in a window of time, and the questions that can be asked of it.

    Questions wait for an answer up to the log wait (`--deploy-log-wait`). A task that runs another image is never
    heard. Where the new tasks said nothing at all, or the logs cannot be read, a question fails the test as unproven:
    silence is no answer.
    """

    def __init__(self, listener: Listener, asked: Asked, source: Path | None) -> None:
        self._listener = listener
        self._asked = asked
        self._source = source

    def __contains__(self, pattern: Text) -> bool:
        """Whether the text, or a match of the compiled pattern, is there or arrives within the log wait."""
        __tracebackhide__ = True
        expectation = Expectation("expect", (to_pattern(pattern),))
        held = self._hold(expectation)
        if held.reading.answer is Answer.MISSING and not held.cut_short:
            # `in` can only say no: why, whoever reports the failed assertion asks the tail.
            self._asked.why = self._why(expectation, held)
            return False
        self._require(held, expectation)
        return True

    def wait_for(
        self, pattern: Text, *, count: int = 1, tasks: TaskScope = "any", timeout: float | None = None
    ) -> list[LogMatch]:
        """Wait until the pattern was said, and return the events that say it, each with what of it matched.

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
        _require_one_of("tasks", tasks, TaskScope)
        if count < 1:
            raise ValueError(f"count: expected 1 or more, found {count}; for none at all there is absent()")
        expectation = Expectation("expect", (to_pattern(pattern),), count=count, tasks=tasks)
        return [matched(expectation.patterns[0], event) for event in self._insist(expectation, timeout)]

    def wait_for_sequence(
        self, *patterns: Text, within: SequenceScope = "task", timeout: float | None = None
    ) -> list[LogMatch]:
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
        _require_one_of("within", within, SequenceScope)
        if not patterns:
            raise ValueError("patterns: expected one or more, found none")
        expectation = Expectation("sequence", tuple(map(to_pattern, patterns)), within=within)
        events = self._insist(expectation, timeout)
        return [matched(pattern, event) for pattern, event in zip(expectation.patterns, events, strict=False)]

    def absent(self, pattern: Text, *, timeout: float | None = None) -> Absence:
        """Whether the pattern is soundly absent: each new task was heard, and none said it.

        A line may become visible two minutes after it was said, so what is young is not known yet: `until` of the
        answer tells up to when the absence is proven. It waits until each new task has said something later than the
        question, at the most for the log wait.

        Args:
            pattern: Literal text, or a compiled regular expression.
            timeout: Seconds to wait; default: the log wait.

        Raises:
            UnprovenError: It cannot be known, as a task said nothing at all, or nothing that is old enough.
        """
        __tracebackhide__ = True
        expectation = Expectation("forbid", (to_pattern(pattern),))
        held = self._hold(expectation, timeout=timeout, fresh=True)
        if held.reading.answer is not Answer.BROKEN:
            self._require(held, expectation)
        until = None if held.reading.events else held.sight.proven_until
        return Absence(expectation.patterns[0], held.reading.events, until)

    def count(self, pattern: Text, *, timeout: float | None = None) -> Count:
        """How many events have the pattern, exactly up to the moment that `until` of the answer tells.

        It waits until each new task was heard and every event that counts is older than the two minutes in which a line
        may come late. To see that there are enough, `wait_for` with its `count` is quicker; for what an action causes,
        ask a capture.

        Args:
            pattern: Literal text, or a compiled regular expression.
            timeout: Seconds to wait; default: the log wait.

        Raises:
            UnprovenError: The number is not known for sure.
        """
        __tracebackhide__ = True
        wanted = to_pattern(pattern)
        held = self._listener.count(wanted, self._window(), timeout=timeout)
        self._asked.note(held.sight)
        if held.reading.answer is not Answer.HOLDS:
            why = _WORDS[held.reading.answer]
            raise UnprovenError(f"unproven: {explain(f'count of {wanted}: {why}', self._explained(held.sight))}")
        return Count(len(held.reading.events), held.sight.proven_until)

    def events(self) -> list[LogEvent]:
        """All events so far, the oldest first.

        Raises:
            UnprovenError: Some of the logs cannot be read, or there are more events than are kept, so that a list
                would pass for all there is.
        """
        __tracebackhide__ = True
        sight = self._listener.whole(self._window(), (EVERYTHING,))
        self._asked.sight = sight
        if not _is_whole(sight):
            raise UnprovenError(f"unproven: {explain('not all of the logs can be read', self._explained(sight))}")
        if sight.is_cut:
            raise UnprovenError(
                f"unproven: there are more than the {plural(len(sight.events), 'event')} that are kept. Ask for a "
                "pattern, look at a shorter window (capture(), --deploy-since), or use query()."
            )
        return list(sight.events)

    def records(self, schema: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The events so far that are JSON objects, as dictionaries, the oldest first; other lines are left out.

        Args:
            schema: A JSON Schema that each of them must satisfy.

        Raises:
            AssertionError: One does not; the message tells the path in it and the line.
            UnprovenError: As `events`; also where the new tasks said nothing at all.
        """
        __tracebackhide__ = True
        events = self.events()
        sight = LogSight(self._listener.scope_of(self._window()), tuple(events))
        self._asked.note(sight)
        if not events:
            raise UnprovenError(f"unproven: {explain(f'records: {_WORDS[Answer.UNHEARD]}', sight)}")
        return parse_records(events, schema)

    def tail(self, n: int = 10) -> list[LogEvent]:
        """The last `n` events so far, the oldest of them first.

        Raises:
            UnprovenError: Some of the logs cannot be read.
        """
        __tracebackhide__ = True
        if n < 0:
            raise ValueError(f"n: expected 0 or more, found {n}")
        scope = self._listener.scope_of(self._window())
        sight = self._listener.reader.recall(LogSight(scope), (), n)
        self._asked.sight = sight
        if not _is_whole(sight):
            raise UnprovenError(f"unproven: {explain('not all of the logs can be read', sight)}")
        return list(sight.recent)

    def elsewhere(self, expectation: Expectation) -> list[LogEvent]:
        """Events with the patterns from tasks that run something else: they explain, and never count."""
        scope = self._listener.scope.of_old
        sight = self._listener.reader.look(scope, expectation.patterns, whole=True)
        return [
            event for event in sight.events if any(pattern.is_in(event.message) for pattern in expectation.patterns)
        ]

    def _window(self) -> Window:
        """The part of the log that is searched."""
        return Window()

    def _hold(self, expectation: Expectation, *, timeout: float | None = None, fresh: bool = False) -> Held:
        held = self._listener.hold(expectation, self._window(), timeout=timeout, fresh=fresh)
        self._asked.note(held.sight)
        return held

    def _insist(self, expectation: Expectation, timeout: float | None) -> list[LogEvent]:
        __tracebackhide__ = True
        held = self._hold(expectation, timeout=timeout)
        if held.reading.answer is Answer.MISSING and not held.cut_short:
            raise AssertionError(self._why(expectation, held))
        self._require(held, expectation)
        return list(held.reading.events)

    def _require(self, held: Held, expectation: Expectation) -> None:
        """Fail as unproven where the logs gave no answer."""
        __tracebackhide__ = True
        if held.reading.answer is Answer.HOLDS:
            return
        why = " (the test's own time limit ended the wait early)" if held.cut_short else ""
        raise UnprovenError(f"unproven: {self._why(expectation, held)}{why}")

    def _why(self, expectation: Expectation, held: Held) -> str:
        """Why an expectation does not hold, with what was looked at and the last lines seen."""
        sight = self._explained(held.sight)
        answer = self._answer(expectation, held, sight)
        text = explain(
            f"expected {expectation}: {answer}, after {seconds(held.waited)}",
            sight,
            per_task=held.reading.events if expectation.tasks == "all" else None,
            elsewhere=self.elsewhere(expectation),
        )
        lines = [text, *nearest(expectation, sight)]
        lines += drop_note(sight) if held.reading.answer is Answer.MISSING else []
        lines += stands_in_note(self.stands_in(expectation)) if held.reading.answer is Answer.MISSING else []
        return "\n".join(lines)

    def _answer(self, expectation: Expectation, held: Held, sight: LogSight) -> str:
        """What became of an expectation, in a few words."""
        if not sight.scope.tasks:
            return "no task runs the image, so none could say it"
        if held.reading.answer is Answer.UNHEARD and sight.heard:
            return f"{nothing_heard(held.reading, sight)}, so nothing is known"
        if held.reading.answer is Answer.MISSING and expectation.count > 1 and expectation.tasks == "any":
            return f"said {len(held.reading.events)} of {expectation.count} times"
        return _WORDS[held.reading.answer]

    def stands_in(self, expectation: Expectation) -> list[str]:
        """Where the local source has what is expected, such as `app/api/websocket.py:107`."""
        if self._source is None:
            return []
        found = (find_in_source(self._source, pattern, limit=1) for pattern in expectation.patterns)
        return [str(place) for places in found for place in places]

    def _explained(self, sight: LogSight) -> LogSight:
        """The sight with the last lines, where it has none yet."""
        if sight.recent or not sight.scope.streams:
            return sight
        return self._listener.reader.recall(sight, (), RECENT)


_WORDS = {
    Answer.HOLDS: "it holds",
    Answer.BROKEN: "it was said",
    Answer.MISSING: "not there, or not often enough",
    Answer.UNHEARD: "nothing was heard, so nothing is known",
    Answer.UNSETTLED: "not known yet: what was said in the last two minutes may still be on its way (give it longer "
    "with `timeout` or --deploy-log-wait)",
    Answer.UNCOUNTED: "more events match than are kept, so their number is not known",
    Answer.UNSEEN: "the logs could not be read",
}


def to_pattern(text: Text) -> Pattern:
    """What a test asks for, as a pattern.

    Raises:
        ValueError: It is empty, which every line would have.
    """
    if text == "":
        raise ValueError("pattern: expected a text that is not empty, as every line has the empty one")
    if isinstance(text, re.Pattern):
        return Pattern(text.pattern, regex=True, flags=text.flags)
    return Pattern(text)


def _require_one_of(name: str, value: str, allowed: object) -> None:
    words = get_args(allowed)
    if value not in words:
        raise ValueError(f"{name}: expected {' or '.join(map(repr, words))}, found {value!r}")


def _is_whole(sight: LogSight) -> bool:
    """Whether everything that the new tasks write was read."""
    return bool(sight.scope.streams) and not (sight.scope.problems or sight.scope.blind or sight.problems)
