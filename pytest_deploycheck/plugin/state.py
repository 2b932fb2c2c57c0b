"""The names and the state that the parts of the plugin share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import EnvironmentRun
    from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction
    from pytest_deploycheck.plugin.settings import RunSettings
    from pytest_deploycheck.run.fleet.fleet import Fleet
    from pytest_deploycheck.run.verification import Verification

SERVICE_FIXTURE = "_deploy_service"
"""The fixture that names the service of a test; tests are parametrized by it."""

ENVIRONMENT_FIXTURE = "_deploy_environment"
"""The fixture that names the environment of a test; in a run over several, tests are parametrized by it."""

FIXTURES: set[str] = set()
"""The names of all fixtures of the plugin. The module `fixtures` adds each name where it defines the fixture."""

_HOME = "pytest_deploycheck.plugin.fixtures"
"""The module that defines them."""

NO_ENVIRONMENT = "no deploy environment: give --deploy-env=NAME (or DEPLOYCHECK_ENV, or ini deploy_env)"
"""The reason for which tests that use the fixtures are skipped."""


class DeployState:
    """One run as this process knows it.

    Attributes:
        settings: The settings of the run; set when the session starts.
        fleet: The verification of its environments; set when the session starts.
        redaction: The redaction of what is reported; it knows the masks of the environments when the session starts.
    """

    settings: RunSettings
    fleet: Fleet
    redaction: ReportRedaction

    @property
    def services(self) -> tuple[str, ...]:
        """The labels of the selected services: their names, and `ENVIRONMENT/NAME` in a run over several."""
        return tuple(label for run in self.settings.runs for label in run.labels)

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments."""
        return tuple(run.environment.name for run in self.settings.runs)

    @property
    def is_fleet(self) -> bool:
        """True in a run over several environments."""
        return len(self.settings.runs) > 1

    def home(self, label: str) -> tuple[EnvironmentRun, str]:
        """Return the environment of a service, and the name of the service there."""
        for run in self.settings.runs:
            if label in run.labels:
                return run, run.labels[label]
        raise KeyError(label)

    def service(self, label: str) -> tuple[Verification, str]:
        """Return the verification of the environment of a service, and the name of the service there.

        Raises:
            UnprovenError: The environment could not be observed.
        """
        verification, service = self.fleet.of(label)
        _require_observed(verification)
        return verification, service

    def environment(self, name: str) -> Verification:
        """Return the verification of an environment.

        Raises:
            UnprovenError: It could not be observed.
        """
        verification = self.fleet.environment(name)
        _require_observed(verification)
        return verification


def _require_observed(verification: Verification) -> None:
    from pytest_deploycheck.errors import UnprovenError  # noqa: PLC0415  # loaded when an environment is given

    if verification.problem:
        raise UnprovenError(verification.problem.message)


STATE: pytest.StashKey[DeployState] = pytest.StashKey()


def state_of(config: pytest.Config) -> DeployState:
    """Return the state of the run, or skip the running test where no environment was given."""
    state = config.stash.get(STATE, None)
    if state is None:
        pytest.skip(NO_ENVIRONMENT)
    return state


def fixture_names(item: pytest.Item) -> set[str]:
    """Return the fixtures of a test, including those that it requested with getfixturevalue."""
    request = getattr(item, "_request", None)
    return set(request.fixturenames if request is not None else getattr(item, "fixturenames", ()))


def plugin_fixtures(item: pytest.Item) -> set[str]:
    """Return the fixtures of the plugin that a test uses."""
    request = getattr(item, "_request", None)
    definitions = getattr(request, "_arg2fixturedefs", {})
    return {name for name in fixture_names(item) if is_of_plugin(name, definitions.get(name, ()))}


def is_of_plugin(name: str, definitions: Sequence[pytest.FixtureDef[Any]]) -> bool:
    """Tell if a fixture is one of the plugin, or an override that requests it.

    Args:
        name: The name of the fixture.
        definitions: Its definitions, the one that overrides the others last.
    """
    for definition in reversed(definitions):
        if getattr(definition.func, "__module__", None) == _HOME:
            return True
        if name not in definition.argnames:
            return False
    return name in FIXTURES


def uses_fixtures(item: pytest.Item) -> bool:
    """Tell if a test uses the fixtures of the plugin."""
    return bool(plugin_fixtures(item))
