"""Documents checked against a JSON Schema."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from pytest_deploycheck import schemas
from pytest_deploycheck.redaction import one_line


def validator(schema: dict[str, Any]) -> Validator:
    """Return what checks documents against a schema of the user's.

    Raises:
        jsonschema.SchemaError: The schema itself is not valid.
    """
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


@cache
def report_validator() -> Validator:
    """Return what checks a JSON report against the published schema."""
    schema = schemas.load("report")
    return validator_for(schema)(schema)


def first_violation(document: Any, checked_by: Validator) -> str | None:
    """The first thing in a document that breaks a schema: its JSON path and what is wrong; None where nothing is."""
    error = next(checked_by.iter_errors(document), None)
    # The path belongs to what is masked: it tells that the value of `$.password` is a secret.
    return one_line(f"{error.json_path}: {error.message}", 400) if error else None
