"""The wait for rollouts: an environment is observed until they are settled, and once more at the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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

    def observe(
        self, *, is_poll: bool, show: Callable[[ServiceFacts], None], only: Collection[str] = ()
    ) -> tuple[ServiceFacts, ...]:
        """Return the facts of some services, by default of all; a poll leaves room for the calls of others."""
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
        show_service: Is called with each service as soon as it is observed, from any thread.
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
    show_service: Callable[[ServiceAnalysis], None] = lambda _: None
    observation: Observation | None = None
    analyses: tuple[ServiceAnalysis, ...] = ()
    _observed_at: float = 0.0

    def observe(self) -> Observation:
        """Observe the services until every rollout is settled or the wait is over.

        A poll observes those that are still awaited; when none is, or the wait is over, all of them are observed.

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
            self._poll(is_poll=is_poll)
            elapsed = self._observed_at - began
            waited = before.waited + elapsed
            services = tuple(one.facts for one in self.analyses)
            self.observation = Observation(self.identity, self.now(), before.began_at, services, waited)
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

    def _poll(self, *, is_poll: bool) -> None:
        """Observe the services that are awaited, or all of them where it is no poll."""
        awaited = [one.facts.name for one in self.analyses if one.awaited] if is_poll else []
        self._observe(is_poll=is_poll, only=awaited)
        is_end = not any(one.awaited for one in self.analyses)
        if is_end and 0 < len(awaited) < len(self.analyses):
            # A deployment of the others may have begun meanwhile.
            self._observe(is_poll=False, only=())

    def _observe(self, *, is_poll: bool, only: Collection[str]) -> None:
        analyses: dict[str, ServiceAnalysis] = {}

        def show(facts: ServiceFacts) -> None:
            analyses[facts.name] = ServiceAnalysis(facts)
            self.show_service(analyses[facts.name])

        services = self.observer.observe(is_poll=is_poll, show=show, only=only)
        observed = {facts.name: analyses.get(facts.name) or ServiceAnalysis(facts) for facts in services}
        before = self.analyses if only else ()
        self.analyses = tuple({**{one.facts.name: one for one in before}, **observed}.values())
        self._observed_at = self.clock.monotonic()

    def with_history(self, facts: ServiceFacts) -> ServiceFacts:
        """Return the facts of a service with those of its earlier rollouts, as far as there is time to read them."""
        with self.overtime.step(), self.overtime.explanation():
            return self.observer.with_history(facts)

    def refresh(self) -> Observation | None:
        """Observe the services once more, and wait again where a rollout has begun.

        None where the last observation was made a moment ago.
        """
        return None if self.clock.monotonic() - self._observed_at < FRESH else self.observe()
