"""How the logs are waited for: the looks, their order, and when a wait may end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import LogScope, LogSight, LogStream
from pytest_deploycheck.judge.analysis.log_reading import Answer, Reading, read, read_count
from pytest_deploycheck.judge.wording import plural, seconds
from pytest_deploycheck.polling import Clock, Pace, Waited, wait

PACE = Pace(shortest=0.15, longest=1.0, share=0.01)
"""Quick while a line is most likely to come; a wait of a minute looks every 0.6 seconds in the end."""

MARGIN = 1.0
"""Seconds before a test's own time limit at which a wait ends, so that it can still explain itself."""

PROGRESS_AFTER = 3.0
"""Seconds of a wait after which it says what it waits for."""

WHOLE_EVERY = 10.0
"""Seconds of a wait after which the whole window is read again, or ten times what that took, if it is longer."""

FOLLOW_EVERY = 10.0
"""Seconds after which a wait looks again which tasks run."""

RECENT = 1000
"""Lines that are read to explain why an expected one is not there."""


class Live(Protocol):
    """Calls for a look when something wanted arrives."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Why it did not hear everything, in sentences."""
        ...

    def want(self, patterns: Sequence[Pattern]) -> None:
        """Call only for events that have one of these patterns."""
        ...

    def rest(self, seconds: float) -> bool:
        """Pass the seconds, or less where something wanted arrives, and tell whether it did."""
        ...

    def covers(self, streams: Sequence[LogStream]) -> bool:
        """Whether it listens to all of these streams."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


class Reader(Protocol):
    """Reads logs; delivers each event once, however often it looks."""

    def known(self, scope: LogScope, patterns: Sequence[Pattern]) -> LogSight:
        """What was found so far, without another look."""
        ...

    def look(
        self,
        scope: LogScope,
        patterns: Sequence[Pattern],
        *,
        also: Sequence[Pattern] = (),
        enough: int = 0,
        whole: bool = False,
    ) -> LogSight:
        """Read what is new of what has one of the patterns, or the whole window again."""
        ...

    def listen(self, sight: LogSight, start: datetime, end: datetime | None = None) -> LogSight:
        """The sight, with which of its streams said anything from `start` to `end`."""
        ...

    def recall(self, sight: LogSight, patterns: Sequence[Pattern], number: int) -> LogSight:
        """The sight, with the last lines, whatever they say."""
        ...

    def live(self, streams: Sequence[LogStream]) -> Live:
        """Begin to listen for what arrives in some streams."""
        ...

    def query(self, scope: LogScope, text: str, *, clock: Clock, timeout: float) -> list[dict[str, str]]:
        """The rows of a Logs Insights query over the scope."""
        ...


class Window(Struct, frozen=True):
    """The part of the log that a question is about.

    Attributes:
        since: Its start, or None for the start of the tail's own window.
        until: Up to when an absence must hold, or None for the latest moment that can be known.
    """

    since: datetime | None = None
    until: datetime | None = None


class Held(Struct, frozen=True):
    """How the wait for an answer ended.

    Attributes:
        reading: What the logs say.
        sight: What was read.
        waited: Seconds.
        cut_short: Whether the test's own time limit ended the wait early, with the answer still open.
    """

    reading: Reading
    sight: LogSight
    waited: float
    cut_short: bool


class _Question(Struct, frozen=True):
    """What is waited for.

    Attributes:
        what: The question in words.
        patterns: What to look for.
        window: The part of the log that is searched.
        judge: What a sight says of it.
        is_final: Whether a sight answers it for good.
        needs_silence: Whether the answer rests on what was not said.
        asked_at: The moment after which each new task should speak, or None.
        enough: The number of events that answers it, or 0 where that is not known before.
    """

    what: str
    patterns: Sequence[Pattern]
    window: Window
    judge: Callable[[LogSight], Reading]
    is_final: Callable[[LogSight], bool]
    needs_silence: bool
    asked_at: datetime | None = None
    enough: int = 0


class Listener:
    """Waits for answers from the logs of one service.

    Args:
        scope: Which logs to look at.
        reader: Reads them.
        log_wait: Seconds to wait where a question does not say.
        clock: Where the time of waits comes from.
        now: The time by the servers' clock (UTC).
        time_left: Tells how many seconds the running test may still take, or None where nothing limits it.
        declared: What else is going to be asked: read along where that costs no further call.
        follow: Looks again which tasks run; None where that could not be seen.
        use_live: Whether a wait may open a Live Tail.
        show: Shows how a wait gets on; an empty text ends that.
    """

    def __init__(
        self,
        scope: LogScope,
        reader: Reader,
        *,
        log_wait: float,
        clock: Clock,
        now: Callable[[], datetime],
        time_left: Callable[[], float | None] = lambda: None,
        declared: Sequence[Pattern] = (),
        follow: Callable[[], LogScope | None] = lambda: None,
        use_live: bool = False,
        show: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.scope = scope
        self.reader = reader
        self.clock = clock
        self.now = now
        self._log_wait = log_wait
        self._time_left = time_left
        self._declared = tuple(declared)
        self._follow = follow
        self._followed_at = clock.monotonic()
        self._use_live = use_live
        self._live: Live | None = None
        self._show = show
        self._lock = threading.Lock()

    def hold(
        self, expectation: Expectation, window: Window, *, timeout: float | None = None, fresh: bool = False
    ) -> Held:
        """Wait until the logs answer an expectation for good, and say how they did.

        Args:
            expectation: What to look for.
            window: The part of the log that is searched.
            timeout: Seconds to wait; default: the log wait.
            fresh: Whether an absence should wait until each new task has said something later than the question, so
                that what was just triggered is heard as well.
        """
        asked_at = self.now()
        is_absence = expectation.kind == "forbid"

        def judge(sight: LogSight) -> Reading:
            return read(expectation, sight, until=window.until)

        def is_final(sight: LogSight) -> bool:
            answer = judge(sight).answer
            if answer is Answer.HOLDS and fresh:
                return _all_spoke_since(asked_at, sight)
            return answer is (Answer.BROKEN if is_absence else Answer.HOLDS) or (is_absence and answer is Answer.HOLDS)

        if not is_absence:
            known = self.reader.known(self.scope_of(window), expectation.patterns)
            if judge(known).answer is Answer.HOLDS:
                return Held(judge(known), known, waited=0.0, cut_short=False)
        question = _Question(
            str(expectation),
            expectation.patterns,
            window,
            judge,
            is_final,
            needs_silence=is_absence,
            asked_at=asked_at if fresh else None,
            enough=expectation.count if expectation.kind == "expect" and expectation.tasks == "any" else 0,
        )
        return self._wait(question, timeout)

    def count(self, pattern: Pattern, window: Window, *, timeout: float | None = None) -> Held:
        """Wait until the number of events with a pattern is exact, and say which they are."""

        def judge(sight: LogSight) -> Reading:
            return read_count(pattern, sight, until=window.until)

        def is_final(sight: LogSight) -> bool:
            return judge(sight).answer is Answer.HOLDS

        question = _Question(f"the count of {pattern}", (pattern,), window, judge, is_final, needs_silence=True)
        return self._wait(question, timeout)

    def scope_of(self, window: Window) -> LogScope:
        """The logs that a question is about."""
        return replace(self.scope, since=window.since) if window.since else self.scope

    def whole(self, window: Window, patterns: Sequence[Pattern]) -> LogSight:
        """One look at the whole window."""
        return self.reader.look(self.scope_of(window), patterns, whole=True)

    def close(self) -> None:
        """Let go of what costs while it is open."""
        if self._live:
            self._live.close()

    def _wait(self, question: _Question, timeout: float | None) -> Held:
        if not self.scope.streams:
            sight = LogSight(self.scope_of(question.window))
            return Held(question.judge(sight), sight, waited=0.0, cut_short=False)
        wanted = self._log_wait if timeout is None else timeout
        left = self._time_left()
        patience = wanted if left is None else min(wanted, max(0.0, left - MARGIN))
        waited = self._look_until_final(question, patience)
        sight = waited.last
        if not waited.settled or question.needs_silence:
            sight = self._last_look(question)
        cut_short = patience < wanted and not question.is_final(sight)
        reading = question.judge(sight)
        if cut_short and question.needs_silence and reading.answer is Answer.HOLDS:
            # The time to hear each task was not given, so nothing is proven.
            reading = Reading(Answer.UNSETTLED, reading.events)
        return Held(reading, sight, waited.elapsed, cut_short)

    def _look_until_final(self, question: _Question, patience: float) -> Waited[LogSight]:
        began = self.clock.monotonic()
        next_whole = began + WHOLE_EVERY

        def look() -> LogSight:
            nonlocal next_whole
            self._follow_tasks()
            also = () if question.window.since else self._declared
            scope = self.scope_of(question.window)
            started = self.clock.monotonic()
            is_whole = started >= next_whole
            sight = self.reader.look(scope, question.patterns, also=also, enough=question.enough, whole=is_whole)
            if is_whole:
                took = self.clock.monotonic() - started
                next_whole = self.clock.monotonic() + max(WHOLE_EVERY, 10 * took)
            if question.needs_silence:
                sight = self._listen_for_silence(sight, question)
            elapsed = self.clock.monotonic() - began
            if elapsed >= PROGRESS_AFTER:
                seen = plural(len(sight.events), "matching event")
                waited = f"{int(min(elapsed, patience))} s of {seconds(patience)}"
                self._show(f"waiting for {question.what}: {waited}, {seen} so far")
            return sight

        def rest(seconds: float) -> bool:
            live = self._live_tail(question.patterns)
            if live:
                return live.rest(seconds)
            self.clock.sleep(seconds)
            return False

        try:
            return wait(look, question.is_final, timeout=patience, clock=self.clock, pace=PACE, rest=rest)
        finally:
            self._show("")

    def _last_look(self, question: _Question) -> LogSight:
        """The look before a no, or before silence counts: at the whole window, at who spoke, and at the last lines.

        The looks before it read back a little only, and through the service's own filter; a line that the filter had
        missed would be found among the last.
        """
        notes = self._live.notes if self._live else ()
        sight = self.whole(question.window, question.patterns)
        if sight.problems:
            # What cannot be read gives no answer, whoever spoke.
            return replace(sight, notes=(*sight.notes, *notes))
        if question.needs_silence:
            sight = self._listen_for_silence(sight, question)
        else:
            sight = self._with_voices(self.reader.listen(sight, sight.scope.since), question.window)
        if question.needs_silence or question.judge(sight).answer is not Answer.HOLDS:
            sight = self._with_voices(self.reader.recall(sight, question.patterns, RECENT), question.window)
        return replace(sight, notes=(*sight.notes, *notes))

    def _with_voices(self, sight: LogSight, window: Window) -> LogSight:
        """In a window that is opened around an action, not every task needs to speak: it is enough that one did.

        That the others can be heard at all, they have shown before.
        """
        if window.since is None or not sight.heard:
            return sight
        before = self.reader.listen(replace(sight, scope=self.scope), self.scope.since)
        return replace(sight, spoke=before.spoke)

    def _listen_for_silence(self, sight: LogSight, question: _Question) -> LogSight:
        """The sight, with what makes a silence tell: who spoke before it, and who has spoken since."""
        settled = sight.settled_until
        if question.window.until:
            sight = self.reader.listen(sight, question.window.until)
        elif settled:
            since = sight.scope.since
            sight = self.reader.listen(sight, since, max(settled, since))
            sight = self.reader.listen(sight, question.asked_at or max(settled, since))
        return self._with_voices(sight, question.window)

    def _follow_tasks(self) -> None:
        """See now and then which tasks run: those that replace others are heard too."""
        with self._lock:
            if self.clock.monotonic() - self._followed_at < FOLLOW_EVERY:
                return
            self._followed_at = self.clock.monotonic()
        newer = self._follow()
        if newer:
            with self._lock:
                self.scope = self.scope.followed_by(newer)

    def _live_tail(self, patterns: Sequence[Pattern]) -> Live | None:
        if not self._use_live:
            return None
        with self._lock:
            if self._live is None or not self._live.covers(self.scope.streams):
                if self._live:
                    self._live.close()
                self._live = self.reader.live(self.scope.streams)
            self._live.want(patterns)
            return self._live


def _all_spoke_since(moment: datetime, sight: LogSight) -> bool:
    """Whether every new task said something later than `moment`."""
    spoke = {one.stream for one in sight.spoke if one.last > moment}
    return bool(sight.scope.tasks) and spoke.issuperset(sight.scope.current_streams)
