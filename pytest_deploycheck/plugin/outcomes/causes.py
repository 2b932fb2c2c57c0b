"""The cause of a failure: an assertion about the deployment, something that is not known, or a broken test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from types import TracebackType
from typing import Any

import pytest

from pytest_deploycheck.errors import EnvironmentUnusableError, UnprovenError

FAILED, ERROR, UNPROVEN = "failed", "error", "unproven"
"""The outcomes of a test that did not pass: it refutes, it is broken, or its question stays open."""

WORST_FIRST = (FAILED, ERROR, UNPROVEN)

_ASSERTIONS = (AssertionError, pytest.fail.Exception)

_NOT_ASSERTED = frozenset({("pytest_timeout", "timeout_sigalrm"), ("_pytest.unittest", "addUnexpectedSuccess")})
"""Functions of others that fail a test by `pytest.fail` for a reason that is not an assertion, by module and name."""

_OF_THE_TEST = ("_xunit_", "_unittest_")
"""How the names of fixtures begin in which pytest wraps set-up and tear-down methods: they are part of the test."""

_GATHERED = "FAILURE: unproven"
"""How pytest-check writes down an UnprovenError that it has gathered."""

IsOurs = Callable[["pytest.FixtureDef[Any]"], bool]
"""Tells if a fixture is one of the plugin, or requests one."""


def outcome_of(
    error: BaseException, *, in_test: bool, is_ours: IsOurs, fixture: pytest.FixtureDef[Any] | None = None
) -> str:
    """Return how an exception ends a test; of several in a group the worst counts.

    Args:
        error: The exception.
        in_test: True where the test itself was running, and is about the deployment.
        is_ours: Tells if a fixture is one of the plugin, or requests one.
        fixture: The fixture in which the group was raised that the exception is part of.
    """
    fixture = _fixture(error.__traceback__) or fixture
    if isinstance(error, BaseExceptionGroup):
        return worst(outcome_of(one, in_test=in_test, is_ours=is_ours, fixture=fixture) for one in error.exceptions)
    if isinstance(error, UnprovenError | EnvironmentUnusableError):
        return UNPROVEN
    if not isinstance(error, _ASSERTIONS) or _is_not_asserted(error.__traceback__):
        return ERROR
    if fixture is None or fixture.argname.startswith(_OF_THE_TEST):
        return FAILED if in_test else ERROR
    return FAILED if is_ours(fixture) else ERROR


def is_raised_in_ours(error: BaseException, is_ours: IsOurs) -> bool:
    """Tell if an exception, or one of a group, was raised in a fixture of the plugin or in one that requests one."""
    fixture = _fixture(error.__traceback__)
    if fixture is not None and is_ours(fixture):
        return True
    return isinstance(error, BaseExceptionGroup) and any(is_raised_in_ours(one, is_ours) for one in error.exceptions)


def worst(outcomes: Collection[str] | Iterator[str]) -> str:
    """Return the worst outcome of tests that did not pass."""
    return min(outcomes, key=WORST_FIRST.index)


def gathered() -> list[str]:
    """Return the outcomes of the failures that pytest-check has gathered and not raised."""
    log: Any = sys.modules.get("pytest_check.check_log")
    if log is None:
        return []
    texts = [text.replace(log.COLOR_RED, "").replace(log.COLOR_RESET, "") for text in log.get_failures()]
    known = [UNPROVEN if text.startswith(_GATHERED) else FAILED for text in texts]
    # It keeps no text of failures beyond its maximum, so these are not known to be unproven.
    return known + [FAILED] * (log.get_num_failures() - len(known))


def _frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _fixture(traceback: TracebackType | None) -> pytest.FixtureDef[Any] | None:
    """Return the innermost fixture whose set-up or tear-down a traceback goes through."""
    found = None
    for entry in _frames(traceback):
        owner = entry.tb_frame.f_locals.get("self")
        if isinstance(owner, pytest.FixtureDef):
            found = owner
    return found


def _is_not_asserted(traceback: TracebackType | None) -> bool:
    return any(
        (entry.tb_frame.f_globals.get("__name__"), entry.tb_frame.f_code.co_name) in _NOT_ASSERTED
        for entry in _frames(traceback)
    )
