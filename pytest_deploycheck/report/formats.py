"""The formats of reports by the suffix of their file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from msgspec import Struct

from pytest_deploycheck.report.document import to_text
from pytest_deploycheck.report.fleet.document import fleet_text
from pytest_deploycheck.report.fleet.flattened import as_one
from pytest_deploycheck.report.generator import is_generated
from pytest_deploycheck.report.model import FleetReport, RunReport

_KEYS = frozenset({"schema_version", "verdict", "services"})
"""The keys by which a JSON file is known to be a report."""


class Format(Struct, frozen=True):
    """A format of reports.

    Attributes:
        render: Returns the text of a report; what it needs beyond the package is imported only then.
        is_own: Tells if the text of a file is an earlier report in this format.
        needs: The module that it needs beyond those of the package; empty where there is none.
        extra: The extra of the package that brings this module.
        render_fleet: Returns the text of a report of several environments; None where it is shown as one of one.
    """

    render: Callable[[RunReport], str]
    is_own: Callable[[str], bool]
    needs: str = ""
    extra: str = ""
    render_fleet: Callable[[FleetReport], str] | None = None


def _is_json_report(text: str) -> bool:
    try:
        return set(json.loads(text)) >= _KEYS
    except (ValueError, TypeError):
        return False


def _markdown(report: RunReport) -> str:
    from pytest_deploycheck.report.markdown.page import render  # noqa: PLC0415  # loaded where it is asked for

    return render(report)


def _html(report: RunReport) -> str:
    from pytest_deploycheck.report.html.rendering import to_html  # noqa: PLC0415  # with the template engine

    return to_html(report)


def _fleet_html(report: FleetReport) -> str:
    from pytest_deploycheck.report.html.rendering import fleet_to_html  # noqa: PLC0415  # with the template engine

    return fleet_to_html(report)


def _step_summary(report: RunReport) -> str:
    return f"\n{_markdown(report)}"


FORMATS: Mapping[str, Format] = {
    ".json": Format(to_text, _is_json_report, render_fleet=fleet_text),
    ".md": Format(_markdown, is_generated),
    ".html": Format(_html, is_generated, needs="jinja2", extra="html", render_fleet=_fleet_html),
}
"""The formats by suffix, with its dot."""

STEP_SUMMARY = Format(_step_summary, lambda _: False)
"""The format of what is added to the summary of a step of GitHub Actions."""


def render(report: RunReport | FleetReport, form: Format) -> str:
    """Return the text of a report; of one environment in the form that one alone has."""
    if form.render_fleet and isinstance(report, FleetReport) and len(report.environments) > 1:
        return form.render_fleet(report)
    return form.render(as_one(report))
