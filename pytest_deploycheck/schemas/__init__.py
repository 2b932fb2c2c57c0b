"""The published JSON Schemas: of the configuration and of the report."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

_SUFFIX = ".schema.json"


def names() -> list[str]:
    """The names of the schemas there are, sorted."""
    return sorted(
        entry.name.removesuffix(_SUFFIX) for entry in files(__name__).iterdir() if entry.name.endswith(_SUFFIX)
    )


def text(name: str) -> str:
    """The schema `name` as JSON text.

    Raises:
        LookupError: There is no schema by that name.
    """
    if name not in names():
        raise LookupError(f"no schema {name!r}; there are: {', '.join(names())}")
    return (files(__name__) / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


def load(name: str) -> dict[str, Any]:
    """The schema `name` as plain values.

    Raises:
        LookupError: There is no schema by that name.
    """
    schema: dict[str, Any] = json.loads(text(name))
    return schema
