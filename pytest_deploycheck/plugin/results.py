"""What travels with a test's report from the process that ran it to the one that judges: plain values only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import Struct, field

from pytest_deploycheck.facts.codec import from_json, to_json
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.judge.verdict import UserTest

_ATTRIBUTE = "deploycheck"
"""pytest and xdist send every plain attribute of a report along."""


def attach_finding(report: pytest.TestReport, service: str, finding: Finding) -> None:
    """Send a check's finding along with its report."""
    setattr(report, _ATTRIBUTE, {"service": service, "finding": to_json(finding), "status": str(finding.status)})


def attach_test(report: pytest.TestReport, *, services: Sequence[str], heard_logs: bool, unproven: bool) -> None:
    """Send along what the verdict needs of a test that used the fixtures."""
    status = str(Status.UNPROVEN) if unproven else ""
    setattr(report, _ATTRIBUTE, {"services": list(services), "heard_logs": heard_logs, "status": status})


def attach_nothing(report: pytest.TestReport) -> None:
    """Say that a test has nothing to do with a deployment: one of which nothing is said did not live to say it."""
    setattr(report, _ATTRIBUTE, {"status": ""})


def attached(report: pytest.TestReport | pytest.CollectReport) -> dict[str, Any]:
    """What was sent along; empty for a test that has nothing to do with a deployment."""
    return getattr(report, _ATTRIBUTE, {})


class Results(Struct):
    """What the session's reports say, gathered where they all arrive.

    Attributes:
        other_failed: Whether a test failed that is neither a check nor unproven.
        crashed: Whether a test ended without a word of its own, as when its worker dies.
    """

    other_failed: bool = False
    crashed: bool = False
    _findings: dict[str, dict[str, Finding]] = field(default_factory=dict)
    _tests: dict[str, UserTest] = field(default_factory=dict)

    def findings(self, service: str) -> dict[str, Finding]:
        """What the checks of a service found, by their ids."""
        return self._findings.get(service, {})

    @property
    def tests(self) -> tuple[UserTest, ...]:
        """The tests that used the fixtures, in the order they ended."""
        return tuple(self._tests.values())

    def add(self, report: pytest.TestReport) -> None:
        """Take in the report of one phase of one test."""
        sent = attached(report)
        if "finding" in sent:
            finding = from_json(sent["finding"], Finding)
            # A check that another plugin runs again counts as it ended last.
            self._findings.setdefault(sent["service"], {})[finding.id] = finding
            return
        if report.failed and not sent:
            # The process that ran it died, so it is not known what it would have said of itself.
            self.crashed = True
        if report.failed and sent.get("status") != Status.UNPROVEN:
            self.other_failed = True
        if "services" in sent:
            self._add_test(report, sent)

    def _add_test(self, report: pytest.TestReport, sent: dict[str, Any]) -> None:
        known = self._tests.get(report.nodeid)
        outcome = str(Status.UNPROVEN) if report.failed and sent["status"] else _outcome(report)
        if report.when != "call" and report.passed:
            # Setup and teardown that went well say nothing, except that the test is under way.
            outcome = known.outcome if known else ""
        heard = sent["heard_logs"] or bool(known and known.heard_logs)
        tested = UserTest(report.nodeid, outcome, tuple(sent["services"]), heard)
        if outcome:
            self._tests[report.nodeid] = tested


def _outcome(report: pytest.TestReport) -> str:
    """Pytest's word for how a test ended; another plugin may show another word, and the verdict must not hang on it."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return "error" if report.failed and report.when != "call" else report.outcome
