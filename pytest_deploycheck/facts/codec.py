"""Facts to plain JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import msgspec
import msgspec.structs

T = TypeVar("T")


def to_json(fact: Any) -> str:
    """Return a fact as JSON text."""
    # Log lines may hold lone surrogates, which json writes and msgspec's own encoder refuses; enc_hook makes plain
    # dicts of read-only mappings.
    return json.dumps(msgspec.to_builtins(fact, builtin_types=(datetime,), enc_hook=dict), default=datetime.isoformat)


def to_plain(fact: Any) -> Any:
    """Return a fact as plain JSON values, without attributes that have their default."""
    if isinstance(fact, msgspec.Struct):
        return {
            one.name: to_plain(value)
            for one in _fields(type(fact))
            if (value := getattr(fact, one.name)) != _default(one)
        }
    if isinstance(fact, Mapping):
        return {key: to_plain(value) for key, value in fact.items()}
    if isinstance(fact, list | tuple):
        return [to_plain(value) for value in fact]
    if isinstance(fact, datetime):
        return fact.isoformat()
    return msgspec.to_builtins(fact)


def from_plain(values: Any, kind: type[T]) -> T:
    """Return the fact of type `kind` of which `to_plain` made `values`.

    Raises:
        ValueError: They are not of that type.
    """
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


_fields = cache(msgspec.structs.fields)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    """The default of an attribute; `NODEFAULT`, which nothing equals, where it has none."""
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def from_json(text: str, kind: type[T]) -> T:
    """Return the fact of type `kind` of which `to_json` made `text`."""
    return msgspec.convert(json.loads(text), kind)
