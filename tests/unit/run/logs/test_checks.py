"""The log checks of a run: one wait for all services and expectations, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from support.log_fakes import LOG_WAIT, START, FakeClock, FakeReader
from support.worlds import scope, stream

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import UNREAD, LogEvent, LogScope, LogSight
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.handles.logs.service_logs import IsOver, ServiceLogs
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.handles.logs.wait import LogWait
from pytest_deploycheck.judge.checks.logs import log_check
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.polling import OVERTIME, Overtime
from pytest_deploycheck.run.logs.checks import LogChecks
from pytest_deploycheck.sandbox import incident

FORBIDDEN = "platform='linkedin'"

EXPECTATIONS = tuple(
    Expectation(
        "sequence" if "sequence" in one else "forbid" if "forbid" in one else "expect",
        tuple(map(Pattern, one["sequence"]))
        if "sequence" in one
        else (Pattern(str(next(iter(one.values()))), regex="expect_regex" in one),),
        count=int(one.get("count", 1)),
        tasks=one.get("tasks", "any"),
    )
    for one in incident.EXPECTATIONS
)


@dataclass
class Run:
    """The log checks of some services with one clock."""

    clock: FakeClock
    tails: dict[str, LogTail] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.overtime = Overtime(self.clock)
        self.checks = LogChecks(self.tails.__getitem__, LOG_WAIT, self.clock, self.now, self.overtime)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self.clock.seconds - 1000.0

    def now(self) -> datetime:
        """The time by the servers' clock."""
        return START + timedelta(seconds=self.seconds)

    def add(self, name: str, reader: FakeReader, whole: LogScope | None = None) -> None:
        """Add a service with two tasks."""
        logs = ServiceLogs(whole or scope("one", "two"), reader, clock=self.clock, now=self.now)
        self.tails[name] = LogTail(name, LogWait(logs, log_wait=LOG_WAIT))

    def judge(self, *expectations: Expectation) -> list[Finding]:
        """Carry out the checks of all services, one after the other."""
        return [
            self.checks.judge(name, log_check(number, expectation))
            for name in self.tails
            for number, expectation in enumerate(expectations, start=1)
        ]


@pytest.fixture
def run() -> Run:
    """A run without services."""
    return Run(FakeClock())


def line(second: float, text: str, task: str) -> tuple[float, LogEvent]:
    """A line that a task logs at a second after the start, and that is visible a second later."""
    moment = START + timedelta(seconds=second)
    name = f"{task}/{second}/{text}"
    return second + 1, LogEvent(name, moment, moment + timedelta(seconds=1), text, task, f"ecs/app/{task}")


def both(second: float, text: str) -> list[tuple[float, LogEvent]]:
    """A line of both tasks."""
    return [line(second, text, task) for task in ("one", "two")]


def busy(*blocks: Sequence[str]) -> list[tuple[float, LogEvent]]:
    """The lines of two tasks that started 20 seconds ago and log every two seconds."""
    own = [text for block in blocks for text in block]
    own_lines = [one for position, text in enumerate(own) for one in both(position / 10 - 18, text)]
    return [*own_lines, *(one for second in range(-16, 120, 2) for one in both(second, incident.HEALTH_CHECK_LINE))]


def young() -> LogScope:
    """The logs of a rollout that ended ten seconds ago."""
    began, ended = (START - timedelta(seconds=age) for age in (20, 10))
    return replace(scope("one", "two"), since=began, rolled_out_at=ended)


def test_the_checklist_of_an_incident_is_verified_within_35_seconds(run: Run) -> None:
    """Ten seconds after a rollout, with tasks that log every two seconds, all seven expectations hold."""
    lines = busy(incident.START_UP_LINES, incident.EXPECTED_LINES)
    run.add("backend", FakeReader(run.clock, lines), young())
    findings = run.judge(*EXPECTATIONS)
    assert [one.status for one in findings] == [Status.PASS] * 7, [one.summary for one in findings]
    assert run.seconds <= 35


def test_an_old_line_refutes_at_once(run: Run) -> None:
    """A forbidden line that is there needs no wait."""
    lines = busy(incident.START_UP_LINES, incident.EXPECTED_LINES, [f"Generating for {FORBIDDEN}"])
    run.add("backend", FakeReader(run.clock, lines), young())
    finding = run.judge(*EXPECTATIONS)[3]
    assert finding.status is Status.FAIL
    assert run.seconds <= 1


@pytest.mark.parametrize("lines", [[], both(-30, "started")], ids=["no lines", "other lines"])
def test_ten_services_without_a_line_cost_one_wait(run: Run, lines: list[tuple[float, LogEvent]]) -> None:
    """All services and all their expectations are waited for together, from the first check on."""
    for number in range(10):
        run.add(f"service-{number}", FakeReader(run.clock, lines))
    findings = run.judge(Expectation("expect", (Pattern("ready"),)), Expectation("forbid", (Pattern("old"),)))
    assert {one.status for one in findings[::2]} == {Status.FAIL if lines else Status.UNPROVEN}
    assert run.seconds == pytest.approx(LOG_WAIT, abs=1)


def test_a_log_group_that_does_not_exist_costs_the_log_wait(run: Run) -> None:
    """A log router's lines settle in two minutes, which are not waited for where there is no line at all."""
    slow = tuple(replace(stream(task), settle=120.0) for task in ("one", "two"))
    failing = (Problem("logs:FilterLogEvents", "GroupNotFound", "The log group /shop does not exist.", "Create it."),)
    run.add("backend", FakeReader(run.clock, failing=failing), replace(young(), streams=slow))
    findings = run.judge(Expectation("forbid", (Pattern("old"),)), Expectation("forbid", (Pattern("older"),)))
    assert [one.status for one in findings] == [Status.ERROR] * 2
    assert run.seconds == pytest.approx(LOG_WAIT, abs=1)


@dataclass
class SlowReader(FakeReader):
    """Logs of which a page takes ten seconds, or as long as calls may take."""

    overtime: Overtime | None = None

    def _page(self, sight: LogSight, is_over: IsOver) -> LogSight:
        assert self.overtime
        if not is_over():
            self.clock.seconds += min(10.0, max(0.0, self.overtime.time_left()))
        return replace(sight, problems=(Problem("logs:FilterLogEvents", UNREAD, "Not read.", "Wait.", passing=True),))

    def poll(self, scope: LogScope, patterns: Sequence[Pattern], *, is_over: IsOver, **how: Any) -> LogSight:
        """Return nothing, and say that it was not read to its end."""
        return self._page(super().poll(scope, patterns, is_over=is_over, **how), is_over)

    def sample(self, sight: LogSight, start: datetime, *, is_over: IsOver) -> LogSight:
        """Return nothing."""
        return self._page(super().sample(sight, start, is_over=is_over), is_over)

    def recall(self, sight: LogSight, patterns: Sequence[Pattern], number: int, *, is_over: IsOver) -> LogSight:
        """Return nothing."""
        return self._page(super().recall(sight, patterns, number, is_over=is_over), is_over)


def test_logs_that_are_slow_to_read_end_with_the_wait_and_one_overtime(run: Run) -> None:
    """However many services and expectations there are, reading beyond the wait is shared, and a note says so."""
    whole = replace(scope("one", "two"), old_streams=(stream("old"),))
    for number in range(5):
        run.add(f"service-{number}", SlowReader(run.clock, both(-30, "started"), overtime=run.overtime), whole)
    findings = run.judge(Expectation("expect", (Pattern("ready"),)), Expectation("forbid", (Pattern("old"),)))
    assert {one.status for one in findings} == {Status.UNPROVEN}
    assert run.seconds <= LOG_WAIT + OVERTIME + 1
    assert any("not read to their end" in note for note in findings[-1].notes)


def test_a_wait_that_was_too_short_names_a_longer_one(run: Run) -> None:
    """The remedy is never a wait of no seconds, however quickly lines settle."""
    quick = tuple(replace(one, settle=0.1) for one in scope("one").streams)
    reader = FakeReader(run.clock, [line(-15, "started", "one")])
    run.add("backend", reader, replace(young(), tasks=("one",), streams=quick))
    (finding,) = run.judge(Expectation("forbid", (Pattern("old"),)))
    assert finding.status is Status.UNPROVEN
    assert "--deploy-log-wait=120s" in finding.remedy


def test_without_a_log_nothing_is_waited_for(run: Run) -> None:
    """A forbidden line of a service without tasks has no wait that an explanation could use up."""
    empty = replace(scope(), old_streams=(stream("old"),))
    run.add("backend", SlowReader(run.clock, overtime=run.overtime), empty)
    (finding,) = run.judge(Expectation("forbid", (Pattern("old"),)))
    assert finding.status is Status.UNPROVEN
    assert run.seconds <= OVERTIME / 2
