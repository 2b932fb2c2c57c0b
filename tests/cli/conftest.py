"""The console script in this process, against a scenario or against a world that the test fills."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.cli.main import main
from pytest_deploycheck.config.options import OPTIONS
from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its status and what it printed."""

    status: int
    out: str
    err: str

    def is_usage_error(self, *words: str) -> bool:
        """Tell if it ended with one message that has these words, and no traceback."""
        assert self.status == 4, self.out + self.err
        assert "Traceback" not in self.err
        assert self.err.startswith("ERROR: ")
        return all(word in self.err for word in words)


class Script:
    """The console script, started in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Ended:
        """Run a command."""
        try:
            status = main(arguments)
        except SystemExit as end:
            status = int(end.code or 0)
        return Ended(status, *self._capsys.readouterr())

    def report(self, name: str = "report.json") -> dict[str, Any]:
        """Return a report that was written."""
        document: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        return document


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Script:
    """Return the console script in a folder of its own, without variables of this machine."""
    monkeypatch.chdir(tmp_path)
    for option in OPTIONS:
        if option.variable:
            monkeypatch.delenv(option.variable, raising=False)
    return Script(tmp_path, capsys)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Return a sandbox that this process's variables lead to."""
    with Sandbox() as sandbox:
        for name, value in sandbox.environ.items():
            monkeypatch.setenv(name, value)
        yield sandbox
