"""The failed checks that pytest prints, without what stands above them already."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from support.runs import logs_finding

from pytest_deploycheck.judge.finding import Check, Finding
from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction
from pytest_deploycheck.plugin.outcomes.sent import attach_finding
from pytest_deploycheck.plugin.reporters.failures import TerminalFailures
from pytest_deploycheck.report.finding import explain_finding

FINDING = logs_finding("something else")
WHOLE = explain_finding(FINDING)


def failed(name: str, text: str = WHOLE, **more: Any) -> pytest.TestReport:
    """Return the report of a test that failed on the logs."""
    return pytest.TestReport(name, ("", 0, name), {}, "failed", text, "call", **more)


def check(name: str, finding: Finding = FINDING) -> pytest.TestReport:
    """Return the report of a check that failed."""
    report = failed(f"deploycheck::backend::{name}", explain_finding(finding))
    attach_finding(report, "backend", replace(finding, id=name))
    return report


def printed(**reports: list[Any]) -> dict[str, list[Any]]:
    """Return the reports from which pytest prints; afterwards the run has its own again."""
    before = {category: list(found) for category, found in reports.items()}
    reporter: Any = SimpleNamespace(stats=reports)
    hook = TerminalFailures(ReportRedaction()).pytest_terminal_summary(reporter)
    next(hook)
    seen = {category: list(found) for category, found in reports.items()}
    hook.close()
    assert reports == before
    return seen


def test_checks_below_each_other_share_a_reading() -> None:
    """The first check has it in full; each other names that one, and shows the last lines."""
    first, second, third = check("logs-1"), check("logs-2"), check("logs-3")
    shown = printed(error=[first], failed=[second, third])
    assert [one.longrepr for one in shown["error"]] == [WHOLE]
    for one in shown["failed"]:
        head, _, lines = one.longrepr.partition("\nread: as for logs-1 above\nlast lines seen:\n")
        assert WHOLE.startswith(head)
        assert WHOLE.endswith(lines)
        assert len(one.longrepr) < len(WHOLE)
    assert second.longrepr == third.longrepr == WHOLE


def test_the_mask_of_the_run_holds_for_what_is_shortened() -> None:
    """A secret of the environment is masked in the copies, too."""
    redaction = ReportRedaction()
    redaction.begin(["something"])
    reporter: Any = SimpleNamespace(stats={"failed": [check("logs-1"), check("logs-2")]})
    hook = TerminalFailures(redaction).pytest_terminal_summary(reporter)
    next(hook)
    assert [("something" in one.longrepr, "else" in one.longrepr) for one in reporter.stats["failed"]] == [
        (False, True),
        (False, True),
    ]
    hook.close()


def test_other_checks_and_tests_are_printed_as_they_are() -> None:
    """So is the failure of a test, with its sections, and what other plugins made."""
    tests = [failed("test_it.py::test_a", sections=[("deploy logs of backend", WHOLE)]), failed("test_it.py::test_b")]
    running = check("tasks-running", Check("tasks-running", "tasks").fails("one of two runs", remedy="Look."))
    collected = pytest.CollectReport("test_it.py", "failed", WHOLE, None)
    shown = printed(error=[collected, object()], failed=[check("logs-1"), running, *tests], passed=[])
    assert shown["error"][0] is collected
    assert shown["failed"][1].longrepr == running.longrepr
    assert shown["failed"][2:] == tests
