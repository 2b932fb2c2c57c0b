"""The console script: its commands, and the one message that a bad input ends with."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from pytest_deploycheck import __version__
from pytest_deploycheck.cli import explain, policy, replay, sandbox, verify
from pytest_deploycheck.cli.init import command as init
from pytest_deploycheck.errors import DeploycheckError
from pytest_deploycheck.run.exit_status import INTERRUPTED, USAGE_ERROR

_COMMANDS = (init, verify, replay, explain, policy, sandbox)


class CommandParser(argparse.ArgumentParser):
    """A parser that ends with the status of a usage error."""

    def error(self, message: str) -> NoReturn:
        """Print one message and the way to the help, and end."""
        self.exit(USAGE_ERROR, f"ERROR: {message}\n{self.prog} --help shows what there is.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name.

    Args:
        arguments: The arguments; default: those of the process.

    Returns:
        The exit status: 0 where all went well or everything is verified, 1 where something is refuted, 7 where it is
        unproven, 4 for an input or an environment that cannot be used, 2 for an interrupted run.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character shows its number.
            stream.reconfigure(errors="backslashreplace")
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
        sys.stdout.flush()
    except DeploycheckError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, such as `head`; what is left in the buffer must not fail when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USAGE_ERROR
    return status


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="deploycheck",
        description="Prove that the code that was to be shipped is the code that runs on AWS ECS.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pytest-deploycheck {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add(commands)
    return parser
