"""The wait for rollouts: an environment is observed until they are settled, and once more at the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import Identity, Observation, ServiceFacts
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.progress import Progress, progress
from pytest_deploycheck.polling import Clock, Overtime, wait

FRESH = 1.0
"""Seconds for which an observation is as good as a new one."""


class ServicesObserver(Protocol):
    """Observes the selected services, as often as it is asked."""

    def observe(self, *, is_poll: bool, show: Callable[[ServiceFacts], None]) -> tuple[ServiceFacts, ...]:
        """Return the facts of every selected service; a poll leaves room for the calls of others."""
        ...

    def with_history(self, facts: ServiceFacts) -> ServiceFacts:
        """Return the facts of a service with those of the earlier rollouts, as far as they can be read."""
        ...


ShowRollouts = Callable[[Sequence[Progress], float], None]
"""Shows the progress of the rollouts that are not settled, and the seconds waited for them; none ends the display."""


class Watch(Struct):
    """Observes the selected services until their rollouts are settled.

    Attributes:
        observer: Observes the services.
        identity: The caller, the account and the region.
        timeout: Seconds that a rollout may take to settle.
        clock: The clock of the wait.
        now: The time by the servers' clock (UTC).
        overtime: The time that the observations may take beyond the wait.
        show: Shows the progress of the rollouts.
        show_facts: Is called with the facts of each service as soon as they are observed, from any thread.
        observation: The last observation, also where a wait was interrupted; None before the first wait.
        analyses: The analyses of its services.
    """

    observer: ServicesObserver
    identity: Identity
    timeout: float
    clock: Clock
    now: Callable[[], datetime]
    overtime: Overtime
    show: ShowRollouts = lambda _, __: None
    show_facts: Callable[[ServiceFacts], None] = lambda _: None
    observation: Observation | None = None
    analyses: tuple[ServiceAnalysis, ...] = ()
    _observed_at: float = 0.0

    def observe(self) -> Observation:
        """Observe the services until every rollout is settled or the wait is over.

        Raises:
            EnvironmentUnusableError: The cluster or a service does not exist, or nothing can be observed.
        """
        before = self.observation or Observation(self.identity, self.now(), self.now(), ())
        self.observation = before
        began = self.clock.monotonic()
        polls = 0

        def poll() -> Observation:
            nonlocal polls
            polls += 1
            # The first observation and the last one are not held back for the sake of others.
            is_poll = polls > 1 and self.clock.monotonic() < began + self.timeout
            services = self.observer.observe(is_poll=is_poll, show=self.show_facts)
            self._observed_at = self.clock.monotonic()
            elapsed = self._observed_at - began
            waited = before.waited + elapsed
            self.observation = Observation(self.identity, self.now(), before.began_at, services, waited)
            self.analyses = tuple(map(ServiceAnalysis, services))
            if self.timeout:
                self.show([progress(one) for one in self.analyses if one.awaited], elapsed)
            return self.observation

        def is_settled(_: Observation) -> bool:
            return not any(one.awaited for one in self.analyses)

        try:
            with self.overtime.step(self.timeout):
                return wait(poll, is_settled, timeout=self.timeout, clock=self.clock).last
        finally:
            self.show((), self.clock.monotonic() - began)

    def with_history(self, facts: ServiceFacts) -> ServiceFacts:
        """Return the facts of a service with those of its earlier rollouts, as far as there is time to read them."""
        with self.overtime.step(), self.overtime.explanation():
            return self.observer.with_history(facts)

    def refresh(self) -> Observation | None:
        """Observe the services once more, and wait again where a rollout has begun.

        None where the last observation was made a moment ago.
        """
        return None if self.clock.monotonic() - self._observed_at < FRESH else self.observe()
