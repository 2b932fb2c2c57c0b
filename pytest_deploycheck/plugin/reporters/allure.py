"""The evidence of checks and the log lines of tests as attachments in the results of Allure."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.facts.codec import from_json
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.plugin.outcomes.activity import LOG_SECTION
from pytest_deploycheck.plugin.outcomes.sent import attached
from pytest_deploycheck.report.finding import explain_finding

if TYPE_CHECKING:
    from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction
    from pytest_deploycheck.plugin.reporters.allure_results import RedactedResults


class AllureEvidence:
    """Attaches evidence to the results of Allure, in the process that runs the tests.

    Args:
        redaction: The redaction of the run, through which all goes that Allure writes.
    """

    def __init__(self, redaction: ReportRedaction) -> None:
        self._redaction = redaction
        self._redacted: Iterable[RedactedResults] = ()

    def pytest_sessionstart(self) -> None:
        """Put the redaction before Allure's writer, when all plugins are there."""
        from pytest_deploycheck.plugin.reporters.allure_results import stand_before  # noqa: PLC0415  # loads Allure

        self._redacted = stand_before(self._redaction)

    def pytest_unconfigure(self) -> None:
        """Leave Allure's writer as it was."""
        if self._redacted:
            from pytest_deploycheck.plugin.reporters.allure_results import stand_aside  # noqa: PLC0415  # loads Allure

            stand_aside(self._redacted)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach what a check found, and the last log lines of a test that failed."""
        report = yield
        if report.when == "call":
            sent = attached(report)
            if "finding" in sent:
                _attach("evidence", explain_finding(from_json(sent["finding"], Finding)))
            for name, text in report.sections:
                if report.failed and name.startswith(LOG_SECTION):
                    _attach(name, text)
        return report


def is_wanted(config: pytest.Config) -> bool:
    """Tell if the run writes results for Allure."""
    return bool(getattr(config.option, "allure_report_dir", None)) and config.pluginmanager.hasplugin("allure_pytest")


def _attach(name: str, text: str) -> None:
    import allure  # noqa: PLC0415  # only where its plugin is there

    allure.attach(text, name, allure.attachment_type.TEXT)
