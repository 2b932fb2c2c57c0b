"""The summary at the end of a run over several environments or many services: a table, then what is not well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.report.fleet.table import table
from pytest_deploycheck.report.model import FleetReport, RunReport, ServiceReport
from pytest_deploycheck.report.summary import VERDICT_TONES, closing_rows, service_rows, summary_rows
from pytest_deploycheck.report.terminal.rows import Line, Row, cleaned, lines_of

FEW = 3
"""Services of one environment up to which each is shown as it is alone."""

_MOST_EXPLAINED = 10
"""Services that are explained; of more, the table and the reports show what there is."""

_Labelled = tuple[str, ServiceReport, RunReport]
"""A service with its label and the report of its environment."""


def fleet_lines(report: FleetReport, *, width: int, verbosity: int = 0) -> list[Line]:
    """Return the summary as lines for a terminal.

    Args:
        report: The result of the run.
        width: Columns of the terminal.
        verbosity: 0 for what is not well, 1 for every check and the timeline, 2 for skipped checks as well.
    """
    return lines_of(fleet_rows(report, verbosity), width)


def fleet_rows(report: FleetReport, verbosity: int = 0) -> list[Row]:
    """Return the table, what is not well and the advice; of one environment with few services its own summary."""
    environments = report.environments
    if len(environments) == 1 and len(environments[0].services) <= FEW and not environments[0].observation.problem:
        return summary_rows(environments[0], verbosity)
    is_fleet = len(environments) > 1
    observed = [
        (f"{one.environment}/{service.name}" if is_fleet else service.name, service, one)
        for one in environments
        if not one.observation.problem
        for service in one.services
    ]
    rows = [_head(report, [service for _, service, _ in observed])]
    rows += table([(label, service) for label, service, _ in observed])
    rows += [row for one in environments for row in _not_observed(one)]
    rows += _explained(observed, verbosity)
    rows += _advice(observed)
    rows += dict.fromkeys(row for one in environments for row in closing_rows(one))
    return cleaned(rows, [text for one in environments for text in one.mask])


def _head(report: FleetReport, services: Sequence[ServiceReport]) -> Row:
    names = ", ".join(one.environment for one in report.environments)
    counts = Counter(service.verdict for service in services)
    counted = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    text = f"{report.verdict}: {plural(len(services), 'service')} in {names}{f': {counted}' if counted else ''}"
    broken = f", broken link: {report.broken_link}" if report.broken_link else ""
    return Row(f"{text}{broken}", tone=VERDICT_TONES[report.verdict], indent=2)


def _not_observed(report: RunReport) -> list[Row]:
    """The rows on an environment of which nothing was observed, or in which no service was verified."""
    problem, tone = report.observation.problem, VERDICT_TONES[report.verdict]
    if problem:
        text = f"{report.verdict}: {report.environment} could not be observed: {problem.message}"
        return [Row(text, tone=tone), Row(f"  what to do: {problem.remedy}")]
    if report.services:
        return []
    return [Row(f"{report.verdict}: no service of {report.environment} was verified", tone=tone)]


def _explained(observed: Sequence[_Labelled], verbosity: int) -> list[Row]:
    """The rows on each service that is not verified; with a closer look on every service."""
    ordered = sorted(observed, key=lambda one: one[1].verdict.rank)
    shown = [one for one in ordered if verbosity > 0 or one[1].verdict is not Verdict.VERIFIED]
    most = len(shown) if verbosity > 0 else _MOST_EXPLAINED
    rows = [row for _, service, report in shown[:most] for row in service_rows(service, report, verbosity)]
    left = shown[most:]
    if left:
        text = f"{plural(len(left), 'service')} more not verified: see the table; -v and the reports explain each."
        rows.append(Row(text, indent=2))
    return rows


def _advice(observed: Sequence[_Labelled]) -> list[Row]:
    """The advice on verified services, each once however many services it is for."""
    counts = Counter(
        text for _, service, _ in observed if service.verdict is Verdict.VERIFIED for text in service.advice
    )
    return [Row(f"  advice for {plural(number, 'service')}: {text}") for text, number in counts.items()]
