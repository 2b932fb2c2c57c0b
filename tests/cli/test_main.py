"""Commands whose output goes elsewhere than to a terminal."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from io import StringIO

import pytest

from pytest_deploycheck.cli.main import main


def test_a_reader_that_has_gone_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`deploycheck explain | head -1`: what is left is written nowhere, also when the process ends."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as gone:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stdout", gone)
        status = main(["explain"])
        gone.write("what the process still has to say")
        monkeypatch.undo()
    assert status == 4
    assert capsys.readouterr().err == ""


def test_the_output_may_be_collected_in_memory() -> None:
    """A script that calls a command with a stream of its own gets the text, without a terminal's encoding."""
    with redirect_stdout(StringIO()) as collected:
        assert main(["explain", "image-exists"]) == 0
    assert "proves:" in collected.getvalue()
