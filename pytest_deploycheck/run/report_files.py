"""The files of reports: where they are written, what is there before, and writing them in one piece."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from pytest_deploycheck.config import options
from pytest_deploycheck.config.options import Given
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.report.formats import FORMATS
from pytest_deploycheck.report.model import RunReport


def report_paths(asked: Given, folder: Path) -> tuple[Path, ...]:
    """Return the files of the reports to write, each once.

    Args:
        asked: What was given for the option.
        folder: The folder at which relative names start.

    Raises:
        ConfigurationError: One of them is not a kind of report.
    """
    for text in asked.values:
        if not text.strip():
            raise ConfigurationError(f"{asked.source}: found an empty value; expected {options.REPORT.metavar}")
        if Path(text).suffix not in FORMATS:
            raise ConfigurationError(
                f"{asked.source}: {text!r} is not a kind of report; allowed are files that end in "
                f"{', '.join(FORMATS)}.",
            )
    return tuple(dict.fromkeys(folder / text for text in asked.values))


def remove_earlier(paths: Sequence[Path], source: str) -> None:
    """Remove earlier reports, so that no old verdict is taken for the verdict of this run.

    Args:
        paths: The files of the reports to write.
        source: The option they came from, for messages.

    Raises:
        ConfigurationError: Something else is there, or a report cannot be removed.
    """
    for path in paths:
        if _is_device(path) or not os.path.lexists(path):
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


def refuse_unwritable(paths: Sequence[Path], source: str) -> None:
    """See that each report can be written, before anything is verified.

    Args:
        paths: The files of the reports to write; their folders are made.
        source: The option they came from, for messages.

    Raises:
        ConfigurationError: One of them cannot be written.
    """
    for path in paths:
        try:
            if not _is_device(path):
                _temporary(path).unlink()
        except OSError as error:
            raise ConfigurationError(
                f"{source}: the report {path} cannot be written: {error.strerror or error}",
                "Name a file in a folder that can be written.",
            ) from error


def write(path: Path, text: str) -> None:
    """Write a file in one piece: a reader sees the whole of it or nothing, also where two runs write it at once.

    Args:
        path: The file; its folder is made.
        text: Its text.

    Raises:
        OSError: It cannot be written; then no part of it is left.
    """
    if _is_device(path):
        path.write_text(text, encoding="utf-8")
        return
    temporary = _temporary(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_all(paths: Sequence[Path], report: RunReport) -> tuple[list[str], bool]:
    """Write the reports of a run.

    Args:
        paths: Their files.
        report: The run.

    Returns:
        A line on each of them, and whether one could not be written.
    """
    lines, is_unwritten = [], False
    for path in paths:
        try:
            write(path, FORMATS[path.suffix].render(report))
        except OSError as error:
            lines.append(f"The report could not be written: {error}")
            is_unwritten = True
        else:
            lines.append(f"report: {path}{'' if report.complete else ' (of the run so far)'}")
    return lines, is_unwritten


def _temporary(path: Path) -> Path:
    """Make an empty file beside a report, with the permissions that any new file has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    temporary.touch(exist_ok=False)
    return temporary


def _is_device(path: Path) -> bool:
    """Tell if a path is a pipe or a device, which keeps nothing and cannot be replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _is_report(path: Path) -> bool:
    """Tell if a file is an earlier report; an empty file, as mktemp makes it, holds nothing to lose."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return not text.strip() or FORMATS[path.suffix].is_own(text)
