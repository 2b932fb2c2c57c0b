"""The checks of a run on the console, and what is printed and written of them."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from pytest_deploycheck.report.finding import explain_finding
from pytest_deploycheck.report.fleet.summary import fleet_lines
from pytest_deploycheck.report.shown_readings import ShownReadings
from pytest_deploycheck.run.exit_status import INTERRUPTED, OF_VERDICT, REFUTED
from pytest_deploycheck.run.fleet.verify import carry_out_all
from pytest_deploycheck.run.report_files import ReportTarget, write_all

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import EnvironmentRun
    from pytest_deploycheck.judge.finding import Finding
    from pytest_deploycheck.report.model import FleetReport
    from pytest_deploycheck.run.fleet.fleet import Fleet


def add_verbosity(parser: argparse.ArgumentParser) -> None:
    """Add the option for more of the summary."""
    words = "show every check and the timeline; -vv skipped checks as well"
    parser.add_argument("-v", "--verbose", action="count", default=0, help=words)


def finish(report: FleetReport, targets: Sequence[ReportTarget], verbosity: int) -> int:
    """Print the verdict, write the reports, and return the exit status."""
    unwritten = _print_report(report, targets, verbosity)
    if not report.complete:
        return INTERRUPTED
    return REFUTED if unwritten else OF_VERDICT[report.verdict]


def carry_out(fleet: Fleet, runs: Sequence[EnvironmentRun]) -> FleetReport:
    """Carry out the checks; an interrupted run is judged by what was found until then."""
    findings: dict[str, list[Finding]] = {}
    try:
        return carry_out_all(fleet, runs, findings)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return fleet.report(findings, (), complete=False)


def _print_report(report: FleetReport, targets: Sequence[ReportTarget], verbosity: int) -> bool:
    """Print what is not proven and the verdict, write the reports, and tell if one could not be written."""
    _print_findings(report)
    print()
    for row in fleet_lines(report, width=shutil.get_terminal_size().columns, verbosity=verbosity):
        print(row)
    written, unwritten = write_all(targets, report)
    for line in written:
        print(line)
    return unwritten


def _print_findings(report: FleetReport) -> None:
    """Print the findings that are not good; what was read of the logs of a service is shown once."""
    shown = ShownReadings()
    for environment in report.environments:
        prefix = f"{environment.environment}/" if len(report.environments) > 1 else ""
        for service in environment.services if not environment.observation.problem else ():
            label = f"{prefix}{service.name}"
            for finding in service.findings:
                if not finding.is_good:
                    print(f"\n{finding.status.upper()} {label} {finding.id}")
                    read = partial(shown.lines, service=label, check=finding.id)
                    text = explain_finding(finding, environment.mask, read)
                    print("\n".join(f"  {line}".rstrip() for line in text.split("\n")))
