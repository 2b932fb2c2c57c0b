"""Prints a schema, for editors and other validators: `python -m pytest_deploycheck.schemas config`."""

from __future__ import annotations

import argparse
import sys

from pytest_deploycheck import schemas


def main() -> None:
    """Print the schema that the command line names; end with status 2 where there is none by that name."""
    parser = argparse.ArgumentParser(
        prog="python -m pytest_deploycheck.schemas", description="Print a JSON Schema of pytest-deploycheck."
    )
    parser.add_argument("name", choices=schemas.names(), help="the schema to print")
    sys.stdout.write(schemas.text(parser.parse_args().name))


if __name__ == "__main__":
    main()
