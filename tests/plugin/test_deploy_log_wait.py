from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, Ini, World


@pytest.mark.usefixtures("configured")
def test_each_way_to_say_it(collect: Collect, monkeypatch: pytest.MonkeyPatch, ini: Ini, ini_file: str) -> None:
    """Ini file, then variable, then command line: each comes before the last, and the header says which it is."""
    ini(ini_file, deploy_log_wait="7m")
    assert "7m (from ini deploy_log_wait)" in collect("--deploy-env=dev").header
    monkeypatch.setenv("DEPLOYCHECK_LOG_WAIT", "80s")
    assert "80s (from DEPLOYCHECK_LOG_WAIT)" in collect("--deploy-env=dev").header
    assert "1h (from --deploy-log-wait)" in collect("--deploy-env=dev", "--deploy-log-wait=1h").header
    monkeypatch.setenv("DEPLOYCHECK_LOG_WAIT", " ")
    assert "7m (from ini deploy_log_wait)" in collect("--deploy-env=dev").header


@pytest.mark.usefixtures("configured")
def test_what_is_no_duration_is_refused(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the source and what was found."""
    message = collect("--deploy-env=dev", "--deploy-log-wait=soon").refused()
    assert "--deploy-log-wait" in message
    assert "'soon'" in message
    monkeypatch.setenv("DEPLOYCHECK_LOG_WAIT", "-2s")
    message = collect("--deploy-env=dev").refused()
    assert "DEPLOYCHECK_LOG_WAIT" in message
    assert "'-2s'" in message


def test_a_line_that_comes_within_the_wait_counts(deploy: Deploy, world: World) -> None:
    """A declared expectation and a test both wait for their line, up to the log wait and no longer than needed."""
    world.configure("backend", logs='[[env.shop.services.backend.logs]]\nexpect = "late"\n')
    world.backend.log("early", at=world.backend.rollout.created_at)
    world.backend.log("late", arrives_in=1.5)
    # The wait is longer than any test may take.
    outcome = deploy("--deploy-log-wait=10m", "-k", "logs-1", env="shop")
    assert outcome.checks == {"logs-1": "pass"}


def test_a_line_that_comes_after_the_wait_is_a_failure(deploy: Deploy, world: World) -> None:
    """A line that is missing when the wait is over fails, if the tasks have logs."""
    world.configure("backend", logs='[[env.shop.services.backend.logs]]\nexpect = "late"\n')
    world.backend.log("early")
    world.backend.log("late", arrives_in=60)
    outcome = deploy("--deploy-log-wait=0.2s", "-k", "logs-1", env="shop")
    assert outcome.checks == {"logs-1": "fail"}
    assert outcome.status == 1
