"""The services of a test: a test that uses the fixtures runs once for each of them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.config.settings import EnvironmentRun
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.plugin.collection.overrides import complete_fixtures
from pytest_deploycheck.plugin.state import ENVIRONMENT_FIXTURE, SERVICE_FIXTURE, DeployState, plugin_fixtures


class ServiceParameters:
    """Parametrizes the tests that use the fixtures of a service, and in a run over several environments those of one.

    Args:
        state: The state of the run.
    """

    def __init__(self, state: DeployState) -> None:
        self._state = state

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a test once for each selected service, or for those that its marker names; else for each environment."""
        complete_fixtures(metafunc)
        uses_environment = ENVIRONMENT_FIXTURE in metafunc.fixturenames
        if SERVICE_FIXTURE not in metafunc.fixturenames:
            if uses_environment and self._state.is_fleet:
                metafunc.parametrize(ENVIRONMENT_FIXTURE, self._state.environments, indirect=True, scope="session")
            return
        marker = metafunc.definition.get_closest_marker("deploy_service")
        services = self._every() if marker is None else self._marked(marker)
        if not (uses_environment and self._state.is_fleet):
            parameters = [pytest.param(label, marks=marks) for label, _, marks in services]
            metafunc.parametrize(SERVICE_FIXTURE, parameters, indirect=True, scope="session")
            return
        metafunc.parametrize(
            (SERVICE_FIXTURE, ENVIRONMENT_FIXTURE),
            [pytest.param(label, environment, marks=marks, id=label) for label, environment, marks in services],
            indirect=True,
            scope="session",
        )

    def _every(self) -> list[_Parameter]:
        return [(label, run.environment.name, ()) for run in self._state.settings.runs for label in run.labels]

    def _marked(self, marker: pytest.Mark) -> list[_Parameter]:
        """Return the services that a marker names, in each environment that has them."""
        if not marker.args or marker.kwargs:
            raise pytest.Collector.CollectError(
                'deploy_service names one service or more: @pytest.mark.deploy_service("backend")'
            )
        runs = self._state.settings.runs
        for name in marker.args:
            if not any(_label(name, run) for run in runs):
                raise pytest.Collector.CollectError(self._unknown(str(name)))
        return [
            (label, run.environment.name, () if label in run.labels else _not_selected(label))
            for run in runs
            for name in marker.args
            if (label := _label(name, run))
        ]

    def _unknown(self, name: str) -> str:
        runs = self._state.settings.runs
        services = list(dict.fromkeys(service for run in runs for service in run.environment.services))
        if self._state.is_fleet:
            place = f"the environments {', '.join(self._state.environments)} have no service"
        else:
            place = f"the environment {self._state.environments[0]!r} has no service"
        return f"deploy_service: {place} {name!r}{did_you_mean(name, services)} There are: {', '.join(services)}."


_Parameter = tuple[str, str, Any]
"""The label of a service, its environment, and marks."""


def _label(name: str, run: EnvironmentRun) -> str | None:
    """Return the label of the service of an environment that a marker names by its name or label, or None."""
    service = name.removeprefix(run.prefix) if run.prefix else name
    return run.prefix + service if service in run.environment.services else None


def services_of(item: pytest.Item, state: DeployState) -> tuple[str, ...]:
    """Return the labels of the services that a test is about; empty for a test that uses only what all share."""
    callspec = getattr(item, "callspec", None)
    parameters = callspec.params if callspec is not None else {}
    if SERVICE_FIXTURE in parameters:
        return (parameters[SERVICE_FIXTURE],)
    if ENVIRONMENT_FIXTURE in parameters:
        run = next(run for run in state.settings.runs if run.environment.name == parameters[ENVIRONMENT_FIXTURE])
        # Where it has no service, the test is about the environment all the same, and about no other.
        return tuple(run.labels) or (run.prefix,)
    services = state.services
    return services if len(services) == 1 and plugin_fixtures(item) - {"deploy_env"} else ()


def _not_selected(name: str) -> Any:
    return pytest.mark.skip(reason=f"service {name!r} is not selected by --deploy-service")
