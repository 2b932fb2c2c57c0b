"""Plain values as TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def value(one: Any) -> str:
    """Return a value as TOML writes it on one line: a text, a number, a boolean, a list or an inline table."""
    if isinstance(one, Mapping):
        return f"{{ {', '.join(f'{key(name)} = {value(item)}' for name, item in one.items())} }}" if one else "{}"
    if isinstance(one, list | tuple):
        return f"[{', '.join(map(value, one))}]"
    # JSON writes texts, numbers and booleans as TOML does, but for a character that TOML wants escaped.
    return json.dumps(one, ensure_ascii=False).replace("\x7f", "\\u007f")


def key(name: str) -> str:
    """Return a key, quoted where it needs to be."""
    return name if _BARE_KEY.fullmatch(name) else value(name)


def environment(name: str, content: Mapping[str, Any]) -> str:
    """Return the tables of an environment: its own, and those of its services with their log expectations."""
    path = ("env", name)
    parts = [_table(path, {one: text for one, text in content.items() if one != "services"})]
    for service, table in content.get("services", {}).items():
        inner = (*path, "services", service)
        parts.append(_table(inner, {one: text for one, text in table.items() if one != "logs"}))
        parts += [_table((*inner, "logs"), row, brackets=2) for row in table.get("logs", ())]
    return "\n\n".join(parts)


def _table(path: Sequence[str], rows: Mapping[str, Any], *, brackets: int = 1) -> str:
    head = f"{'[' * brackets}{'.'.join(map(key, path))}{']' * brackets}"
    return "\n".join([head, *(f"{key(name)} = {value(one)}" for name, one in rows.items())])
