"""Replays of a run over several environments."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from support.replays import replayed

from pytest_deploycheck.config.options import OPTIONS, Given
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.judge.verdict import judge_run
from pytest_deploycheck.report.fleet.document import fleet_text
from pytest_deploycheck.report.model import FleetReport
from pytest_deploycheck.run.recording.replay import Replay, read_replays
from pytest_deploycheck.run.recording.settings import replay_line, replayed_runs

NOTHING = {option.flag: Given((), "default") for option in OPTIONS}


@pytest.fixture
def replays(tmp_path: Path) -> tuple[Replay, ...]:
    """Return the environments `eu` and `us` of a report that was written and read again."""
    environments = []
    for name, scenario in (("eu", "healthy"), ("us", "stale")):
        report = replayed(scenario)
        assert report.record is not None
        record = replace(report.record, environment=replace(report.record.environment, name=name))
        environments.append(replace(report, environment=name, record=record))
    path = tmp_path / "fleet.json"
    judgement = judge_run(one.judgement for one in environments)
    path.write_text(
        fleet_text(FleetReport(tuple(environments), (), judgement=judgement, complete=True)), encoding="utf-8"
    )
    return read_replays(path, "--deploy-replay")


def test_each_environment_is_replayed(replays: tuple[Replay, ...]) -> None:
    """The report of a run over several environments holds the facts of each, and its services have its label."""
    runs = replayed_runs(NOTHING, replays, lambda labels: labels)
    assert [list(run.labels) for run in runs] == [["eu/backend"], ["us/backend"]]
    line = replay_line(Given(("fleet.json",), "--deploy-replay"), replays)
    assert "env eu as recorded" in line
    assert "env us as recorded" in line


def test_services_are_selected_among_them(replays: tuple[Replay, ...]) -> None:
    """Options and node ids select among the services that the report holds."""
    asked = {**NOTHING, "--deploy-service": Given(("us/backend",), "--deploy-service")}
    assert [list(run.labels) for run in replayed_runs(asked, replays, lambda labels: labels)] == [[], ["us/backend"]]
    chosen = replayed_runs(NOTHING, replays, lambda labels: labels[:1])
    assert [list(run.labels) for run in chosen] == [["eu/backend"], []]


def test_an_environment_of_a_variable_does_not_count(replays: tuple[Replay, ...]) -> None:
    """A variable or an ini file names the environment of other runs; on the command line it must be one of these."""
    by_variable = {**NOTHING, "--deploy-env": Given(("prod",), "DEPLOYCHECK_ENV")}
    assert len(replayed_runs(by_variable, replays, lambda labels: labels)) == 2
    by_option = {**NOTHING, "--deploy-env": Given(("prod",), "--deploy-env")}
    with pytest.raises(ConfigurationError, match="eu, us"):
        replayed_runs(by_option, replays, lambda labels: labels)
