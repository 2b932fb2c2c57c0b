"""The files of reports: where they are written, what is there before, and writing them in one piece."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from pytest_deploycheck.config import options
from pytest_deploycheck.config.options import Given
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.report.annotations import annotate
from pytest_deploycheck.report.fleet.flattened import as_one
from pytest_deploycheck.report.formats import FORMATS, STEP_SUMMARY, Format, render
from pytest_deploycheck.report.model import FleetReport, RunReport

GITHUB = "github"
"""The report for GitHub Actions: it is added to the summary of the step, and checks are annotated."""

_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


class ReportTarget(Struct, frozen=True):
    """A report to write.

    Attributes:
        path: Its file.
        format: Its format.
        appends: Whether the file has other content, which stays: the summary of a step of GitHub Actions.
    """

    path: Path
    format: Format
    appends: bool = False


def report_targets(asked: Given, folder: Path, environ: Mapping[str, str] = os.environ) -> tuple[ReportTarget, ...]:
    """Return the reports to write, each once.

    Args:
        asked: What was given for the option.
        folder: The folder at which relative names start.
        environ: The environment variables.

    Raises:
        ConfigurationError: One of them is not a kind of report or needs what is not installed, or GitHub's variable is
            not set.
    """
    return tuple(dict.fromkeys(_target(text, asked.source, folder, environ) for text in asked.values))


def _target(text: str, source: str, folder: Path, environ: Mapping[str, str]) -> ReportTarget:
    if not text.strip():
        raise ConfigurationError(f"{source}: found an empty value; expected {options.REPORT.metavar}")
    if text == GITHUB:
        summary = environ.get(_STEP_SUMMARY, "")
        if not summary:
            raise ConfigurationError(
                f"{source}: {GITHUB!r} writes to the file that ${_STEP_SUMMARY} names, and that variable is not set.",
                f"Give it in a workflow of GitHub Actions only, such as by {options.REPORT.variable}={GITHUB} there.",
            )
        return ReportTarget(folder / summary, STEP_SUMMARY, appends=True)
    suffix = Path(text).suffix
    if suffix not in FORMATS:
        raise ConfigurationError(
            f"{source}: {text!r} is not a kind of report; allowed are files that end in {', '.join(FORMATS)}, and "
            f"{GITHUB!r}.",
        )
    wanted = FORMATS[suffix]
    if wanted.needs and find_spec(wanted.needs) is None:
        raise ConfigurationError(
            f"{source}: a report that ends in {suffix} needs {wanted.needs}, which is not installed.",
            f"pip install 'pytest-deploycheck[{wanted.extra}]'",
        )
    return ReportTarget(folder / text, wanted)


@contextmanager
def replacing_earlier(asked: Given, folder: Path) -> Iterator[tuple[ReportTarget, ...]]:
    """Provide for the reports of a run: what is read in the block may be an earlier one, which is then removed.

    This comes before settings are validated, as a run that does not start writes no report.

    Args:
        asked: What was given for the option.
        folder: The folder at which relative names start.

    Raises:
        ConfigurationError: A report cannot be written, or something else is in its place.
    """
    targets = report_targets(asked, folder)
    try:
        yield targets
    finally:
        _remove_earlier(targets, asked.source)
        _refuse_unwritable(targets, asked.source)


def _remove_earlier(targets: Sequence[ReportTarget], source: str) -> None:
    """Remove earlier reports, so that no old verdict is taken for the verdict of this run.

    Args:
        targets: The reports to write.
        source: The option they came from, for messages.

    Raises:
        ConfigurationError: Something else is there, or a report cannot be removed.
    """
    for target in targets:
        path = target.path
        if target.appends or _is_device(path) or not os.path.lexists(path):
            continue
        if path.is_dir() or not _is_report(target):
            raise ConfigurationError(
                f"{source}: {path} exists and is not a report of pytest-deploycheck, so it is not overwritten.",
                "Name another file, or remove this one.",
            )
        try:
            path.unlink()
        except OSError as error:
            raise ConfigurationError(f"{source}: the earlier report {path} cannot be removed: {error}") from error


def _refuse_unwritable(targets: Sequence[ReportTarget], source: str) -> None:
    """See that each report can be written, before anything is verified.

    Args:
        targets: The reports to write; their folders are made.
        source: The option they came from, for messages.

    Raises:
        ConfigurationError: One of them cannot be written.
    """
    for target in targets:
        try:
            if target.appends:
                _append(target.path, "")
            elif not _is_device(target.path):
                _temporary(target.path).unlink()
        except OSError as error:
            raise ConfigurationError(
                f"{source}: the report {target.path} cannot be written: {error.strerror or error}",
                "Name a file in a folder that can be written.",
            ) from error


def write_all(targets: Sequence[ReportTarget], report: RunReport | FleetReport) -> tuple[list[str], bool]:
    """Write the reports of a run.

    Args:
        targets: The reports.
        report: The run.

    Returns:
        A line on each of them, with the annotations for GitHub, and whether one could not be written.
    """
    lines: list[str] = []
    is_unwritten = False
    for target in targets:
        try:
            (_append if target.appends else write)(target.path, render(report, target.format))
        except OSError as error:
            reason = error.strerror or error
            lines.append(f"The report {target.path} could not be written ({reason}), so the run fails all the same.")
            is_unwritten = True
        else:
            lines.append(f"report: {target.path}{'' if report.complete else ' (of the run so far)'}")
        lines += annotate(as_one(report)) if target.appends else []
    return lines, is_unwritten


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


def _append(path: Path, text: str) -> None:
    """Add a text to a file by one call of the system, so that two runs do not mix."""
    with path.open("ab", buffering=0) as file:
        file.write(text.encode("utf-8"))


def _temporary(path: Path) -> Path:
    """Make an empty file beside a report, with the permissions that any new file has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    temporary.touch(exist_ok=False)
    return temporary


def _is_device(path: Path) -> bool:
    """Tell if a path is a pipe or a device, which keeps nothing and cannot be replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _is_report(target: ReportTarget) -> bool:
    """Tell if a file is an earlier report; an empty file, as mktemp makes it, holds nothing to lose."""
    try:
        text = target.path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return not text.strip() or target.format.is_own(text)
