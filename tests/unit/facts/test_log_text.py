"""The readable text of a log event."""

from __future__ import annotations

import json
import re

import pytest

from pytest_deploycheck.facts.log_text import plain, readable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("10%\rERROR: db gone\r", "10%\nERROR: db gone"),
        ("one\r\ntwo\r\n", "one\ntwo"),
        ("one\r\r\ntwo", "one\ntwo"),
        ("started\r\n", "started"),
    ],
)
def test_a_carriage_return_begins_a_line(raw: str, shown: str) -> None:
    """A progress bar writes over its line: what comes after a carriage return stands at the start of a line."""
    assert plain(raw) == shown
    assert re.search("(?m)^ERROR", plain("50%\r\x1b[31mERROR\x1b[0m"))


@pytest.mark.parametrize(
    "message",
    [
        'level=info "log": opened',
        '{"log": "cut in the mid',
        '{"log": {"level": "info"}, "container_name": "app"}',
        '["log", "container_name"]',
        '{"log": "an object of the application itself"}',
        f'{{"log": {"[" * 100_000}',
    ],
    ids=["no JSON", "half of an object", "an object in it", "an array", "no source", "endless"],
)
def test_what_is_no_envelope_is_the_line_itself(message: str) -> None:
    """A routed line that only looks like an envelope is read as it is: nothing of it is taken for the log line."""
    read = readable(message, is_routed=True)
    assert read.text == message
    assert not read.is_wrapped


def test_a_piece_of_a_line_has_its_place() -> None:
    """A piece tells the line it is of and its position, the first where none is given; else it is a whole line."""

    def part(**marks: object) -> tuple[str, int] | None:
        piece = {"log": "half a li", "container_name": "app", "partial_message": "true", **marks}
        found = readable(json.dumps(piece), is_routed=True)
        assert found.text == "half a li"
        return (found.part.line, found.part.ordinal) if found.part else None

    assert part(partial_id="7", partial_ordinal="2") == ("7", 2)
    assert part(partial_id="7") == ("7", 1)
    assert part() is None
    assert part(partial_id="7", partial_ordinal="second") is None
    assert part(partial_id="7", partial_ordinal=None) is None
