"""A terminal for runs, and what a person sees on it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run a command on a terminal, and return its exit status and all that it wrote."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    output = b""
    while chunk := _read(ours):
        output += chunk
    os.close(ours)
    return process.wait(), output.decode()


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
