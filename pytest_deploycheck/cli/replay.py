"""`deploycheck replay`: the facts of an earlier JSON report, judged again; nothing is contacted."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from pytest_deploycheck.cli import arguments
from pytest_deploycheck.cli.reporting import add_verbosity, carry_out, finish
from pytest_deploycheck.config import options
from pytest_deploycheck.config.options import Given
from pytest_deploycheck.run.fleet.finder import ServiceFinder
from pytest_deploycheck.run.fleet.verify import assemble
from pytest_deploycheck.run.recording.replay import read_replays
from pytest_deploycheck.run.recording.settings import replay_line, replayed_runs
from pytest_deploycheck.run.report_files import replacing_earlier
from pytest_deploycheck.run.verification import Verification

_OPTIONS = (options.SERVICE, options.REPORT)
_FILE = "FILE"


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "replay",
        help="judge the facts of an earlier JSON report again",
        description="Judge the facts of an earlier JSON report again, by the checks of this version. Nothing is "
        "contacted, and nothing counts as verified: the exit status is 1 for REFUTED, else 7.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar=_FILE, help="the report")
    arguments.add_options(parser, _OPTIONS, with_environment=False)
    add_verbosity(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Judge again, print the verdict, write the reports, and return the exit status."""
    # Variables are for runs over environments; the report alone says what this one is of.
    asked, here = arguments.given(parsed, environ={}), Path.cwd()
    with replacing_earlier(asked[options.REPORT.flag], here) as targets:
        replays = read_replays(here / parsed.file, _FILE)
    runs = replayed_runs(asked, replays, lambda labels: labels)
    by_name = {one.environment.name: one for one in replays}
    finder = ServiceFinder()
    fleet = assemble(
        runs,
        finder,
        lambda one, _, clock: Verification(
            one.environment, one.options, clock=clock, replay=by_name[one.environment.name].of(one.options.services)
        ),
    )
    with closing(fleet):
        print(f"deploycheck: {replay_line(Given((parsed.file,), 'the command line'), replays)}", flush=True)
        report = carry_out(fleet, runs)
    return finish(report, targets, parsed.verbose)
