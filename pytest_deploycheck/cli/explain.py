"""`deploycheck explain`: what a check proves, how it ends, and what it asks of AWS."""

from __future__ import annotations

import argparse
from typing import Any

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.run.catalogue.pages import PAGES, page_of
from pytest_deploycheck.run.catalogue.rendering import as_text


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "explain",
        help="explain a check",
        description="Print what a check proves, how it fails, and what it asks of AWS.",
        allow_abbrev=False,
    )
    parser.add_argument("check", metavar="CHECK", nargs="?", help="the id of the check; default: list them all")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Print the page on a check, or the list of all checks."""
    if parsed.check is None:
        for one in PAGES:
            print(f"{one.id:<20}{one.link:<9}{one.proves}")
        return 0
    # The node id of a check may be copied as it is.
    check = parsed.check.rpartition("::")[2]
    page = page_of(check)
    if page is None:
        names = [one.id for one in PAGES]
        raise ConfigurationError(
            f"CHECK: unknown check {check!r}{did_you_mean(check, names)}", f"There are: {', '.join(names)}."
        )
    print(as_text(page))
    return 0
