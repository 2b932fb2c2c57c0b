"""A long wait on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RUN = (
    *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--tb=no"),
    *("--deploy-env=sandbox", "--deploy-sandbox=cached-layer", "--deploy-log-wait=3.5s"),
    "deploycheck::backend::logs-1",
)
WAITING = b"waiting for 'Found 3 platform sections': 3 s of 3.5 s, 0 matching events so far"


def test_a_long_wait_shows_on_a_terminal_how_it_gets_on(tmp_path: Path) -> None:
    """What is awaited, for how long and what was seen, on a line that is written over and gone when the wait ends."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(RUN, cwd=tmp_path, stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    output = b""
    while chunk := _read(ours):
        output += chunk
    os.close(ours)
    assert process.wait() == 1
    assert WAITING in output
    after = output.rpartition(WAITING)[2]
    assert b" \r" in after.partition(b"F")[0]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:
        # Linux says so when the other end of a terminal is closed.
        return b""
