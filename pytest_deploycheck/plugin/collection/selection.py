"""The selection of checks: by their node ids, and by what pytest deselects."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.judge.finding import Check
from pytest_deploycheck.plugin.collection.items import RootCollector
from pytest_deploycheck.plugin.collection.node_ids import ROOT, given_ids, id_in, is_within
from pytest_deploycheck.plugin.state import DeployState
from pytest_deploycheck.run.checks import checks_of


class CheckSelection:
    """Adds the built-in checks to the session, all of them or those that node ids select.

    Args:
        config: The configuration of pytest.
        state: The state of the run.
    """

    def __init__(self, config: pytest.Config, state: DeployState) -> None:
        self._config = config
        self._state = state
        self._ids = given_ids(config)

    def validate(self) -> None:
        """See that every node id names a check.

        Raises:
            ConfigurationError: A node id names no check of the environment.
        """
        known = [f"{ROOT}::{label}::{check.id}" for label in self._state.services for check in self._checks(label)]
        if any(run.environment.discover and not run.options.services for run in self._state.settings.runs):
            # The services of that environment were not listed, so that any name may be one of theirs.
            return
        for one in self._ids:
            if not any(is_within(nodeid, one) for nodeid in known):
                raise self._unknown(one)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Hide the node ids of checks from pytest, which takes every argument for a file."""
        if self._ids:
            self._config.args = [arg for arg in self._config.args if id_in(self._config, arg) is None]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Add the built-in checks to what the session collects."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            # The checks come first: their findings explain why the tests after them fail.
            report.result.insert(
                0,
                RootCollector.from_parent(
                    collector,
                    name=ROOT,
                    nodeid=ROOT,
                    checks={label: self._selected(label) for label in self._state.services},
                    carry_out=lambda item: self._state.fleet.finding(item.service, item.check),
                ),
            )
        return report

    def _unknown(self, one: str) -> ConfigurationError:
        """Return the error about a node id: its service is unknown, or else its check."""
        _, label, *rest = one.split("::")
        services = list(self._state.services)
        if label not in services:
            return ConfigurationError(
                f"unknown service {label!r} in {one}{did_you_mean(label, services)}",
                f"There are: {', '.join(services)}.",
            )
        checks = [check.id for check in self._checks(label)]
        return ConfigurationError(
            f"unknown check {one}{did_you_mean('::'.join(rest), checks)}", f"There are: {', '.join(checks)}."
        )

    def _checks(self, label: str) -> tuple[Check, ...]:
        run, service = self._state.home(label)
        return checks_of(run.environment, service)

    def _selected(self, label: str) -> tuple[Check, ...]:
        return tuple(
            check
            for check in self._checks(label)
            if not self._ids or any(is_within(f"{ROOT}::{label}::{check.id}", one) for one in self._ids)
        )
