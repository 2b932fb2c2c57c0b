from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.log_fakes import FakeClock
from support.replays import NOWHERE, REPORTS, judged_again, recorded, replayed, verification_of

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.errors import ConfigurationError, EnvironmentUnusableError, UnprovenError
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.polling import Overtime, SystemClock
from pytest_deploycheck.report.document import document
from pytest_deploycheck.run.recording.replay import read_replays
from pytest_deploycheck.run.verification import Verification
from pytest_deploycheck.sandbox.scenarios import SCENARIOS

Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_the_same_findings_from_the_same_facts(scenario: str) -> None:
    """Each check of each scenario comes to the same finding, word by word, from the facts that were recorded."""
    before, again = recorded(scenario), document(replayed(scenario))
    for name in ("rollout", "tasks", "images", "rollback", "timeline", "intent", "checks"):
        assert again["services"][0][name] == before["services"][0][name], name


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_a_replay_verifies_nothing(scenario: str) -> None:
    """The verdict is that of the run, except that nothing counts as verified; the report names what it replays."""
    before, again = recorded(scenario), document(replayed(scenario))
    assert again["verdict"] == before["verdict"].replace("VERIFIED", "UNPROVEN")
    assert again["broken_link"] == before["broken_link"]
    assert again["replay_of"].endswith(f"{scenario}.json")
    assert again["operations"] == []


@pytest.mark.parametrize("scenario", ["healthy", "cached-layer", "crash-loop"])
def test_a_replay_can_be_replayed(scenario: str, tmp_path: Path) -> None:
    """The report of a replay holds the facts that it judged, so that it comes to the same when it is replayed."""
    written = document(replayed(scenario))
    path = tmp_path / "again.json"
    path.write_text(json.dumps(written), encoding="utf-8")
    assert document(judged_again(path))["services"] == written["services"]


def changed(tmp_path: Path, change: Change, scenario: str = "healthy") -> Path:
    """Return the file of a report that was changed."""
    report = recorded(scenario)
    change(report)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    return path


def statuses(path: Path) -> dict[str, str]:
    """Return how the checks of a report end when it is judged again."""
    return {check["id"]: check["status"] for check in document(judged_again(path))["services"][0]["checks"]}


def test_a_reading_that_was_not_recorded_is_unproven(tmp_path: Path) -> None:
    """A check whose log events the report does not hold is unproven, whatever it was."""

    def forget(report: dict[str, Any]) -> None:
        del report["facts"]["services"]["backend"]["logs"]["logs-1"]

    assert statuses(changed(tmp_path, forget))["logs-1"] == "unproven"


def test_facts_are_judged_and_not_findings(tmp_path: Path) -> None:
    """The findings of the report do not count: from other facts follow other findings."""

    def stop(report: dict[str, Any]) -> None:
        report["facts"]["observation"]["services"][0]["tasks"] = []
        report["facts"]["observation"]["services"][0]["service"]["running"] = 0

    assert statuses(changed(tmp_path, stop))["tasks-running"] == "fail"


def test_a_masked_line_is_not_missing(tmp_path: Path) -> None:
    """An expected line that is missing among lines with masked credentials may have been there: it is unproven."""

    def mask(report: dict[str, Any]) -> None:
        read = report["facts"]["services"]["backend"]["logs"]["logs-1"]
        read["sight"]["events"], read["is_masked"] = [], True

    assert statuses(changed(tmp_path, mask))["logs-1"] in {"unproven", "pass"}
    path = changed(tmp_path, mask, "cached-layer")
    assert statuses(path)["logs-1"] == "unproven"


def backend(report: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that a report records of the service."""
    settings: dict[str, Any] = report["facts"]["environment"]["services"]["backend"]
    return settings


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda report: report.update(schema_version=2), ["schema_version 2", "reads 1"]),
        (lambda report: report["facts"].update(format=9), ["format 9", "reads 1"]),
        (lambda report: report.pop("facts"), ["records no facts", "pytest-deploycheck 0."]),
        (lambda report: report.pop("verdict"), ["no report", "verdict"]),
        (lambda report: report["facts"].update(observation={}), ["facts that cannot be read"]),
        (
            lambda report: report["facts"]["observation"]["services"].clear(),
            ["cannot be read", "'backend'", "no facts"],
        ),
        (
            lambda report: report["facts"]["environment"]["services"].clear(),
            ["cannot be read", "'backend'", "settings"],
        ),
        (lambda report: backend(report)["logs"][2]["patterns"].clear(), ["cannot be read", "logs-3", "no pattern"]),
    ],
)
def test_a_report_that_cannot_be_replayed_is_refused_by_name(tmp_path: Path, change: Change, words: list[str]) -> None:
    """The message names the file, the version or the part that is not known, and what to do."""
    path = changed(tmp_path, change)
    with pytest.raises(ConfigurationError) as caught:
        read_replays(path, "--deploy-replay")
    assert str(path) in str(caught.value)
    assert caught.value.remedy
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_a_file_that_is_not_a_report_is_refused(tmp_path: Path, content: str) -> None:
    """A file that is not a JSON report is refused with the name of the file."""
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=re.escape(str(path))):
        read_replays(path, "--deploy-replay")


def tail(scenario: str) -> LogTail:
    """Return the log tail of a replay."""
    (replay,) = read_replays(REPORTS / f"{scenario}.json", "--deploy-replay")
    return verification_of(replay).log_tail("backend")


def test_a_line_that_was_recorded_is_found() -> None:
    """A test that asks for a line which a declared expectation found has it, with the event itself."""
    logs = tail("healthy")
    assert "Found 3 platform sections" in logs
    assert "Found 3 platform sections" in logs.wait_for("Found 3 platform sections")[0].message


def test_a_line_that_was_searched_for_and_missing_is_missing() -> None:
    """The answer to what was read to the end at that time is that of then."""
    assert "Found 3 platform sections" not in tail("cached-layer")


def test_a_wait_of_a_test_ends_as_it_did() -> None:
    """A test with a timeout of its own fails for the line that was missing, however long it waits in a replay."""
    (replay,) = read_replays(REPORTS / "cached-layer.json", "--deploy-replay")
    clock = FakeClock()
    verification = Verification(replay.environment, replay.options, replay=replay, source=NOWHERE, clock=clock)
    with pytest.raises(AssertionError, match="not logged") as failed:
        verification.log_tail("backend").wait_for("Found 3 platform sections", timeout=60)
    assert not isinstance(failed.value, UnprovenError)
    assert clock.slept <= 61


def test_a_line_that_was_not_searched_for_is_unproven() -> None:
    """A line that no expectation looked for is not known: neither yes nor no."""
    with pytest.raises(UnprovenError, match="does not hold"):
        assert "Traceback" not in tail("healthy")


def test_a_number_of_lines_is_unproven_where_the_reading_ended_early() -> None:
    """A reading that found what it looked for ended there, so that the number is not known."""
    with pytest.raises(UnprovenError):
        tail("healthy").count("Found 3 platform sections")


def test_nothing_is_contacted() -> None:
    """Files of the image, queries of the logs, clients and requests are unproven: a replay contacts nothing."""
    (replay,) = read_replays(REPORTS / "healthy.json", "--deploy-replay")
    verification = verification_of(replay)
    for ask in (
        lambda: verification.handles.deployed_image("backend").read_text("/app/app/main.py"),
        lambda: verification.log_tail("backend").query("fields @message"),
        lambda: verification.handles.deploy_environment().client("dynamodb"),
        lambda: verification.handles.deploy_environment().wait_for_http("http://127.0.0.1:9/"),
    ):
        with pytest.raises(UnprovenError):
            ask()
    assert Pattern("x").is_in("x")


def test_the_connections_of_a_replay_observe_and_follow_nothing() -> None:
    """Also those who ask the connections themselves, as a wait does for tasks that are replaced, get no answer."""
    (replay,) = read_replays(REPORTS / "healthy.json", "--deploy-replay")
    access = replay.access(Overtime(SystemClock()))
    with pytest.raises(EnvironmentUnusableError, match="does not hold"):
        access.observer(replay.options)
    with pytest.raises(UnprovenError, match="does not hold"):
        access.log_reader.live(())
    assert access.now() == replay.observation.observed_at
    assert access.calls == ()


def test_an_expression_that_was_masked_is_unproven(tmp_path: Path) -> None:
    """A report masks secrets in expressions too: what is no longer a regular expression is not searched for."""

    def mask(report: dict[str, Any]) -> None:
        (pattern,) = backend(report)["logs"][0]["patterns"]
        pattern.update(text="([masked]", regex=True)

    report = document(judged_again(changed(tmp_path, mask)))
    (check,) = [one for one in report["services"][0]["checks"] if one["id"] == "logs-1"]
    assert check["status"] == "unproven"
    assert "the expression was masked and is not valid" in check["summary"]


def test_a_wait_for_a_line_that_was_not_recorded_is_unproven() -> None:
    """Nothing arrives in a replay, however long a test waits, and whatever it waits for."""
    logs = tail("healthy")
    for ask in (
        lambda: logs.wait_for("Traceback", timeout=2),
        lambda: logs.absent("Traceback", timeout=2),
        logs.events,
    ):
        with pytest.raises(UnprovenError):
            ask()
