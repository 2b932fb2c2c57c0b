from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from acceptance.conftest import toml
from support.runs import summary

from pytest_deploycheck import verify
from pytest_deploycheck.errors import ConfigurationError, EnvironmentUnusableError
from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.report.document import to_text
from pytest_deploycheck.sandbox import Sandbox
from pytest_deploycheck.sandbox.scenarios import SCENARIOS, build
from trust.lateness import Lateness
from trust.proxy import FaultyProxy, Schedule

SCHEDULES = int(os.environ.get("TRUST_SCHEDULES", "3"))
IN_EACH_PART = 10
WAIT_SECONDS = 2
GRACE_SECONDS = 30
_OWN_TRACEBACK = re.compile(r'File \\?"(?!/app/)')
"""A frame of a traceback that is not of the application in a scenario, which logs one of its own."""

SECRET = "wJalrXUtnFEMI-planted-K7MDENG"  # planted, to be looked for


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(max(1, SCHEDULES // IN_EACH_PART)))
def test_a_bad_day_brings_no_false_yes(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answers come, a run ends in time with a report or one clear error, and VERIFIED stays true."""
    monkeypatch.chdir(tmp_path)
    for seed in range(part * IN_EACH_PART, part * IN_EACH_PART + min(SCHEDULES, IN_EACH_PART)):
        _one_schedule(seed, tmp_path, monkeypatch)


def _one_schedule(seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = list(SCENARIOS)
    scenario = names[seed % len(names)]
    schedule = Schedule(seed)
    story = f"seed {seed}, scenario {scenario}, {', '.join(schedule.kinds)} in {schedule.share:.0%} of the calls"
    with Sandbox() as aws:
        table = build(scenario, aws)
        for service in aws._world.services.values():
            service.log(f"connecting with password={SECRET}")
        (folder / "deploycheck.toml").write_text(f"env = {toml({'dev': table})}\n", encoding="utf-8")
        with FaultyProxy(aws.endpoint_url, schedule) as proxy:
            for name, value in {**aws.environ, "AWS_ENDPOINT_URL": proxy.url}.items():
                monkeypatch.setenv(name, value)
            began = time.monotonic()
            with Lateness() as late:
                written = _written(scenario, story)
            elapsed = time.monotonic() - began
    assert SECRET not in written, story
    assert not _OWN_TRACEBACK.search(written), story
    assert elapsed - late.seconds < 2 * WAIT_SECONDS + GRACE_SECONDS, f"{story}: {elapsed:.0f} s"


def _written(scenario: str, story: str) -> str:
    """Verify, and return what a user is shown."""
    try:
        report = verify("dev", wait=f"{WAIT_SECONDS}s", log_wait=f"{WAIT_SECONDS}s")
    except (ConfigurationError, EnvironmentUnusableError) as error:
        return str(error)
    assert report.verdict is not Verdict.VERIFIED or scenario == "healthy", story
    return "\n".join([to_text(report), *summary(report)])
