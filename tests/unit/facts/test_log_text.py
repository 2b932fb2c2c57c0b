"""The readable text of a log event."""

from __future__ import annotations

import re

import pytest

from pytest_deploycheck.facts.log_text import plain


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
