"""The fixtures that a test needs through overridden fixtures, which pytest 8 leaves out of its list."""

from __future__ import annotations

import pytest

from pytest_deploycheck.plugin.state import ENVIRONMENT_FIXTURE, SERVICE_FIXTURE

_IS_COMPLETE = pytest.version_tuple >= (9,)
"""True where pytest lists the fixtures that a fixture of the same name requests."""


def complete_fixtures(metafunc: pytest.Metafunc) -> None:
    """Add the service and the environment to the fixtures of a test that needs them through an overridden fixture."""
    if _IS_COMPLETE:
        return
    needed = _needed(metafunc)
    # The list is that of the test itself, which is parametrized by what it holds.
    metafunc.fixturenames += [
        name for name in (SERVICE_FIXTURE, ENVIRONMENT_FIXTURE) if name in needed and name not in metafunc.fixturenames
    ]


def _needed(metafunc: pytest.Metafunc) -> set[str]:
    """Return the fixtures of a test with those that the definitions before an override request."""
    manager = metafunc.definition.session._fixturemanager  # noqa: SLF001  # pytest tells it nowhere else
    needed: set[str] = set()
    names = list(metafunc.fixturenames)
    while names:
        name = names.pop()
        if name not in needed:
            needed.add(name)
            for definition in reversed(manager.getfixturedefs(name, metafunc.definition) or ()):
                names += definition.argnames
                if name not in definition.argnames:
                    break
    return needed
