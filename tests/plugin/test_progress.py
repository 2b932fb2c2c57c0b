"""A long wait on a terminal, and on none."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from plugin.terminal import on_a_terminal, screen

if TYPE_CHECKING:
    from pathlib import Path

RUN = (
    *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=no"),
    *("--deploy-env=sandbox", "--deploy-sandbox=cached-layer", "--deploy-log-wait=4s"),
    "deploycheck::backend::logs-1",
)
WAITING = re.compile(r"waiting for 'Found 3 platform sections': [34] s of (4|3\.\d) s, 0 matching events so far")


def test_a_long_wait_shows_on_a_terminal_its_progress(tmp_path: Path) -> None:
    """The condition, the time and the events seen, on a line that is written over and gone when the wait ends."""
    status, output = on_a_terminal(RUN, tmp_path)
    assert status == 1
    assert WAITING.search(output), output
    left = screen(output)
    assert not [line for line in left if "waiting for" in line]
    assert [line for line in left if line.startswith("F ")], left


def test_nothing_is_shown_where_there_is_no_terminal(tmp_path: Path) -> None:
    """In the log of a CI job such a line would be one of hundreds."""
    finished = subprocess.run(RUN, cwd=tmp_path, capture_output=True, check=False)
    assert finished.returncode == 1
    assert b"waiting for" not in finished.stdout + finished.stderr
