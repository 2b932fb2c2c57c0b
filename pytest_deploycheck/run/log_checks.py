"""The logs of one run: a tail for each service that is asked about, and the declared expectations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.facts.log import LogScope
from pytest_deploycheck.facts.snapshot import Observation, ServiceFacts
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.handles.logs.wait import Listener
from pytest_deploycheck.judge.analysis.log_reading import Answer
from pytest_deploycheck.judge.analysis.log_scope import Routed, log_scope
from pytest_deploycheck.judge.checks.logs import judge_expectation
from pytest_deploycheck.judge.finding import Check, Finding
from pytest_deploycheck.polling import Clock
from pytest_deploycheck.report.logs import nearest
from pytest_deploycheck.run.connections import Access

if TYPE_CHECKING:
    from pytest_deploycheck.observe.observer import Observer


class Hearing(Struct):
    """Hears the services of one run.

    Attributes:
        access: The ways in to AWS.
        environment: The environment.
        options: What was asked of this run.
        observation: Tells what was seen.
        clock: Where the time of waits comes from.
        time_left: Tells how many seconds the running test may still take, or None where nothing limits it.
        source: The folder in which to look for the code that should have said a line, or None.
        show: Shows how a wait gets on; an empty text ends that.
        tails: The log tails that were asked for so far, by service.
    """

    access: Access
    environment: EnvironmentSettings
    options: Options
    observation: Callable[[], Observation]
    clock: Clock
    time_left: Callable[[], float | None]
    source: Path | None
    show: Callable[[str], None]
    tails: dict[str, LogTail] = field(default_factory=dict)
    _observers: dict[str, Observer] = field(default_factory=dict)
    _checks_began: dict[str, float] = field(default_factory=dict)

    def tail(self, service: str) -> LogTail:
        """The log tail of a service, the same for all who ask."""
        if service not in self.tails:
            self.tails[service] = self._make_tail(service)
        return self.tails[service]

    def judge(self, service: str, check: Check) -> Finding:
        """Carry out a check `logs-N`."""
        number = int(check.id.removeprefix("logs-"))
        expectation = self.environment.services[service].logs[number - 1]
        tail = self.tail(service)
        # What is declared is waited for together: the log wait begins with the first of these checks.
        began = self._checks_began.setdefault(service, self.clock.monotonic())
        left = max(0.0, began + self.options.log_wait - self.clock.monotonic())
        held = tail.hold(expectation, timeout=left)
        holds = held.reading.answer is Answer.HOLDS
        return judge_expectation(
            check,
            expectation,
            held.reading,
            held.sight,
            waited=self.clock.monotonic() - began,
            elsewhere=() if holds and expectation.kind != "forbid" else tail.elsewhere(expectation),
            stands_in=tail.stands_in(expectation) if held.reading.answer is Answer.MISSING else (),
            details="" if holds else "\n".join([*nearest(expectation, held.sight), tail.account()]),
            cut_short=held.cut_short,
        )

    def close(self) -> None:
        """Let go of what costs while it is open."""
        for tail in self.tails.values():
            tail.close()

    def _make_tail(self, service: str) -> LogTail:
        declared = self.environment.services[service].logs
        listener = Listener(
            self._scope(self.observation().service(service)),
            self.access.log_reader,
            log_wait=self.options.log_wait,
            clock=self.clock,
            now=self.access.now,
            time_left=self.time_left,
            declared=[pattern for expectation in declared for pattern in expectation.patterns],
            follow=lambda: self._follow(service),
            use_live=self.environment.live_tail,
            show=self.show,
        )
        return LogTail(service, listener, source=self.source)

    def _scope(self, facts: ServiceFacts) -> LogScope:
        settings = self.environment.services[facts.name]
        now = self.observation().began_at
        return log_scope(
            facts,
            region=self.access.identity.region,
            since=self.options.since.resolve(now) if self.options.since else None,
            now=now,
            routed=Routed(settings.log_group, settings.log_stream) if settings.log_group else None,
        )

    def _follow(self, service: str) -> LogScope | None:
        """The logs to look at by now, as tasks are replaced; None where that cannot be seen."""
        if service not in self._observers:
            only = replace(self.options, services=(service,))
            self._observers[service] = self.access.observer(only, with_health=False)
        try:
            (facts,) = self._observers[service].observe()
        except DeploycheckError:
            return None
        return None if "tasks" in facts.problems else self._scope(facts)
