"""A terminal for runs, and what a person sees on it."""

from __future__ import annotations

import os
import pty
import re
import sys
from threading import Thread
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    import pytest

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(pytester: pytest.Pytester, *args: str) -> tuple[int, str]:
    """Run pytest in this process on a terminal, and return its exit status and all that it wrote."""
    ours, theirs = pty.openpty()
    read: list[bytes] = []
    reader = Thread(target=lambda: read.extend(iter(lambda: _read(ours), b"")))
    reader.start()
    with (
        open(theirs, "w", encoding="utf-8") as terminal,  # noqa: PTH123  # it is no path
        mock.patch.object(sys, "stdout", terminal),
        mock.patch.object(sys, "stderr", terminal),
    ):
        status = pytester.inline_run(*args).ret
    reader.join()
    os.close(ours)
    assert status is not None
    return int(status), b"".join(read).decode()


def screen(output: str) -> list[str]:
    """Return the lines that are left on the terminal in the end: what was written over is gone."""
    lines = []
    for line in _STYLE.sub("", output).replace("\r\n", "\n").split("\n"):
        shown = ""
        for written in line.split("\r"):
            shown = written + shown[len(written) :]
        lines.append(shown.rstrip())
    return lines


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:
        # Linux says so when the other end of a terminal is closed.
        return b""
