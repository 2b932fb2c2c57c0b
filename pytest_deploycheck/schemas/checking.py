"""The first violation of a JSON Schema in a document."""

from __future__ import annotations

from typing import Any

from jsonschema.validators import validator_for

from pytest_deploycheck.redaction import one_line


def first_violation(document: Any, schema: dict[str, Any]) -> str | None:
    """The first thing in a document that breaks a schema: its JSON path and what is wrong; None where nothing is.

    Raises:
        jsonschema.SchemaError: The schema itself is not valid.
    """
    checker = validator_for(schema)
    checker.check_schema(schema)
    error = next(checker(schema).iter_errors(document), None)
    # The path belongs to what is masked: it tells that the value of `$.password` is a secret.
    return one_line(f"{error.json_path}: {error.message}", 400) if error else None
