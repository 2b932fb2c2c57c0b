"""The formats of the configuration's schema that plain JSON Schema has no words for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_deploycheck.config import placeholders
from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.config.values import is_a_duration
from pytest_deploycheck.oci.files.windows import is_windows_path, plain_path

if TYPE_CHECKING:
    from jsonschema import FormatChecker

IMAGE_PATH_FORMAT = "deploycheck-image-path"
STREAM_FORMAT = "deploycheck-log-stream"
LINE_REGEX_FORMAT = "deploycheck-line-regex"
DURATION_FORMAT = "deploycheck-duration"
STREAM_PLACEHOLDERS = (placeholders.PLACEHOLDER, placeholders.CONTAINER, placeholders.TASK)


def format_checker(*, is_filled: bool) -> FormatChecker:
    """Return what checks these formats.

    Args:
        is_filled: Whether the placeholders of the document are filled already.
    """
    from jsonschema import FormatChecker  # noqa: PLC0415 - slow to import, and needed only here

    checker = FormatChecker(formats=())

    @checker.checks("python-regex", raises=(re.error, OverflowError, RecursionError))
    def compiles(value: object) -> bool:
        if isinstance(value, str):
            re.compile(value)
        return True

    @checker.checks(LINE_REGEX_FORMAT)
    def leaves_some_lines_out(value: object) -> bool:
        return not isinstance(value, str) or not value or _matches_some_lines_only(value)

    @checker.checks("deploycheck-setting")
    def has_only_known_placeholders(value: object) -> bool:
        return is_filled or not isinstance(value, str) or not placeholders.unknown(value)

    @checker.checks(STREAM_FORMAT)
    def names_a_stream_for_each_task(value: object) -> bool:
        if not isinstance(value, str) or (not is_filled and placeholders.has_variables(value)):
            return True
        return placeholders.TASK in value and not placeholders.unknown(value, STREAM_PLACEHOLDERS)

    @checker.checks(IMAGE_PATH_FORMAT)
    def is_absolute(value: object) -> bool:
        if not isinstance(value, str) or (not is_filled and placeholders.has_variables(value)):
            return True
        path = plain_path(value) if is_windows_path(value) else value
        return path.startswith("/") and ".." not in path.split("/")

    _check_durations(checker, is_filled=is_filled)
    return checker


def _check_durations(checker: FormatChecker, *, is_filled: bool) -> None:
    @checker.checks(DURATION_FORMAT)
    def is_duration(value: object) -> bool:
        if not isinstance(value, str) or (not is_filled and placeholders.has_variables(value)):
            return True
        return is_a_duration(value)


def _matches_some_lines_only(value: str) -> bool:
    """Return True if every match of a regular expression has a text; what is none is told elsewhere."""
    try:
        return not Pattern(value, regex=True).matches_no_text
    except (re.error, OverflowError, RecursionError):
        return True
