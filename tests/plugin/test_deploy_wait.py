from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.log_fakes import FakeClock

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, Ini, World


@pytest.mark.usefixtures("configured")
def test_each_way_to_say_it(collect: Collect, monkeypatch: pytest.MonkeyPatch, ini: Ini, ini_file: str) -> None:
    """Ini file, then variable, then command line: each comes before the last, and the header says which it is."""
    ini(ini_file, deploy_wait="7m")
    assert "7m (from ini deploy_wait)" in collect("--deploy-env=dev").header
    monkeypatch.setenv("DEPLOYCHECK_WAIT", "80s")
    assert "80s (from DEPLOYCHECK_WAIT)" in collect("--deploy-env=dev").header
    assert "1h (from --deploy-wait)" in collect("--deploy-env=dev", "--deploy-wait=1h").header
    monkeypatch.setenv("DEPLOYCHECK_WAIT", "")
    assert "7m (from ini deploy_wait)" in collect("--deploy-env=dev").header


@pytest.mark.parametrize("value", ["90", "90s", "5m", "1h", "0"])
@pytest.mark.usefixtures("configured")
def test_a_duration(collect: Collect, value: str) -> None:
    """Seconds, minutes and hours are durations, and a bare number is seconds."""
    assert collect("--deploy-env=dev", f"--deploy-wait={value}").status == 0


@pytest.mark.parametrize("value", ["soon", "-1", "5 minutes", "1w", "nan", "inf", "5m5s"])
@pytest.mark.usefixtures("configured")
def test_what_is_no_duration_is_refused(collect: Collect, value: str) -> None:
    """The message names the option, what was found, and what a duration looks like."""
    message = collect("--deploy-env=dev", f"--deploy-wait={value}").refused()
    assert "--deploy-wait" in message
    assert repr(value) in message
    assert "5m" in message


@pytest.mark.usefixtures("configured")
def test_a_bad_variable_or_ini_value_is_refused_by_its_own_name(
    collect: Collect, monkeypatch: pytest.MonkeyPatch, ini: Ini, ini_file: str
) -> None:
    """The message says where the bad value stands."""
    ini(ini_file, deploy_wait="later")
    message = collect("--deploy-env=dev").refused()
    assert "deploy_wait" in message
    assert "'later'" in message
    monkeypatch.setenv("DEPLOYCHECK_WAIT", "soon")
    message = collect("--deploy-env=dev").refused()
    assert "DEPLOYCHECK_WAIT" in message
    assert "'soon'" in message


def test_zero_polls_once(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 0 a rollout in progress is said to be in progress at once."""
    clock = FakeClock()
    monkeypatch.setattr("pytest_deploycheck.run.fleet.finder.SystemClock", lambda: clock)
    outcome = deploy("--deploy-wait=0", "-k", "rollout", scenario="half-rolled-out")
    assert outcome.report["services"][0]["rollout"]["outcome"] == "IN_PROGRESS"
    assert outcome.checks == {"rollout-complete": "fail"}
    assert clock.naps == []


def test_a_rollout_that_completes_within_the_wait_is_waited_for(deploy: Deploy, world: World) -> None:
    """A rollout that is still in progress at the first poll and then completes is a completed one."""
    rollout = world.backend.roll_out(status="IN_PROGRESS", new_running=1)

    def complete() -> None:
        rollout.start_tasks(1, at=world.aws.now())
        rollout.complete()

    timer = threading.Timer(0.8, complete)
    timer.start()
    outcome = deploy("--deploy-wait=20s", "-k", "rollout or tasks", env="shop")
    timer.join()
    assert outcome.checks == {"rollout-complete": "pass", "tasks-running": "pass", "tasks-run-image": "pass"}


def test_a_rollout_that_failed_ends_the_wait(deploy: Deploy) -> None:
    """No time is spent on waiting for what cannot get better."""
    # The wait is longer than any test may take.
    outcome = deploy("--deploy-wait=10m", "-k", "rollout", scenario="rolled-back")
    assert outcome.report["services"][0]["rollout"]["outcome"] == "ROLLED_BACK"


def test_the_sandbox_waits_two_seconds(pytester: pytest.Pytester) -> None:
    """In the sandbox both waits are short unless something else is asked for."""
    began = time.monotonic()
    result = pytester.runpytest_inprocess("--deploy-env=sandbox", "--deploy-sandbox=half-rolled-out", "-k", "rollout")
    assert result.ret == 1
    # Elsewhere the wait is longer than any test may take.
    assert time.monotonic() - began >= 2
