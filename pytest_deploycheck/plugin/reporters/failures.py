"""Failed checks on pytest's terminal: what was read of the logs of a service stands there once, not with each."""

from __future__ import annotations

from collections.abc import Generator
from copy import copy
from functools import partial

import pytest

from pytest_deploycheck.facts.codec import from_json
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction
from pytest_deploycheck.plugin.outcomes.sent import attached
from pytest_deploycheck.report.finding import explain_finding
from pytest_deploycheck.report.shown_readings import ShownReadings

_CATEGORIES = ("error", "failed")
"""The categories of reports of which pytest prints the texts, in its order."""

_LAST_LINES = 3
"""The last lines seen that each check shows."""


class TerminalFailures:
    """Shortens the failed checks that pytest prints one below the other.

    The reports themselves stay as they are: JUnit XML, HTML and others show each check by itself, as a whole. So do
    tests, whose failures are those of their authors.

    Args:
        redaction: The redaction of the run.
    """

    def __init__(self, redaction: ReportRedaction) -> None:
        self._redaction = redaction

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None]:
        """Put shortened copies in the place of the reports while pytest prints them."""
        stats, readings = terminalreporter.stats, ShownReadings(fewest=_LAST_LINES)
        whole: dict[int, object] = {}
        for category in _CATEGORIES:
            reports = stats.get(category, [])
            for number, report in enumerate(reports):
                if isinstance(report, pytest.TestReport) and "finding" in attached(report):
                    reports[number] = self._shortened(report, readings)
                    whole[id(reports[number])] = report
        try:
            return (yield)
        finally:
            for category in _CATEGORIES:
                reports = stats.get(category, [])
                reports[:] = [whole.get(id(report), report) for report in reports]

    def _shortened(self, report: pytest.TestReport, readings: ShownReadings) -> pytest.TestReport:
        """Return the report of a check as it is printed below those that came before it."""
        shown = copy(report)
        sent = attached(report)
        finding = from_json(sent["finding"], Finding)
        if isinstance(report.longrepr, str) and finding.logs:
            read = partial(readings.lines, service=sent["service"], check=finding.id)
            shown.longrepr = self._redaction.lines(explain_finding(finding, read=read))
        return shown
