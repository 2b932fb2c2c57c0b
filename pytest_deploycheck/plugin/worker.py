"""A worker of pytest-xdist: it resolves the settings again, and takes the facts from the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.facts.codec import to_json
from pytest_deploycheck.observe.rates import Budgets
from pytest_deploycheck.plugin.collection.items import CheckItem
from pytest_deploycheck.plugin.collection.services import services_of
from pytest_deploycheck.plugin.settings import resolve, resolve_replay
from pytest_deploycheck.plugin.state import uses_fixtures
from pytest_deploycheck.run.fleet.finder import ServiceFinder
from pytest_deploycheck.run.fleet.handed import WORKER_DATA, Handed, Returned

if TYPE_CHECKING:
    from pytest_deploycheck.plugin.run import DeployRun


class Worker:
    """A process that only runs tests."""

    def __init__(self, config: pytest.Config, run: DeployRun) -> None:
        self._config = config
        self._run = run
        self._concerns: dict[str, tuple[str, ...]] | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what each test is about, as an item that has run no longer knows it."""
        state = self._run.state
        if hasattr(state, "fleet"):
            items = [item for item in session.items if not isinstance(item, CheckItem) and uses_fixtures(item)]
            self._concerns = {item.nodeid: services_of(item, state) for item in items}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Hand the calls of this process to the controller, which reports them, and what each test is about."""
        state = self._run.state
        if hasattr(state, "fleet"):
            self._config.workeroutput[WORKER_DATA] = to_json(Returned(state.fleet.made, self._concerns))  # type: ignore[attr-defined]  # set by xdist

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Begin with the observations of the controller."""
        handed = Handed.from_bytes(self._config.workerinput[WORKER_DATA])  # type: ignore[attr-defined]  # set by xdist
        # The rates of AWS are those of an account: each worker uses its share of them.
        workers: int = self._config.workerinput["workercount"]  # type: ignore[attr-defined]  # set by xdist
        finder = ServiceFinder(self._run.cache(), budgets=Budgets(1 / workers))
        if handed.replays:
            self._run.begin(resolve_replay(self._config, handed.replays), finder, replays=handed.replays)
            return
        settings = resolve(
            self._config, sandbox=handed.sandbox, baselines=handed.baselines, find=lambda _: handed.found
        )
        self._run.begin(settings, finder, observations=handed.observations)
