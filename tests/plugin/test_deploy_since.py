from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, World


@pytest.fixture
def hours(world: World, pytester: pytest.Pytester) -> World:
    """Return a world whose tasks run for ten minutes and said a line five minutes and another a second ago."""
    for task in world.backend.running_tasks:
        task.log("five minutes ago", at=world.aws.now() - timedelta(minutes=5))
        task.log("just now", at=world.aws.now() - timedelta(seconds=1))
    pytester.makepyfile(
        """
        def test_first(deploy_logs):
            assert "five minutes ago" in deploy_logs

        def test_last(deploy_logs):
            assert "just now" in deploy_logs
        """
    )
    return world


@pytest.mark.usefixtures("hours")
def test_the_default_is_the_start_of_the_rollout(deploy: Deploy) -> None:
    """The lines that the new tasks logged since their rollout began are read."""
    assert deploy("-k", "test_", env="shop").tests == {"test_first[backend]": "passed", "test_last[backend]": "passed"}


def test_a_duration_back_or_a_time_narrows_the_window(deploy: Deploy, hours: World) -> None:
    """With `--deploy-since` only later lines are read; the header names it."""
    narrow = {"test_first[backend]": "failed", "test_last[backend]": "passed"}
    outcome = deploy("--deploy-since=2m", "-k", "test_", env="shop")
    assert outcome.tests == narrow
    assert "2m (from --deploy-since)" in outcome.header
    moment = (hours.aws.now() - timedelta(minutes=2)).replace(tzinfo=None).isoformat()
    assert deploy(f"--deploy-since={moment}", "-k", "test_", env="shop").tests == narrow
    assert deploy(f"--deploy-since={moment}Z", "-k", "test_", env="shop").tests == narrow


@pytest.mark.parametrize("value", ["yesterday", "commit", "2025-13-01", "-5m"])
@pytest.mark.usefixtures("configured")
def test_what_is_no_moment_is_refused(collect: Collect, value: str) -> None:
    """The message names the option, what was found, and what a moment looks like."""
    message = collect("--deploy-env=dev", f"--deploy-since={value}").refused()
    assert "--deploy-since" in message
    assert repr(value) in message
    assert "ISO time" in message


@pytest.mark.usefixtures("hours")
def test_a_window_that_begins_later_than_all_lines_proves_nothing(deploy: Deploy) -> None:
    """No event at all in the window means unproven."""
    outcome = deploy("--deploy-since=0s", "-k", "test_", env="shop")
    assert set(outcome.tests.values()) == {"unproven"}
    assert outcome.status == 7
