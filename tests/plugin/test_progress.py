"""A long wait on a terminal, and on none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plugin.terminal import on_a_terminal, screen

if TYPE_CHECKING:
    import pytest

RUN = (
    *("-p", "no:cacheprovider", "--tb=no"),
    *("--deploy-env=sandbox", "--deploy-sandbox=cached-layer", "--deploy-log-wait=4s"),
    "deploycheck::backend::logs-1",
)
WAITING = re.compile(r"waiting for 'Found 3 platform sections': [34] s of (4|3\.\d) s, 0 matching events so far")


def test_a_long_wait_shows_on_a_terminal_its_progress(pytester: pytest.Pytester) -> None:
    """The condition, the time and the events seen, on a line that is written over and gone when the wait ends."""
    status, output = on_a_terminal(pytester, *RUN)
    assert status == 1
    assert WAITING.search(output), output
    left = screen(output)
    assert not [line for line in left if "waiting for" in line]
    assert [line for line in left if line.startswith("F ")], left


def test_nothing_is_shown_where_there_is_no_terminal(pytester: pytest.Pytester) -> None:
    """In the log of a CI job such a line would be one of hundreds."""
    finished = pytester.runpytest_inprocess(*RUN)
    assert finished.ret == 1
    assert "waiting for" not in f"{finished.stdout}{finished.stderr}"
