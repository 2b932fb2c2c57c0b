"""The cause of a failure: refuted, broken or not known."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from pytest_deploycheck.errors import EnvironmentUnusableError, UnprovenError
from pytest_deploycheck.plugin.outcomes.causes import gathered, is_raised_in_ours, outcome_of, worst

NOT_KNOWN = UnprovenError("nothing was logged")


def fixture_named(name: str) -> pytest.FixtureDef[Any]:
    """Return a definition of a fixture, of which only the name matters."""
    definition: pytest.FixtureDef[Any] = object.__new__(pytest.FixtureDef)
    definition.argname = name  # type: ignore[misc]
    return definition


def raised(error: BaseException, *fixtures: str, function: str = "") -> BaseException:
    """Return an exception that was raised while fixtures were being set up, the outermost first."""
    names: dict[str, Any] = {"error": error, "__name__": "pytest_timeout" if function else "tests"}
    exec(f"def {function or 'fail'}():\n raise error", names)  # noqa: S102  # a frame of that name is what counts
    call = names[function or "fail"]
    for name in reversed(fixtures):
        call = _Within(fixture_named(name), call)
    try:
        call()
    except BaseException as caught:  # noqa: BLE001  # it is handed on
        return caught
    raise AssertionError


class _Within:
    """Calls something in a frame whose `self` is the definition of a fixture, as pytest does."""

    def __init__(self, definition: pytest.FixtureDef[Any], call: Any) -> None:
        self.definition, self.call = definition, call

    def __call__(self) -> None:
        _set_up(self.definition, self.call)


def _set_up(self: pytest.FixtureDef[Any], call: Any) -> None:
    assert self is not None
    call()


def outcome(error: BaseException, *, in_test: bool = True) -> str:
    """Return how an exception ends a test, where `own` is a fixture that requests one of the plugin's."""
    return outcome_of(error, in_test=in_test, is_ours=lambda fixture: fixture.argname == "own")


@pytest.mark.parametrize("error", [AssertionError("a"), pytest.fail.Exception("a")])
def test_an_assertion_refutes_in_a_test_about_the_deployment(error: BaseException) -> None:
    """An assertion that fails in such a test refutes; in another test it is broken."""
    assert outcome(raised(error)) == "failed"
    assert outcome(raised(error), in_test=False) == "error"


@pytest.mark.parametrize("error", [NOT_KNOWN, EnvironmentUnusableError("no credentials", "log in")])
def test_what_is_not_known_is_unproven_wherever_it_is_raised(error: BaseException) -> None:
    """In the test, in a fixture, in a test about something else."""
    assert outcome(raised(error)) == "unproven"
    assert outcome(raised(error, "other"), in_test=False) == "unproven"


@pytest.mark.parametrize("error", [TypeError("a"), KeyboardInterrupt()])
def test_any_other_exception_is_a_broken_test(error: BaseException) -> None:
    """It refutes nothing, in no place."""
    assert outcome(raised(error)) == outcome(raised(error, "own")) == "error"


def test_an_assertion_in_a_fixture_counts_by_what_the_fixture_requests() -> None:
    """One that requests a fixture of the plugin refutes under any test; another is broken; the innermost decides."""
    assert outcome(raised(AssertionError(), "own"), in_test=False) == "failed"
    assert outcome(raised(AssertionError(), "other")) == "error"
    assert outcome(raised(AssertionError(), "other", "own")) == "failed"
    assert outcome(raised(AssertionError(), "own", "other")) == "error"


@pytest.mark.parametrize("name", ["_xunit_setup_method_fixture", "_unittest_setUpClass_fixture"])
def test_set_up_methods_are_part_of_the_test(name: str) -> None:
    """Pytest wraps them in fixtures, but they assert as the test does."""
    assert outcome(raised(AssertionError(), name)) == "failed"
    assert outcome(raised(AssertionError(), name), in_test=False) == "error"


def test_the_time_limit_of_a_test_is_no_assertion() -> None:
    """pytest-timeout fails a test by `pytest.fail`: that refutes nothing."""
    assert outcome(raised(pytest.fail.Exception("Timeout"), function="timeout_sigalrm")) == "error"
    assert outcome(raised(pytest.fail.Exception("Timeout"))) == "failed"


def test_the_worst_of_a_group_counts() -> None:
    """A group with an assertion refutes; the fixture in which a group was raised is that of its parts."""
    group = BaseExceptionGroup("several", [ValueError("a"), AssertionError("b"), NOT_KNOWN])
    assert outcome(raised(group)) == "failed"
    assert outcome(raised(BaseExceptionGroup("two", [ValueError("a"), NOT_KNOWN]))) == "error"
    assert outcome(raised(BaseExceptionGroup("one", [NOT_KNOWN]))) == "unproven"
    assert outcome(raised(BaseExceptionGroup("one", [AssertionError()]), "own"), in_test=False) == "failed"
    assert outcome(raised(BaseExceptionGroup("one", [AssertionError()]), "other")) == "error"
    part = raised(AssertionError(), "own")
    assert outcome(raised(BaseExceptionGroup("one", [part]), "other")) == "failed"


def test_where_an_exception_was_raised() -> None:
    """In a fixture of ours, by itself or within a group; not in the test, and not in another fixture."""
    ours = lambda fixture: fixture.argname == "own"  # noqa: E731
    inside = raised(ValueError(), "own")
    assert is_raised_in_ours(inside, ours)
    assert is_raised_in_ours(BaseExceptionGroup("one", [ValueError(), inside]), ours)
    assert not is_raised_in_ours(raised(ValueError(), "other"), ours)
    assert not is_raised_in_ours(raised(ValueError()), ours)
    assert not is_raised_in_ours(BaseExceptionGroup("one", [raised(ValueError(), "other")]), ours)


def test_the_worst_outcome() -> None:
    """Refuted before broken before not known."""
    assert worst(["unproven", "error", "failed"]) == "failed"
    assert worst(iter(["unproven", "error"])) == "error"
    assert worst(["unproven"]) == "unproven"


class _Log(ModuleType):
    """The log of pytest-check, which keeps failures as texts with colours."""

    COLOR_RED, COLOR_RESET = "\x1b[31m", "\x1b[0m"

    def __init__(self, texts: list[str], number: int) -> None:
        super().__init__("pytest_check.check_log")
        self.texts, self.number = texts, number

    def get_failures(self) -> list[str]:
        """Return the texts it has kept."""
        return self.texts

    def get_num_failures(self) -> int:
        """Return the number of failures."""
        return self.number


def test_what_pytest_check_has_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its unproven failures are told from the others; those whose text it did not keep count as failures."""
    monkeypatch.delitem(sys.modules, "pytest_check.check_log", raising=False)
    assert gathered() == []
    texts = ["\x1b[31mFAILURE: \x1b[0munproven: nothing was logged", "\x1b[31mFAILURE: \x1b[0massert 1 == 2"]
    monkeypatch.setitem(sys.modules, "pytest_check.check_log", _Log(texts, 2))
    assert gathered() == ["unproven", "failed"]
    monkeypatch.setitem(sys.modules, "pytest_check.check_log", _Log(texts, 4))
    assert gathered() == ["unproven", "failed", "failed", "failed"]
