from __future__ import annotations

import pytest
from jsonschema import SchemaError

from pytest_deploycheck.handles.logs.records import parse_records


def test_a_schema_that_is_none_is_an_error_without_any_record() -> None:
    """A schema that is not valid is refused where no line is a record as well, or it would hold of nothing at all."""
    with pytest.raises(SchemaError):
        parse_records([], {"type": "unknown"})
