"""The failed checks that pytest prints, without what stands above them already."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support.runs import logs_finding

from pytest_deploycheck.plugin.outcomes.sent import attach_finding
from pytest_deploycheck.plugin.reporters.failures import TerminalFailures

ACCOUNT = "read:\nwindow   from now, 4 events seen\nlast lines seen:\n" + "\n".join(f"  line {n}" for n in range(4))
SHORT = "read: as for logs-1 above\nlast lines seen:\n  line 1\n  line 2\n  line 3"


def failed(name: str, **more: Any) -> pytest.TestReport:
    """Return the report of a test that failed on the logs."""
    return pytest.TestReport(name, ("", 0, name), {}, "failed", f"no\n{ACCOUNT}", "call", **more)


def check(name: str) -> pytest.TestReport:
    """Return the report of a check that failed."""
    report = failed(f"deploycheck::backend::{name}")
    attach_finding(report, "backend", logs_finding())
    return report


def printed(**reports: list[Any]) -> dict[str, list[Any]]:
    """Return the reports from which pytest prints; afterwards the run has its own again."""
    before = {category: list(found) for category, found in reports.items()}
    reporter: Any = SimpleNamespace(stats=reports)
    hook = TerminalFailures().pytest_terminal_summary(reporter)
    next(hook)
    seen = {category: list(found) for category, found in reports.items()}
    hook.close()
    assert reports == before
    return seen


def test_checks_below_each_other_share_an_account() -> None:
    """The first check has it in full; each other names that one, and shows the last three lines."""
    first, second, third = check("logs-1"), check("logs-2"), check("logs-3")
    shown = printed(error=[first], failed=[second, third])
    assert [one.longrepr for one in shown["error"]] == [f"no\n{ACCOUNT}"]
    assert [one.longrepr for one in shown["failed"]] == [f"no\n{SHORT}"] * 2
    assert second.longrepr == third.longrepr == f"no\n{ACCOUNT}"


def test_a_test_has_all_of_its_own() -> None:
    """The failure of a test is printed as it is, with its sections; so is what other plugins made."""
    tests = [failed("test_it.py::test_a", sections=[("deploy logs of backend", ACCOUNT)]), failed("test_it.py::test_b")]
    collected = pytest.CollectReport("test_it.py", "failed", ACCOUNT, None)
    shown = printed(error=[collected, object()], failed=[check("logs-1"), *tests], passed=[])
    assert shown["error"][0] is collected
    assert shown["failed"][1:] == tests
