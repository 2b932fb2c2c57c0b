"""Facts to plain JSON and back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def to_json(fact: Any) -> str:
    """Return a fact as JSON text."""
    # Log lines may hold lone surrogates, which json writes and msgspec's own encoder refuses; enc_hook makes plain
    # dicts of read-only mappings.
    return json.dumps(msgspec.to_builtins(fact, builtin_types=(datetime,), enc_hook=dict), default=datetime.isoformat)


def from_json(text: str, kind: type[T]) -> T:
    """Return the fact of type `kind` of which `to_json` made `text`."""
    return msgspec.convert(json.loads(text), kind)
