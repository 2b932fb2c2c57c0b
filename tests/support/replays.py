"""The whole reports of the documentation, judged again in this process and without a server."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_deploycheck.report.model import RunReport
from pytest_deploycheck.run.checks import checks_of
from pytest_deploycheck.run.recording.replay import Replay, read_replays
from pytest_deploycheck.run.verification import Verification

REPORTS = Path(__file__).parents[2] / "docs" / "reports"
NOWHERE = Path("/nowhere")
"""A folder that does not exist, in the place of the checkout."""


def recorded(scenario: str) -> dict[str, Any]:
    """Return the report of a scenario as the documentation has it."""
    report: dict[str, Any] = json.loads((REPORTS / f"{scenario}.json").read_text(encoding="utf-8"))
    return report


def verification_of(replay: Replay) -> Verification:
    """Return the verification of a replay."""
    return Verification(replay.environment, replay.options, replay=replay, source=NOWHERE)


@lru_cache
def replayed(scenario: str) -> RunReport:
    """Return the report of a scenario, judged again by every check."""
    return judged_again(REPORTS / f"{scenario}.json")


def judged_again(path: Path) -> RunReport:
    """Return a report, judged again by every check."""
    (replay,) = read_replays(path, "--deploy-replay")
    replay = replay.of(replay.options.services)
    verification = verification_of(replay)
    findings = {
        service: [verification.finding(service, check) for check in checks_of(replay.environment, service)]
        for service in replay.options.services
    }
    assert verification.made.calls == ()
    return verification.report(findings, (), complete=True)
