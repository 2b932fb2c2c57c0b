"""The events of a log group whose lines were cut into pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from support.worlds import stream

from pytest_deploycheck.observe.logs import events
from pytest_deploycheck.observe.logs.events import EventReader

ROUTED = replace(stream(), is_routed=True)


def piece(line: str, ordinal: int, text: str) -> dict[str, Any]:
    """A piece of a line that Docker cut, as a log router writes it."""
    marks = {"partial_message": "true", "partial_id": line, "partial_ordinal": str(ordinal)}
    return {"message": json.dumps({"log": text, "source": "stdout", **marks})}


def test_pieces_are_joined_in_their_order() -> None:
    """A piece that comes late has its place before those that followed it."""
    reader = EventReader()
    reader.texts(piece("a", 2, "world"), ROUTED)
    assert reader.texts(piece("a", 1, "hello "), ROUTED)[0].text == "hello world"


def test_the_pieces_of_lines_long_past_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: of many cut lines the newest are still joined, and of the oldest only what comes later."""
    monkeypatch.setattr(events, "_MOST_LINES", 2)
    reader = EventReader()
    for line in ("a", "b", "c"):
        reader.texts(piece(line, 1, f"{line} begins, "), ROUTED)
    assert reader.texts(piece("c", 2, "ends"), ROUTED)[0].text == "c begins, ends"
    assert reader.texts(piece("a", 2, "ends"), ROUTED)[0].text == "ends"
