"""The selection of checks: by their node ids, and by what pytest deselects."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import pytest

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.judge.finding import Check
from pytest_deploycheck.plugin.collection.items import ROOT, RootCollector
from pytest_deploycheck.plugin.state import DeployState
from pytest_deploycheck.run.verification import checks_of


def given_ids(config: pytest.Config) -> list[str]:
    """Return the node ids of checks on the command line, as in `pytest deploycheck::backend::logs-1`.

    A file or folder of that name keeps its meaning.
    """
    if (config.invocation_params.dir / ROOT).exists():
        return []
    return [arg for arg in config.args if arg.split("::")[0] == ROOT]


def services_of_ids(ids: Sequence[str], services: Sequence[str]) -> tuple[str, ...]:
    """Return those of `services` that node ids of checks select; all of them where the ids name none."""
    chosen = tuple(
        name
        for name in services
        if any(_is_within(f"{ROOT}::{name}", one) or _is_within(one, f"{ROOT}::{name}") for one in ids)
    )
    return chosen or tuple(services)


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
        known = [
            f"{ROOT}::{service}::{check.id}" for service in self._state.services for check in self._checks(service)
        ]
        for one in self._ids:
            if not any(_is_within(nodeid, one) for nodeid in known):
                raise ConfigurationError(f"unknown check {one}{did_you_mean(one, known)}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Hide the node ids of checks from pytest, which takes every argument for a file."""
        if self._ids:
            self._config.args = [arg for arg in self._config.args if arg not in self._ids]

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
                    checks={service: self._selected(service) for service in self._state.services},
                    carry_out=lambda item: self._state.verification.finding(item.service, item.check),
                ),
            )
        return report

    def _checks(self, service: str) -> tuple[Check, ...]:
        return checks_of(self._state.settings.environment, service)

    def _selected(self, service: str) -> tuple[Check, ...]:
        return tuple(
            check
            for check in self._checks(service)
            if not self._ids or any(_is_within(f"{ROOT}::{service}::{check.id}", one) for one in self._ids)
        )


def _is_within(nodeid: str, selection: str) -> bool:
    return nodeid == selection or nodeid.startswith(f"{selection}::")
