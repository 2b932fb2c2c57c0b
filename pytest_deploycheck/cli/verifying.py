"""`deploycheck verify`: the chain of evidence without pytest, with the same verdict, reports and exit statuses."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.cli import asking
from pytest_deploycheck.cli.hosting import hosted
from pytest_deploycheck.config import options
from pytest_deploycheck.config.options import Given
from pytest_deploycheck.report.finding import explain_finding
from pytest_deploycheck.report.progress import SparseLines
from pytest_deploycheck.report.summary import clock_of_this_machine, summary
from pytest_deploycheck.run import settings
from pytest_deploycheck.run.exit_status import INTERRUPTED, OF_VERDICT, REFUTED
from pytest_deploycheck.run.header import settings_line
from pytest_deploycheck.run.report_files import (
    ReportTarget,
    refuse_unwritable,
    remove_earlier,
    report_targets,
    write_all,
)
from pytest_deploycheck.run.rollout_wait import ShowRollouts
from pytest_deploycheck.run.verification import Findings, Verification, carry_out

if TYPE_CHECKING:
    from pytest_deploycheck.facts.baseline import Baseline
    from pytest_deploycheck.judge.progress import Progress
    from pytest_deploycheck.report.model import RunReport

_OPTIONS = tuple(option for option in options.OPTIONS if option is not options.ENV)

_EPILOG = """
The exit status is 0 for VERIFIED, 1 for REFUTED, 7 for UNPROVEN, 4 where the run could not start, 2 where it was
interrupted. The options have the names that they have in pytest as well: --image and --deploy-image are the same.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        help="verify an environment, without pytest",
        description="Verify an environment by the built-in checks, without pytest: the same verdict.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    asking.add_options(parser, _OPTIONS)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Verify, print the verdict, write the reports, and return the exit status."""
    asked, folders = asking.given(parsed), asking.folders()
    asking.refuse_no_environment(asked, folders)
    reports, baseline = _prepare(asked, folders)
    with ExitStack() as stack:
        table = None
        if asked[options.ENV.flag].text == options.SANDBOX_ENVIRONMENT:
            table = stack.enter_context(hosted(asked[options.SANDBOX.flag])).table
            asked = {option.flag: settings.in_sandbox(option, asked[option.flag]) for option in options.OPTIONS}
        resolved = settings.resolve(asked, folders, sandbox=table, baseline=baseline, command=_command(asked))
        verification = Verification(
            resolved.environment,
            resolved.options,
            source=folders.root,
            show_rollouts=_shown_by(SparseLines()),
        )
        stack.callback(verification.close)
        print(_header(settings_line(asked, resolved.file), verification), flush=True)
        report = _carry_out(verification)
    unwritten = _print_report(report, reports)
    if not report.complete:
        return INTERRUPTED
    return REFUTED if unwritten else OF_VERDICT[report.verdict]


def _prepare(
    asked: Mapping[str, Given], folders: settings.RunFolders
) -> tuple[Sequence[ReportTarget], Baseline | None]:
    """Read the baseline, and remove earlier reports, of which it may be one, before anything is validated."""
    reports = asked[options.REPORT.flag]
    targets = report_targets(reports, folders.folder)
    try:
        baseline = settings.baseline_of(asked[options.BASELINE.flag], folders.folder)
    finally:
        remove_earlier(targets, reports.source)
        refuse_unwritable(targets, reports.source)
    return targets, baseline


def _carry_out(verification: Verification) -> RunReport:
    """Carry out the checks; an interrupted run is judged by what was found until then."""
    findings: Findings = {}
    try:
        return carry_out(verification, findings)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return verification.report(findings, (), complete=False)


def _print_report(report: RunReport, targets: Sequence[ReportTarget]) -> bool:
    """Print what is not proven and the verdict, write the reports, and tell if one could not be written."""
    for service in report.services:
        for finding in service.findings:
            if not finding.is_good:
                print(f"\n{finding.status.upper()} {service.analysis.facts.name} {finding.id}")
                print("\n".join(f"  {line}".rstrip() for line in explain_finding(finding).splitlines()))
    print()
    for line in summary(report):
        print(line)
    written, unwritten = write_all(targets, report)
    for line in written:
        print(line)
    return unwritten


def _header(settings_text: str, verification: Verification) -> str:
    who = verification.identity
    parts = [settings_text, f"account {who.account}", who.region]
    parts += [clock_of_this_machine(who.clock_offset)] if who.clock_offset else []
    parts += [f"endpoint {who.endpoint}"] if who.endpoint else []
    return f"deploycheck: {', '.join(parts)}"


def _shown_by(lines: SparseLines) -> ShowRollouts:
    """Return a function that shows the progress of the rollouts that are waited for, beside the output."""

    def show(rollouts: Sequence[Progress], elapsed: float) -> None:
        for line in lines.due(rollouts, elapsed):
            print(f"deploycheck: {line}", file=sys.stderr, flush=True)

    return show


def _command(asked: Mapping[str, Given]) -> str:
    """Return the command of the run as far as it names what is verified."""
    words = ["deploycheck", "verify", asked[options.ENV.flag].text or ""]
    words += [f"{asking.flag_of(options.SANDBOX)}={name}" for name in asked[options.SANDBOX.flag].values]
    return shlex.join(words)
