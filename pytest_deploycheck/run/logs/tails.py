"""The log tails of one run, one for each service that is asked about."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.facts.log import LogScope
from pytest_deploycheck.facts.snapshot import Observation, ServiceFacts
from pytest_deploycheck.handles.logs.read_ahead import LogReadAhead, wanted_lines
from pytest_deploycheck.handles.logs.service_logs import ServiceLogs
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.handles.logs.wait import LogWait
from pytest_deploycheck.judge.analysis.logs.scope import LogSettings, log_scope
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.polling import Clock
from pytest_deploycheck.run.connections import Access

if TYPE_CHECKING:
    from pytest_deploycheck.observe.observer import Observer


class TailSettings(Struct, frozen=True):
    """The settings with which the log tails of a run wait.

    Attributes:
        clock: Where the time of waits comes from.
        time_left: Tells how many seconds the running test may still take, or None where nothing limits it.
        source: The folder in which to look for the code that logs a line, or None.
        show: Shows the progress of a wait; an empty text ends that.
    """

    clock: Clock
    time_left: Callable[[], float | None]
    source: Path | None
    show: Callable[[str], None]


class LogTails(Struct):
    """Makes the log tail of each service that is asked about, once.

    Attributes:
        access: The connections to AWS.
        environment: The environment.
        options: What was asked of this run.
        observation: Returns what was observed.
        settings: How they wait.
        tails: The log tails that were asked for so far, by service.
    """

    access: Access
    environment: EnvironmentSettings
    options: Options
    observation: Callable[[], Observation]
    settings: TailSettings
    tails: dict[str, LogTail] = field(default_factory=dict)
    _observers: dict[str, Observer] = field(default_factory=dict)
    _log_read_ahead: LogReadAhead | None = None

    def tail(self, service: str) -> LogTail:
        """The log tail of a service, the same for all who ask."""
        with self.access.overtime.step():
            self._ahead.finish(service)
        if service not in self.tails:
            self.tails[service] = self._make(service)
        return self.tails[service]

    def read_ahead(self, analysis: ServiceAnalysis) -> None:
        """Begin to read the lines that the checks of a service expect, where its rollout is settled."""
        facts = analysis.facts
        if not analysis.awaited:
            expectations = self.environment.services[facts.name].logs
            wanted = wanted_lines(facts.name, self._scope(facts, analysis), expectations)
            if wanted:
                self._ahead.begin(wanted)

    def close(self) -> None:
        """Release the resources that it holds."""
        self._ahead.close()
        for tail in self.tails.values():
            tail.close()

    @property
    def _ahead(self) -> LogReadAhead:
        if self._log_read_ahead is None:
            # Outside of the steps of a run nothing would limit the call that a check then has to wait for.
            overtime = self.access.overtime
            self._log_read_ahead = LogReadAhead(
                lambda: self.access.log_reader, lambda: not 0 < overtime.time_left() < math.inf
            )
        return self._log_read_ahead

    def _make(self, service: str) -> LogTail:
        declared = self.environment.services[service].logs
        logs = ServiceLogs(
            self._scope(self.observation().service(service)),
            self.access.log_reader,
            clock=self.settings.clock,
            now=self.access.now,
            follow=lambda: self._follow(service),
            use_live=self.environment.live_tail,
        )
        wait = LogWait(
            logs,
            log_wait=self.options.log_wait,
            time_left=self.settings.time_left,
            declared=[pattern for expectation in declared for pattern in expectation.patterns],
            show=self.settings.show,
        )
        return LogTail(service, wait, source=self.settings.source)

    def _scope(self, facts: ServiceFacts, analysis: ServiceAnalysis | None = None) -> LogScope:
        service = self.environment.services[facts.name]
        now = self.observation().began_at
        settings = LogSettings(
            self.access.identity.region, service.log_group, service.log_stream, self.environment.log_settle
        )
        since = self.options.since.resolve(now) if self.options.since else None
        return log_scope(analysis or ServiceAnalysis(facts), settings, since=since, now=now)

    def _follow(self, service: str) -> LogScope | None:
        """The logs to read by now, as tasks are replaced; None where that cannot be observed."""
        try:
            if service not in self._observers:
                only = replace(self.options, services=(service,))
                self._observers[service] = self.access.observer(only, with_health=False)
            (facts,) = self._observers[service].observe(is_poll=True)
        except DeploycheckError:
            return None
        return None if "tasks" in facts.problems else self._scope(facts)
