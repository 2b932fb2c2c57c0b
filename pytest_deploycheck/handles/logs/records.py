"""Structured logs: lines that are JSON objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_deploycheck.facts.log import LogEvent
from pytest_deploycheck.judge.log_wording import shown


def parse_records(events: Sequence[LogEvent], schema: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the events whose text is a JSON object, as dictionaries.

    Args:
        events: Events; those whose text is something else are left out.
        schema: A JSON Schema that each object must satisfy, or None.

    Raises:
        AssertionError: An object does not satisfy the schema.
        jsonschema.SchemaError: The schema itself is not valid.
    """
    __tracebackhide__ = True
    found = [(event, record) for event in events if (record := _object_in(event.text)) is not None]
    if schema is not None:
        # jsonschema is slow to load.
        from pytest_deploycheck.schemas.checking import first_violation, validator  # noqa: PLC0415

        checked_by = validator(dict(schema))
        for event, record in found:
            violation = first_violation(record, checked_by)
            if violation:
                raise AssertionError(f"a record does not satisfy the schema: {violation}\n  {shown(event)}")
    return [record for _, record in found]


def _object_in(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
