"""The questions that can be asked of what the tasks logged in a window of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from pytest_deploycheck.checkout.source_search import find_in_source
from pytest_deploycheck.config.settings import EVERYTHING, Expectation, SequenceScope, TaskScope
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.log import LogEvent, LogMatch, LogSight
from pytest_deploycheck.facts.recorded.checks import LogsRead
from pytest_deploycheck.handles.logs.answers import Absence, Count, QuestionRecord
from pytest_deploycheck.handles.logs.patterns import Text, to_pattern
from pytest_deploycheck.handles.logs.records import parse_records
from pytest_deploycheck.handles.logs.service_logs import IsOver, Window
from pytest_deploycheck.handles.logs.wait import RECENT, Held, LogWait
from pytest_deploycheck.judge.analysis.logs.evidence import evidence_of
from pytest_deploycheck.judge.analysis.logs.outcome import ExpectationOutcome
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer, Reading, matched
from pytest_deploycheck.judge.log_wording import answer_in_short, drop_notes, source_notes
from pytest_deploycheck.judge.record import AskedLogs
from pytest_deploycheck.judge.wording import plural, seconds
from pytest_deploycheck.redaction.handed import HANDED
from pytest_deploycheck.report.logs import account_of


class LogWindow:
    """The lines of the tasks that run the expected image in a window of time, and the questions to ask of them.

    Questions wait for an answer up to the log wait (`--deploy-log-wait`). Lines of tasks that run another image never
    count. Where the new tasks have no log events, or the logs cannot be read, a question fails the test as unproven.
    """

    def __init__(self, wait: LogWait, record: QuestionRecord, source: Path | None) -> None:
        self._wait = wait
        self._record = record
        self._source = source

    def __contains__(self, pattern: Text) -> bool:
        """Return True if the text, or a match of the compiled pattern, is there or arrives within the log wait."""
        __tracebackhide__ = True
        expectation = Expectation("expect", (to_pattern(pattern),))
        held = self.hold(expectation, may_be_negated=True)
        if held.reading.answer is LogAnswer.MISSING and not held.cut_short:
            # `in` can only return False: the explanation is kept for whoever reports the failed assertion.
            self._record.why = self._why(expectation, held)
            self._record.longest_no = max(self._record.longest_no, held.waited)
            return False
        self._require(held, expectation)
        return True

    def wait_for(
        self, pattern: Text, *, count: int = 1, tasks: TaskScope = "any", timeout: float | None = None
    ) -> list[LogMatch]:
        """Wait until the pattern was logged, and return the events that have it, each with what of it matched.

        Args:
            pattern: Literal text, or a compiled regular expression.
            count: How many events are wanted, at least.
            tasks: `any` counts over all new tasks, `all` wants `count` events of each.
            timeout: Seconds to wait; default: the log wait.

        Raises:
            AssertionError: It was not logged in time; the message tells what was read and the last lines seen.
            UnprovenError: It cannot be known.
        """
        __tracebackhide__ = True
        _require_one_of("tasks", tasks, TaskScope)
        if count < 1:
            raise ValueError(f"count: expected 1 or more, found {count}; for none at all there is absent()")
        expectation = Expectation("expect", (to_pattern(pattern),), count=count, tasks=tasks)
        found = self._insist(expectation, timeout)
        return [matched(expectation.patterns[0], event) for event in _handed(found)]

    def wait_for_sequence(
        self, *patterns: Text, within: SequenceScope = "task", timeout: float | None = None
    ) -> list[LogMatch]:
        """Wait until the patterns were logged in this order, and return the events, one for each.

        Args:
            patterns: Literal texts or compiled regular expressions.
            within: `task` wants the order within one task, `service` over all new tasks merged by time.
            timeout: Seconds to wait; default: the log wait.

        Raises:
            AssertionError: They were not logged so in time.
            UnprovenError: It cannot be known.
        """
        __tracebackhide__ = True
        _require_one_of("within", within, SequenceScope)
        if not patterns:
            raise ValueError("patterns: expected one or more, found none")
        expectation = Expectation("sequence", tuple(map(to_pattern, patterns)), within=within)
        found = _handed(self._insist(expectation, timeout)[: len(patterns)])
        return [matched(pattern, event) for pattern, event in zip(expectation.patterns, found, strict=True)]

    def absent(self, pattern: Text, *, timeout: float | None = None) -> Absence:
        """Return True if no new task logged the pattern: true when that is known, false when one did.

        The events of a task are complete up to one that CloudWatch took in long enough ago (`log_settle`). It waits
        until that is so for each new task up to the call. Where tasks log nothing more, the absence is known up to
        their last lines only: `until` of the answer tells up to when.

        Args:
            pattern: Literal text, or a compiled regular expression.
            timeout: Seconds to wait; default: the log wait, and at least 40 seconds.

        Raises:
            UnprovenError: It cannot be known, as a task has no events, or none that is old enough.
        """
        __tracebackhide__ = True
        expectation = Expectation("forbid", (to_pattern(pattern),))
        held = self.hold(expectation, timeout=timeout)
        if held.reading.answer is not LogAnswer.LOGGED:
            self._require(held, expectation)
        return Absence(expectation.patterns[0], _handed(held.reading.events), held.reading.until)

    def count(self, pattern: Text, *, timeout: float | None = None) -> Count:
        """The number of events that have the pattern, exact up to the moment that `until` of the answer tells.

        It waits until each new task has events and no event that counts is so young that earlier ones may still come.
        To see that there are enough, `wait_for` with its `count` is quicker; for what an action causes, ask a capture.

        Args:
            pattern: Literal text, or a compiled regular expression.
            timeout: Seconds to wait; default: the log wait, and at least 40 seconds.

        Raises:
            UnprovenError: The number is not known for sure.
        """
        __tracebackhide__ = True
        wanted = to_pattern(pattern)
        held = self._wait.count(wanted, self._window(), timeout=timeout)
        self._record.note(held.sight)
        if held.reading.answer is not LogAnswer.HOLDS:
            raise UnprovenError(self._unproven(f"count of {wanted}", held.reading, held.sight))
        return Count(len(held.reading.events), held.reading.until)

    def events(self) -> list[LogEvent]:
        """All events so far, the oldest first.

        Raises:
            UnprovenError: Some of the logs cannot be read, or there are more events than are kept, so that a list
                would pass for all there is.
        """
        __tracebackhide__ = True
        logs = self._wait.logs
        is_over = self._wait.reading_limit(self._wait.log_wait)
        sight = logs.reader.poll(logs.within(self._window()), (EVERYTHING,), is_over=is_over, whole=True)
        self._record.sight = sight
        self._require_whole(sight)
        if sight.is_cut:
            raise UnprovenError(
                f"unproven: there are more than the {plural(len(sight.events), 'event')} that are kept. Ask for a "
                "pattern, choose a shorter window (capture(), --deploy-since), or use query()."
            )
        return _handed(sight.events)

    def records(self, schema: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The events so far that are JSON objects, as dictionaries, the oldest first; other lines are left out.

        Args:
            schema: A JSON Schema that each of them must satisfy.

        Raises:
            AssertionError: One does not; the message tells the path in it and the line.
            UnprovenError: As `events`; also where the new tasks have no events.
        """
        __tracebackhide__ = True
        events = self.events()
        sight = LogSight(self._wait.logs.within(self._window()), tuple(events))
        self._record.note(sight)
        if not events:
            reading = Reading(LogAnswer.NO_EVENTS, lacking=sight.tasks_without_events)
            raise UnprovenError(self._unproven("records", reading, sight))
        return parse_records(events, schema)

    def tail(self, n: int = 10) -> list[LogEvent]:
        """The last `n` events so far, the oldest of them first.

        Raises:
            UnprovenError: Some of the logs cannot be read.
        """
        __tracebackhide__ = True
        if n < 0:
            raise ValueError(f"n: expected 0 or more, found {n}")
        logs = self._wait.logs
        scope = logs.within(self._window())
        is_over = self._wait.reading_limit(self._wait.log_wait)
        sight = logs.reader.recall(LogSight(scope), (), n, is_over=is_over)
        self._record.sight = sight
        self._require_whole(sight)
        return _handed(sight.recent)

    def elsewhere(self, expectation: Expectation, is_over: IsOver) -> tuple[LogEvent, ...]:
        """Events with the patterns from tasks that run something else: they explain, and never count."""
        logs = self._wait.logs
        scope = logs.scope.of_old
        sight = logs.reader.poll(scope, expectation.patterns, is_over=is_over, whole=True)
        matchers = [pattern.matcher() for pattern in expectation.patterns]
        return tuple(event for event in sight.events if any(map(event.has, matchers)))

    def stands_in(self, expectation: Expectation) -> tuple[str, ...]:
        """The places where the local source has what is expected, such as `app/api/websocket.py:107`."""
        if self._source is None:
            return ()
        found = (find_in_source(self._source, pattern, limit=1) for pattern in expectation.patterns)
        return tuple(str(place) for places in found for place in places)

    def hold(
        self,
        expectation: Expectation,
        *,
        timeout: float | None = None,
        asked_at: datetime | None = None,
        is_over: IsOver | None = None,
        may_be_negated: bool = False,
        vain_after: float | None = None,
    ) -> Held:
        """Wait until the logs answer an expectation for good, and return how they did: as `LogWait.hold` does."""
        window = self._window()
        asked_at = asked_at or self._wait.logs.now()
        held = self._wait.hold(
            expectation,
            window,
            timeout=timeout,
            asked_at=asked_at,
            is_over=is_over,
            may_be_negated=may_be_negated,
            vain_after=vain_after,
        )
        self._record.note(held.sight)
        read = LogsRead(held.sight, window.until or asked_at, held.waited, cut_short=held.cut_short)
        self._record.asked.append(AskedLogs(expectation, read.bounded()))
        return held

    def _window(self) -> Window:
        """The part of the log that is searched."""
        return Window()

    def _insist(self, expectation: Expectation, timeout: float | None) -> list[LogEvent]:
        __tracebackhide__ = True
        held = self.hold(expectation, timeout=timeout)
        if held.reading.answer is LogAnswer.MISSING and not held.cut_short:
            raise AssertionError(self._why(expectation, held))
        self._require(held, expectation)
        return list(held.reading.events)

    def _require(self, held: Held, expectation: Expectation) -> None:
        """Fail as unproven where the logs gave no answer."""
        __tracebackhide__ = True
        if held.reading.answer is LogAnswer.HOLDS:
            return
        why = " (the test's own time limit ended the wait early)" if held.cut_short else ""
        raise UnprovenError(f"unproven: {self._why(expectation, held)}{why}")

    def _require_whole(self, sight: LogSight) -> None:
        """Fail as unproven where not everything was read that the new tasks log."""
        __tracebackhide__ = True
        if not sight.scope.streams or sight.scope.problems or sight.scope.blind or sight.problems:
            account = account_of(evidence_of(self._explained(sight)))
            raise UnprovenError(f"unproven: not all of the logs can be read\n{account}")

    def _unproven(self, what: str, reading: Reading, sight: LogSight) -> str:
        """Return the reason why a question has no answer, with what was read."""
        short = answer_in_short(Expectation("expect", (EVERYTHING,)), reading, sight)
        return f"unproven: {what}: {short}\n{account_of(evidence_of(self._explained(sight)))}"

    def _why(self, expectation: Expectation, held: Held) -> str:
        """Return the reason why an expectation does not hold, with what was read and the last lines seen."""
        sight = self._explained(held.sight)
        is_missing = held.reading.answer is LogAnswer.MISSING
        outcome = ExpectationOutcome(
            expectation,
            held.reading,
            sight,
            held.waited,
            elsewhere=self.elsewhere(expectation, self._wait.reading_limit()),
            stands_in=self.stands_in(expectation) if is_missing else (),
        )
        evidence = evidence_of(
            sight,
            expectation=expectation,
            reading=held.reading,
            near_misses=outcome.near_misses,
            elsewhere=outcome.elsewhere,
        )
        answer = answer_in_short(expectation, held.reading, sight)
        lines = [f"expected {expectation}: {answer}, after {seconds(held.waited)}", account_of(evidence)]
        lines += [*drop_notes(sight), *source_notes(outcome.stands_in)] if is_missing else []
        return "\n".join(lines)

    def _explained(self, sight: LogSight) -> LogSight:
        """The sight with the last lines, where it has none yet."""
        if sight.recent or not sight.scope.streams:
            return sight
        return self._wait.logs.reader.recall(sight, (), RECENT, is_over=self._wait.reading_limit())


def _handed(events: Sequence[LogEvent]) -> list[LogEvent]:
    """Return events that a test is given; no report of it may show the secrets in them."""
    HANDED.note(*(text for event in events for text in dict.fromkeys((event.message, event.text))))
    return list(events)


def _require_one_of(name: str, value: str, allowed: object) -> None:
    words = get_args(allowed)
    if value not in words:
        raise ValueError(f"{name}: expected {' or '.join(map(repr, words))}, found {value!r}")
