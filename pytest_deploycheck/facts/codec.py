"""Facts to plain JSON and back."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from cattrs.preconf.json import JsonConverter, make_converter

T = TypeVar("T")


@cache
def _converter() -> JsonConverter:
    converter = make_converter()
    # fromisoformat reads back exactly what isoformat writes, microseconds and zone included.
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    return converter


def to_json(fact: Any) -> str:
    """A fact as JSON text."""
    return _converter().dumps(fact)


def from_json(text: str, kind: type[T]) -> T:
    """The fact of type `kind` that `to_json` made `text` of."""
    return _converter().loads(text, kind)
