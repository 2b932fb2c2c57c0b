"""The evidence in the report of pytest-html: metadata of the run, log lines of tests that failed, and our own page."""

from __future__ import annotations

from collections.abc import Generator
from html import escape

import pytest

from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.plugin.outcomes.activity import LOG_SECTION
from pytest_deploycheck.redaction import clean
from pytest_deploycheck.report.formats import FORMATS, render
from pytest_deploycheck.report.model import FleetReport


class HtmlEvidence:
    """Adds the last log lines of tests that failed to the report of pytest-html, in the process that runs the tests."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the last log lines to a test that failed."""
        report = yield
        tails = [text for name, text in report.sections if name.startswith(LOG_SECTION)]
        if report.failed and tails:
            extra = {
                "name": "Log lines",
                "format_type": "text",
                "content": "\n\n".join(tails),
                "mime_type": "text/plain",
                "extension": "txt",
            }
            report.extras = [*getattr(report, "extras", []), extra]  # type: ignore[attr-defined]  # pytest-html reads it
        return report


class HtmlPage:
    """Shows the page of a run that is not verified above the table of pytest-html."""

    def __init__(self, page: str) -> None:
        self._page = page

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Add the page, in a frame of its own, where neither style reaches the other and no script runs."""
        prefix.append(
            f'<iframe title="Deployment" sandbox="allow-same-origin" srcdoc="{escape(self._page)}" '
            'style="width: 100%; height: 80vh; border: 1px solid #8c959f"></iframe>'
        )


def is_wanted(config: pytest.Config) -> bool:
    """Tell if the run writes a report of pytest-html."""
    return bool(getattr(config.option, "htmlpath", None))


def add_page(config: pytest.Config, report: FleetReport) -> None:
    """Let pytest-html show the page of a run that is not verified."""
    if is_wanted(config) and report.verdict is not Verdict.VERIFIED:
        config.pluginmanager.register(HtmlPage(render(report, FORMATS[".html"])), "deploycheck-html-page")


def record_metadata(config: pytest.Config, report: FleetReport) -> None:
    """Add the verdict on each service to the metadata of the run."""
    try:
        from pytest_metadata.plugin import metadata_key  # type: ignore[import-untyped]  # noqa: PLC0415  # may be missing
    except ImportError:
        return
    metadata = config.stash.get(metadata_key, None)
    if metadata is None:
        return
    metadata["Deployment"] = str(report.verdict)
    for environment in report.environments:
        for service in environment.services:
            images = ", ".join(f"{one.expected.reference} ({one.expected.digest})" for one in service.facts.judged)
            text = f"{service.judgement.verdict}: {images}"
            metadata[f"Deployment of {environment.environment}/{service.name}"] = clean(text, own=environment.mask)
