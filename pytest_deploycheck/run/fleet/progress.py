"""The progress of the rollouts of several environments, which are awaited side by side, as one."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentRun
from pytest_deploycheck.judge.progress import Progress
from pytest_deploycheck.redaction import clean
from pytest_deploycheck.run.rollout_wait import ShowRollouts


class GatheredProgress:
    """Gathers what is awaited in each environment, and shows it together when all have been observed.

    Args:
        show: Shows the progress of rollouts.
        runs: The environments.
    """

    def __init__(self, show: ShowRollouts, runs: Sequence[EnvironmentRun]) -> None:
        self._show = show
        self._total = len(runs)
        self._awaited: dict[str, list[Progress]] = {}
        self._lock = threading.Lock()

    def of(self, run: EnvironmentRun) -> ShowRollouts:
        """Return a function that takes the progress of one environment."""

        def take(rollouts: Sequence[Progress], elapsed: float) -> None:
            with self._lock:
                name = run.environment.name
                self._awaited[name] = [
                    replace(
                        one,
                        service=run.prefix + one.service,
                        last_event=clean(one.last_event, own=run.environment.mask),
                    )
                    for one in rollouts
                ]
                if len(self._awaited) == self._total:
                    self._show([one for awaited in self._awaited.values() for one in awaited], elapsed)

        return take
