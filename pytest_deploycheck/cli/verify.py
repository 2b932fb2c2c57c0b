"""`deploycheck verify`: the chain of evidence without pytest, with the same verdict, reports and exit statuses."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.cli import arguments
from pytest_deploycheck.cli.reporting import add_verbosity, carry_out, finish
from pytest_deploycheck.cli.sandbox import host
from pytest_deploycheck.config import options
from pytest_deploycheck.config.options import Given
from pytest_deploycheck.report.progress import SparseLines
from pytest_deploycheck.run import settings
from pytest_deploycheck.run.fleet.finder import ServiceFinder
from pytest_deploycheck.run.fleet.places import places
from pytest_deploycheck.run.fleet.progress import GatheredProgress
from pytest_deploycheck.run.fleet.verify import assemble
from pytest_deploycheck.run.header import settings_line
from pytest_deploycheck.run.report_files import replacing_earlier
from pytest_deploycheck.run.rollout_wait import ShowRollouts
from pytest_deploycheck.run.verification import Verification

if TYPE_CHECKING:
    from pytest_deploycheck.judge.progress import Progress

_OPTIONS = tuple(option for option in options.OPTIONS if option not in (options.ENV, options.REPLAY))

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
    arguments.add_options(parser, _OPTIONS)
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Verify, print the verdict, write the reports, and return the exit status."""
    asked, folders = arguments.given(parsed), arguments.folders()
    arguments.refuse_no_environment(asked, folders)
    # The baseline may be one of the reports that are replaced.
    with replacing_earlier(asked[options.REPORT.flag], folders.folder) as reports:
        baselines = settings.baselines_of(asked[options.BASELINE.flag], folders.folder)
    with ExitStack() as stack:
        table = None
        if asked[options.ENV.flag].text == options.SANDBOX_ENVIRONMENT:
            table = stack.enter_context(closing(host(asked[options.SANDBOX.flag]))).table
            asked = settings.in_sandbox(asked)
        finder = ServiceFinder()
        resolved = settings.resolve(
            asked, folders, sandbox=table, baselines=baselines, command=_command_of(asked), find=finder.find
        )
        show = _shown_by(SparseLines(sum(len(one.labels) for one in resolved.runs)))
        progress = GatheredProgress(show, resolved.runs)
        fleet = assemble(
            resolved.runs,
            finder,
            lambda one, access, clock: Verification(
                one.environment,
                one.options,
                source=folders.root,
                show_rollouts=progress.of(one),
                access=access,
                clock=clock,
            ),
        )
        stack.callback(fleet.close)
        fleet.identify()
        shown = settings_line(asked, resolved.file, unselected=resolved.unselected)
        print(f"deploycheck: {', '.join([shown, *places(fleet.verifications)])}", flush=True)
        report = carry_out(fleet, resolved.runs)
    return finish(report, reports, parsed.verbose)


def _shown_by(lines: SparseLines) -> ShowRollouts:
    """Return a function that shows the progress of the rollouts that are waited for, beside the output."""

    def show(rollouts: Sequence[Progress], elapsed: float) -> None:
        for line in lines.due(rollouts, elapsed):
            print(f"deploycheck: {line}", file=sys.stderr, flush=True)

    return show


def _command_of(asked: Mapping[str, Given]) -> Callable[[str], str]:
    """Return a function that gives the command of a run over an environment, as far as it names what is verified."""
    scenarios = [f"{arguments.flag_of(options.SANDBOX)}={name}" for name in asked[options.SANDBOX.flag].values]
    return lambda environment: shlex.join(["deploycheck", "verify", environment, *scenarios])
