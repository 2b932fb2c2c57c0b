"""The summary in the terminal of each scenario of the sandbox."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.replays import replayed
from support.runs import summary_lines
from syrupy.assertion import SnapshotAssertion

from pytest_deploycheck.sandbox.scenarios import SCENARIOS
from unit.report.markdown.test_scenarios import stable


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_each_scenario(scenario: str, snapshot: SnapshotAssertion) -> None:
    """It reads well at 80 columns, is no more than a screen, and is reviewed as a text."""
    report = replace(replayed(scenario), replay_of="")
    lines = [str(line) for line in summary_lines(report, width=80)]
    assert len(lines) <= 40
    assert stable("\n".join(lines)) == snapshot
