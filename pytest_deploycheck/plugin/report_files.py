"""The files of reports: where they are written, and what is there before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.plugin import options
from pytest_deploycheck.plugin.options import given

_SUFFIXES = (".json",)
_KEYS = frozenset({"schema_version", "verdict", "environment", "services"})
"""The keys by which a JSON file is known to be a report."""


def report_paths(config: pytest.Config) -> tuple[Path, ...]:
    """Return the files of the reports to write.

    Raises:
        ConfigurationError: One of them is not a kind of report.
    """
    asked = given(config, options.REPORT)
    for text in asked.values:
        if not text.strip():
            raise ConfigurationError(f"{asked.source}: found an empty value; expected {options.REPORT.metavar}")
        if Path(text).suffix not in _SUFFIXES:
            raise ConfigurationError(
                f"{asked.source}: {text!r} is not a kind of report; allowed are files that end in "
                f"{', '.join(_SUFFIXES)}.",
            )
    return tuple(config.invocation_params.dir / text for text in asked.values)


def remove_earlier(paths: Sequence[Path], source: str) -> None:
    """Remove earlier reports, so that no old verdict is taken for the verdict of this run.

    Args:
        paths: The files of the reports to write.
        source: The option they came from, for messages.

    Raises:
        ConfigurationError: Something else is there, or a report cannot be removed.
    """
    for path in paths:
        if not path.is_file() and not path.is_dir():
            # Nothing is there, or a device such as /dev/stdout, which keeps nothing.
            continue
        if path.is_dir() or not _is_report(path):
            raise ConfigurationError(
                f"{source}: {path} exists and is not a report of pytest-deploycheck, so it is not overwritten.",
                "Name another file, or remove this one.",
            )
        try:
            path.unlink()
        except OSError as error:
            raise ConfigurationError(f"{source}: the earlier report {path} cannot be removed: {error}") from error


def _is_report(path: Path) -> bool:
    """Tell if a file is an earlier report; an empty file, as mktemp makes it, holds nothing to lose."""
    try:
        text = path.read_text(encoding="utf-8")
        return not text.strip() or set(json.loads(text)) >= _KEYS
    except (OSError, ValueError, TypeError):
        return False
