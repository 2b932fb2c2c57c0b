"""The names and the state that the parts of the plugin share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck.plugin.settings import RunSettings
    from pytest_deploycheck.run.verification import Verification

SERVICE_FIXTURE = "_deploy_service"
"""The fixture that names the service of a test; tests are parametrized by it."""

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
        verification: The verification of the run; set when the session starts.
    """

    settings: RunSettings
    verification: Verification

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the selected services."""
        return self.settings.options.services


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
