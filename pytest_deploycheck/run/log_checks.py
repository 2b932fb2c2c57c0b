"""The checks of the declared log expectations, all waited for together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.judge.analysis.logs.outcome import ExpectationOutcome
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer
from pytest_deploycheck.judge.checks.logs import LogCheck, judge_expectation
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.polling import Clock


class _Start(Struct, frozen=True):
    """The start of the log checks.

    Attributes:
        at: The moment by the servers' clock, up to which an absence must hold.
        monotonic: The same by the clock of waits.
    """

    at: datetime
    monotonic: float


class LogChecks(Struct):
    """Carries out the log checks of a run.

    The expectations of all services are waited for together: the log wait begins with the first check, so that ten
    services without a line cost one wait.

    Attributes:
        tail: Returns the log tail of a service.
        log_wait: Seconds that an expected line may take to arrive.
        clock: Where the time of waits comes from.
        now: The time by the servers' clock (UTC).
    """

    tail: Callable[[str], LogTail]
    log_wait: float
    clock: Clock
    now: Callable[[], datetime]
    _start: _Start | None = None

    def judge(self, service: str, check: LogCheck) -> Finding:
        """Carry out the check of one declared expectation."""
        tail, expectation = self.tail(service), check.expectation
        if self._start is None:
            self._start = _Start(self.now(), self.clock.monotonic())
        waited = self.clock.monotonic() - self._start.monotonic
        held = tail.hold(expectation, log_wait=self.log_wait, waited=waited, asked_at=self._start.at)
        answer = held.reading.answer
        # Old tasks explain a line that is missing, and one that is absent from the new tasks only.
        has_elsewhere = answer is not LogAnswer.HOLDS or expectation.kind == "forbid"
        outcome = ExpectationOutcome(
            expectation,
            held.reading,
            held.sight,
            waited=self.clock.monotonic() - self._start.monotonic,
            elsewhere=tail.elsewhere(expectation) if has_elsewhere else (),
            stands_in=tail.stands_in(expectation) if answer is LogAnswer.MISSING else (),
            cut_short=held.cut_short,
        )
        return judge_expectation(check, outcome)
