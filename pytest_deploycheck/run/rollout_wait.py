"""Looking at an environment until its rollouts are settled, and once more in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import Identity, Observation, ServiceFacts
from pytest_deploycheck.judge.checks.pending import still_awaited
from pytest_deploycheck.judge.progress import Progress, progress
from pytest_deploycheck.polling import Clock, wait

FRESH = 1.0
"""Seconds for which an observation is as good as a new one."""


class Looks(Protocol):
    """What can be looked at again and again."""

    def look(self) -> tuple[ServiceFacts, ...]:
        """One look at every selected service."""
        ...


ShowRollouts = Callable[[Sequence[Progress], float], None]
"""Takes how far the rollouts are that are not settled, and for how many seconds they were waited for; none ends it."""


class Watch(Struct):
    """Looks at the selected services until their rollouts are settled.

    Attributes:
        observer: What looks.
        identity: Who looks, and where.
        timeout: Seconds that a rollout may take to settle.
        clock: Where the time of the wait comes from.
        now: The time by the servers' clock (UTC).
        show: Shows how far the rollouts are.
        observation: What was seen last, also where a wait was interrupted; None before the first wait.
    """

    observer: Looks
    identity: Identity
    timeout: float
    clock: Clock
    now: Callable[[], datetime]
    show: ShowRollouts = lambda _, __: None
    observation: Observation | None = None
    _looked_at: float = 0.0

    def observe(self) -> Observation:
        """Look, and go on looking until every rollout is settled or the wait is over.

        Raises:
            EnvironmentUnusableError: The cluster or a service does not exist, or nothing may be looked at.
        """
        before = self.observation or Observation(self.identity, self.now(), self.now(), ())
        self.observation = before
        began = self.clock.monotonic()

        def look() -> Observation:
            services = self.observer.look()
            self._looked_at = self.clock.monotonic()
            elapsed = self._looked_at - began
            waited = before.waited + elapsed
            self.observation = Observation(self.identity, self.now(), before.began_at, services, waited)
            if self.timeout:
                self.show([progress(facts) for facts in services if still_awaited(facts)], elapsed)
            return self.observation

        try:
            return wait(look, _is_settled, timeout=self.timeout, clock=self.clock).last
        finally:
            self.show((), self.clock.monotonic() - began)

    def look_again(self) -> Observation | None:
        """Look once more, and wait again where something has begun to change.

        None where what was seen last was seen a moment ago.
        """
        return None if self.clock.monotonic() - self._looked_at < FRESH else self.observe()


def _is_settled(observation: Observation) -> bool:
    return not any(map(still_awaited, observation.services))
