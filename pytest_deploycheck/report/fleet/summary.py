"""The summary at the end of a run over several environments, or over many services."""

from __future__ import annotations

from pytest_deploycheck.report.model import FleetReport, RunReport
from pytest_deploycheck.report.rows import Line, Row, cleaned, lines_of
from pytest_deploycheck.report.summary import VERDICT_TONES, summary_rows


def fleet_summary(report: FleetReport) -> list[str]:
    """Return the summary as plain lines, each whole, however long it is."""
    return [str(row) for row in _rows(report, 0)]


def fleet_lines(report: FleetReport, *, width: int, verbosity: int = 0) -> list[Line]:
    """Return the summary as lines for a terminal.

    Args:
        report: The result of the run.
        width: Columns of the terminal.
        verbosity: 0 for what is not well, 1 for every check and the timeline, 2 for skipped checks as well.
    """
    return lines_of(_rows(report, verbosity), width)


def _rows(report: FleetReport, verbosity: int) -> list[Row]:
    return [row for one in report.environments for row in _environment(one, verbosity)]


def _environment(report: RunReport, verbosity: int) -> list[Row]:
    problem = report.observation.problem
    if problem is None:
        return summary_rows(report, verbosity)
    text = f"{report.verdict}: {report.environment} could not be observed: {problem.message}"
    rows = [Row(text, tone=VERDICT_TONES[report.verdict]), Row(f"  what to do: {problem.remedy}")]
    return cleaned(rows, report.mask)
