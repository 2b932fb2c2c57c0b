"""The services of a test: a test that uses the fixtures runs once for each of them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.plugin.state import SERVICE_FIXTURE, DeployState, plugin_fixtures


class ServiceParameters:
    """Parametrizes the tests that use the fixtures of a service.

    Args:
        state: The state of the run.
    """

    def __init__(self, state: DeployState) -> None:
        self._state = state

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a test once for each selected service, or for those that its marker names."""
        if SERVICE_FIXTURE not in metafunc.fixturenames:
            return
        selected = self._state.services
        marker = metafunc.definition.get_closest_marker("deploy_service")
        names = selected if marker is None else self._marked(marker)
        parameters = [name if name in selected else _not_selected(name) for name in names]
        metafunc.parametrize(SERVICE_FIXTURE, parameters, indirect=True, scope="session")

    def _marked(self, marker: pytest.Mark) -> tuple[str, ...]:
        """Return the services that a marker names."""
        if not marker.args or marker.kwargs:
            raise pytest.Collector.CollectError(
                'deploy_service names one service or more: @pytest.mark.deploy_service("backend")'
            )
        environment = self._state.settings.environment
        for name in marker.args:
            if name not in environment.services:
                raise pytest.Collector.CollectError(
                    f"deploy_service: the environment {environment.name!r} has no service {name!r}"
                    f"{did_you_mean(str(name), environment.services)} There are: {', '.join(environment.services)}."
                )
        return marker.args


def services_of(item: pytest.Item, state: DeployState) -> tuple[str, ...]:
    """Return the services that a test is about; empty for a test that uses only what all services share."""
    callspec = getattr(item, "callspec", None)
    if callspec is not None and SERVICE_FIXTURE in callspec.params:
        return (callspec.params[SERVICE_FIXTURE],)
    services = state.services
    return services if len(services) == 1 and plugin_fixtures(item) - {"deploy_env"} else ()


def _not_selected(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.skip(reason=f"service {name!r} is not selected by --deploy-service"))
