"""The check of written reports against the published schema."""

from __future__ import annotations

from functools import cache

from jsonschema import Draft202012Validator, FormatChecker

from pytest_deploycheck import schemas


def check_report(report: object) -> None:
    """Raise jsonschema's ValidationError where a report does not fit the published schema.

    The schema itself is checked once, elsewhere: checking it each time would be a good part of a short run.
    """
    _validator().validate(report)


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schemas.load("report"), format_checker=FormatChecker())
