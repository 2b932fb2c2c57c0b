from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_deploycheck import schemas


def _tables(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from _tables(value)


def test_schema_is_valid() -> None:
    """The schema of the configuration is valid under its metaschema, draft 2020-12."""
    schema = schemas.load("config")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


def test_every_key_has_help() -> None:
    """Each key has a title and a description, and no table takes keys it does not know."""
    tables = list(_tables(schemas.load("config")))
    assert len(tables) == 10
    for table in tables:
        assert "additionalProperties" in table
        assert not table.get("properties") or table["additionalProperties"] is False
        for key, value in table.get("properties", {}).items():
            assert value.get("title"), key
            assert value.get("description"), key


def test_text_is_the_schema() -> None:
    """`text` and `load` give the same schema."""
    assert json.loads(schemas.text("config")) == schemas.load("config")


def test_unknown_name_is_a_lookup_error() -> None:
    """A name without a schema is refused, with the names there are."""
    with pytest.raises(LookupError, match=r"no schema 'konfig'.*config"):
        schemas.load("konfig")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_deploycheck.schemas", *arguments], capture_output=True, check=False, text=True
    )


def test_command_prints_the_schema() -> None:
    """`python -m pytest_deploycheck.schemas config` prints the schema."""
    finished = _run("config")
    assert finished.returncode == 0
    assert json.loads(finished.stdout) == schemas.load("config")


@pytest.mark.parametrize("arguments", [["konfig"], []])
def test_command_refuses_unknown_names(arguments: list[str]) -> None:
    """An unknown name, or none, is an error on stderr that names what there is; exit status 2."""
    finished = _run(*arguments)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "config" in finished.stderr
    assert "Traceback" not in finished.stderr
