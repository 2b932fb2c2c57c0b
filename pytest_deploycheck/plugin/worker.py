"""A worker of pytest-xdist: it resolves the settings again, and takes the facts from the controller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.facts.baseline import Baseline
from pytest_deploycheck.facts.codec import from_json, to_json
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.plugin.controller import WORKER_DATA
from pytest_deploycheck.plugin.settings import resolve

if TYPE_CHECKING:
    from pytest_deploycheck.plugin.run import DeployRun


class Worker:
    """A process that only runs tests."""

    def __init__(self, config: pytest.Config, run: DeployRun) -> None:
        self._config = config
        self._run = run

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Hand the calls of this process to the controller, which reports them."""
        if hasattr(self._run.state, "verification"):
            self._config.workeroutput[WORKER_DATA] = to_json(self._run.state.verification.calls)  # type: ignore[attr-defined]  # set by xdist

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Begin with the observation of the controller."""
        handed: dict[str, Any] = self._config.workerinput[WORKER_DATA]  # type: ignore[attr-defined]  # set by xdist
        sandbox = json.loads(handed["sandbox"]) if handed["sandbox"] else None
        observation = from_json(handed["observation"], Observation) if handed["observation"] else None
        baseline = from_json(handed["baseline"], Baseline) if handed["baseline"] else None
        self._run.begin(resolve(self._config, sandbox=sandbox, baseline=baseline), observation=observation)
