"""The checks of the declared log expectations, all waited for together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.facts.log import LogEvent
from pytest_deploycheck.facts.recorded.checks import CheckFacts, LogsRead
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.judge.analysis.logs.outcome import ExpectationOutcome
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer, Reading
from pytest_deploycheck.judge.checks.logs import LogCheck, judge_expectation
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.polling import Clock, Overtime

_LAST_PAGE = 4.0
"""Seconds of the overtime that are left for the page under way when the time for reading is over."""

_EXPLAINED_WITHIN = 5.0
"""Seconds of a wait that was not needed in which old tasks may be read to explain an answer."""


class _Start(Struct, frozen=True):
    """The start of the log checks.

    Attributes:
        at: The moment by the servers' clock, up to which an absence must hold.
        monotonic: The same by the clock of waits.
    """

    at: datetime
    monotonic: float


def outcome_of(expectation: Expectation, read: LogsRead, reading: Reading) -> ExpectationOutcome:
    """Return the result of an expectation from what was read of the logs, and the answer that this gives."""
    return ExpectationOutcome(
        expectation,
        reading,
        read.sight,
        waited=read.waited,
        elsewhere=read.elsewhere,
        stands_in=read.stands_in,
        cut_short=read.cut_short,
        is_elsewhere_read=read.is_elsewhere_read,
    )


class LogChecks(Struct):
    """Carries out the log checks of a run.

    The expectations of all services are waited for together: the log wait begins with the first check, so that ten
    services without a line cost one wait.

    Attributes:
        tail: Returns the log tail of a service.
        log_wait: Seconds that an expected line may take to arrive.
        clock: Where the time of waits comes from.
        now: The time by the servers' clock (UTC).
        overtime: The time that reading may take beyond the log wait.
    """

    tail: Callable[[str], LogTail]
    log_wait: float
    clock: Clock
    now: Callable[[], datetime]
    overtime: Overtime
    _start: _Start | None = None

    def begin(self) -> _Start:
        """Begin the wait, if it has not begun, and return its start."""
        if self._start is None:
            self._start = _Start(self.now(), self.clock.monotonic())
        return self._start

    def judge(self, service: str, check: LogCheck) -> Finding:
        """Carry out the check of one declared expectation."""
        tail, expectation = self.tail(service), check.expectation
        start = self.begin()
        waited = self.clock.monotonic() - start.monotonic
        timeout = max(0.0, tail.longest_wait(expectation, self.log_wait) - waited)
        with self.overtime.step(timeout):
            last_page = min(_LAST_PAGE, self.overtime.time_left() / 4)
            held = tail.hold(
                expectation,
                timeout=timeout,
                asked_at=start.at,
                is_over=lambda: self.overtime.time_left() < last_page,
                vain_after=max(0.0, self.log_wait - waited),
            )
        waited = self.clock.monotonic() - start.monotonic
        rest = tail.longest_wait(expectation, self.log_wait) - waited
        with self.overtime.step(min(max(0.0, rest), _EXPLAINED_WITHIN)):
            elsewhere, is_read = self._elsewhere(tail, expectation, held.reading.answer)
        read = LogsRead(
            held.sight,
            start.at,
            waited,
            elsewhere,
            tail.stands_in(expectation) if held.reading.answer is LogAnswer.MISSING else (),
            held.cut_short,
            is_read,
        )
        finding = judge_expectation(check, outcome_of(expectation, read, held.reading))
        return replace(finding, facts=CheckFacts(logs=read.bounded()))

    def _elsewhere(
        self, tail: LogTail, expectation: Expectation, answer: LogAnswer
    ) -> tuple[tuple[LogEvent, ...], bool]:
        """The events of old tasks that explain an answer, and whether there was time to read them."""
        # They explain a line that is missing, and one that is absent from the new tasks only.
        if (answer is LogAnswer.HOLDS and expectation.kind != "forbid") or not tail.scope.old_streams:
            return (), True
        with self.overtime.explanation() as is_over:
            return tail.elsewhere(expectation, is_over), not is_over()
