"""The services of a run that are found in the clusters of its environments and not listed in the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct, field

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.rates import Budgets
from pytest_deploycheck.polling import Overtime, SystemClock
from pytest_deploycheck.run.connections import Access
from pytest_deploycheck.run.fleet.interruption import InterruptibleClock


class ServiceFinder(Struct):
    """Finds the services of environments, and keeps the connections that it opened for their verification.

    Attributes:
        cache: The folder in which blobs of images are kept, or None.
        clock: The clock of the run's waits.
        found: The names of the services that were found, by the environment.
        unusable: The environments whose services could not be listed, with the reason.
        budgets: The budgets of calls, which the environments of an account share.
    """

    cache: Path | None = None
    clock: InterruptibleClock = field(default_factory=lambda: InterruptibleClock(SystemClock()))
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unusable: dict[str, EnvironmentUnusableError] = field(default_factory=dict)
    budgets: Budgets = field(default_factory=Budgets)
    _accesses: dict[str, Access] = field(default_factory=dict)

    def find(self, environments: Sequence[EnvironmentSettings]) -> Mapping[str, Sequence[str]]:
        """Return the names of the services that each environment discovers, side by side.

        Raises:
            ConfigurationError: In one of them nothing is found.
        """
        if not environments:
            return {}
        with ThreadPoolExecutor(max_workers=len(environments), thread_name_prefix="deploycheck") as pool:
            found = dict(zip([one.name for one in environments], pool.map(self._find, environments), strict=True))
        self.found.update(found)
        return found

    def access(self, environment: EnvironmentSettings) -> Access:
        """Return the connections to an environment, the same for all who ask."""
        if environment.name not in self._accesses:
            self._accesses[environment.name] = Access(
                environment, Overtime(self.clock), self.cache, budgets=self.budgets
            )
        return self._accesses[environment.name]

    def _find(self, environment: EnvironmentSettings) -> tuple[str, ...]:
        try:
            return self.access(environment).discover()
        except EnvironmentUnusableError as error:
            self.unusable[environment.name] = error
            return ()
