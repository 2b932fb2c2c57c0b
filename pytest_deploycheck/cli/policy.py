"""`deploycheck policy`: the least IAM policy for an environment, as JSON or as a data block of Terraform."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack, closing
from typing import Any

from pytest_deploycheck.cli import arguments
from pytest_deploycheck.cli.sandbox import host
from pytest_deploycheck.config import options
from pytest_deploycheck.run import settings
from pytest_deploycheck.run.fleet.finder import ServiceFinder

_OPTIONS = (options.CONFIG, options.SERVICE, options.IMAGE, options.SANDBOX)
_FORMATS = ("json", "terraform")


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "policy",
        help="print the least IAM policy for an environment",
        description="Print the least IAM policy that the configured checks of an environment need, with its real ARNs. "
        "The repositories and log groups are read with the credentials at hand; what cannot be read is noted.",
        allow_abbrev=False,
    )
    arguments.add_options(parser, _OPTIONS)
    parser.add_argument("--format", choices=_FORMATS, default="json", help="default: json")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Print the policy, and what its reader has to know beside it."""
    from pytest_deploycheck.run.policy.environment_policy import policy_of_all  # noqa: PLC0415  # loaded where it is needed

    asked, folders = arguments.given(parsed), arguments.folders()
    arguments.refuse_no_environment(asked, folders)
    with ExitStack() as stack:
        table = None
        if asked[options.ENV.flag].text == options.SANDBOX_ENVIRONMENT:
            table = stack.enter_context(closing(host(asked[options.SANDBOX.flag]))).table
        resolved = settings.resolve(asked, folders, sandbox=table, baselines=(), command=str, find=ServiceFinder().find)
        policy = policy_of_all(resolved.runs)
    print(policy.text(parsed.format))
    for note in policy.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0
