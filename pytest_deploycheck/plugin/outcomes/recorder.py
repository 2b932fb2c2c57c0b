"""The recorder of results, in the process that runs the tests: it attaches to each report what the verdict needs."""

from __future__ import annotations

import unittest
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

import pytest_deploycheck
from pytest_deploycheck.config.suggestions import nearest
from pytest_deploycheck.errors import DeploycheckError, UnprovenError
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.plugin.collection.items import FINDING, CheckItem
from pytest_deploycheck.plugin.collection.services import services_of
from pytest_deploycheck.plugin.outcomes import causes
from pytest_deploycheck.plugin.outcomes.activity import Activity
from pytest_deploycheck.plugin.outcomes.advice import LogAdvice
from pytest_deploycheck.plugin.outcomes.sent import attach_finding, attach_logs, attach_other, attach_test
from pytest_deploycheck.plugin.state import FIXTURES, DeployState, fixture_names, is_of_plugin, uses_fixtures

_SKIPS = (pytest.skip.Exception, unittest.SkipTest)
_PACKAGE = Path(pytest_deploycheck.__file__).parent


class _LastCall(Struct):
    """The last time that the function of a test was called.

    Attributes:
        item: The test.
        error: The exception that ended it.
        is_reported: True from when its report was made.
    """

    item: pytest.Item
    error: BaseException | None = None
    is_reported: bool = False


class Recorder:
    """Attaches the results of checks and tests to their reports.

    Args:
        state: The state of the run.
    """

    def __init__(self, state: DeployState) -> None:
        self._state = state
        self._activity: Activity | None = None
        self._advice = LogAdvice()
        self._last_call: _LastCall | None = None
        self._requesting: set[pytest.FixtureDef[Any]] = set()
        self._requesting_names: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Note what was asked before this test."""
        self._activity = Activity(self._state.fleet)
        self._activity.begin()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Note the fixtures that request a fixture of the plugin, as arguments or with getfixturevalue."""
        before = set(request.fixturenames)
        try:
            return (yield)
        finally:
            requested = {*fixturedef.argnames, *request.fixturenames} - (before - {*fixturedef.argnames})
            definitions = request._arg2fixturedefs  # noqa: SLF001  # pytest tells it nowhere else
            of_plugin = any(is_of_plugin(name, definitions.get(name, ())) for name in requested)
            if of_plugin or requested & self._requesting_names:
                self._requesting.add(fixturedef)
                self._requesting_names.add(fixturedef.argname)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note how the function of the test ended."""
        last = self._last_call = _LastCall(item)
        try:
            return (yield)
        except BaseException as error:
            last.error = error
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the result to the report."""
        # Before others make and change the report: pytest-check replaces the exception by one of its own.
        errors = _errors(item, call)
        gathered = causes.gathered()
        report = yield
        if self._last_call and call.when == "call":
            self._last_call.is_reported = True
        self._attach(report, item, errors, gathered)
        is_alone = report.failed and not gathered and len(errors) == 1 and not isinstance(item, CheckItem)
        if is_alone and _is_told_without_traceback(errors[0]):
            report.longrepr = pytest.ExceptionInfo.from_exception(errors[0]).getrepr(style="value")
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Attach the result again where a plugin has called the test once more and changed the report that was made."""
        last = self._last_call
        if last and not last.is_reported and report.when == "call" and report.nodeid == last.item.nodeid:
            last.is_reported = True
            self._attach(report, last.item, [last.error] if last.error else [], [])

    def _attach(
        self, report: pytest.TestReport, item: pytest.Item, errors: Sequence[BaseException], gathered: list[str]
    ) -> None:
        if isinstance(item, CheckItem):
            if report.when == "call" or not report.passed:
                attach_finding(report, item.service, _finding(item, report, errors))
            return
        activity = self._activity
        asked = activity.asked if activity else ()
        uses = uses_fixtures(item) or bool(asked)
        # Set-up and tear-down methods are fixtures to pytest; outside of fixtures, only the test itself asserts.
        outcome = self._outcome(report, errors, gathered, in_test=uses)
        concerns = (
            uses
            or any(causes.is_raised_in_ours(error, self._is_ours) for error in errors)
            or (report.failed and _misspells_fixture(item))
        )
        if not (concerns or outcome == causes.UNPROVEN):
            attach_other(report, outcome)
            return
        attach_test(
            report,
            outcome,
            services=tuple(dict.fromkeys((*services_of(item, self._state), *asked))),
            has_answers=bool(activity and activity.answered),
        )
        if activity and report.when == "call":
            attach_logs(report, activity.asked_logs)
        if report.failed and activity:
            activity.show(report)
        elif report.when == "call" and activity:
            self._advice.after(item, activity.longest_no)

    def _outcome(
        self, report: pytest.TestReport, errors: Sequence[BaseException], gathered: list[str], *, in_test: bool
    ) -> str:
        """Return how a phase ended; empty for a set-up or a tear-down that passed."""
        if hasattr(report, "wasxfail"):
            return "xfailed" if report.skipped else "xpassed"
        if not report.failed:
            return str(report.outcome) if report.when == "call" or report.skipped else ""
        outcomes = [one if in_test or one == causes.UNPROVEN else causes.ERROR for one in gathered]
        outcomes += [causes.outcome_of(error, in_test=in_test, is_ours=self._is_ours) for error in errors]
        # Without an exception it is another plugin, or a strict xfail that passed, that fails the test.
        return causes.worst(outcomes or [causes.ERROR])

    def _is_ours(self, fixture: pytest.FixtureDef[Any]) -> bool:
        return is_of_plugin(fixture.argname, [fixture]) or fixture in self._requesting


def _is_told_without_traceback(error: BaseException) -> bool:
    """Tell if an exception of the plugin was raised where a traceback would lead only into this package and pytest."""
    if not isinstance(error, UnprovenError | DeploycheckError | AssertionError):
        return False
    paths = [Path(str(entry.path)) for entry in pytest.ExceptionInfo.from_exception(error).traceback]
    return paths[-1].is_relative_to(_PACKAGE) and not any(_is_of_the_user(path) for path in paths)


def _is_of_the_user(path: Path) -> bool:
    return not path.is_relative_to(_PACKAGE) and path.parent.name not in ("_pytest", "pluggy")


def _errors(item: pytest.Item, call: pytest.CallInfo[None]) -> list[BaseException]:
    """Return the exceptions that fail a test; a test of unittest can have one of its own and one of its tearDown."""
    infos = [call.excinfo] if call.excinfo else getattr(item, "_excinfo", None) or []
    return [info.value for info in infos if not isinstance(info.value, _SKIPS)]


def _finding(item: CheckItem, report: pytest.TestReport, errors: Sequence[BaseException]) -> Finding:
    """Return the finding of a check; where it has none, the check was skipped by others, or its question stays open."""
    if FINDING in item.stash and report.when == "call":
        return item.stash[FINDING]
    if report.skipped:
        return replace(item.check.skips(_reason(report)), is_left_out=True)
    error = errors[0] if errors else None
    problem = Problem(
        "", type(error).__name__, f"An exception that is not part of a check: {error!r}", "See the traceback above."
    )
    return item.check.errs(problem)


def _reason(report: pytest.TestReport) -> str:
    """Return why others skipped a check."""
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else report.longreprtext


def _misspells_fixture(item: pytest.Item) -> bool:
    """Tell if a test requests an unknown fixture whose name is nearly that of a fixture of the plugin."""
    definitions = getattr(getattr(item, "_request", None), "_arg2fixturedefs", {})
    unknown = (name for name in fixture_names(item) if name != "request" and not definitions.get(name))
    return any(nearest(name, FIXTURES) for name in unknown)
