from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, World


def status(deploy: Deploy, *args: str) -> str:
    """Return how the check `image-pushed` ends, of an image that was pushed eleven minutes ago."""
    return deploy(*args, "-k", "image-pushed", env="shop").checks["image-pushed"]


@pytest.mark.usefixtures("world")
def test_without_it_the_check_is_skipped(deploy: Deploy) -> None:
    """Nothing is asked of the push time unless the option says so."""
    assert status(deploy) == "skip"


def test_a_duration_and_a_time(deploy: Deploy, world: World) -> None:
    """An image pushed after the moment passes, one pushed before it fails."""
    assert status(deploy, "--deploy-pushed-after=1h") == "pass"
    assert status(deploy, "--deploy-pushed-after=5m") == "fail"
    before = (world.aws.now() - timedelta(minutes=12)).replace(tzinfo=None).isoformat()
    assert status(deploy, f"--deploy-pushed-after={before}") == "pass"


def test_a_service_of_the_configuration(deploy: Deploy, collect: Collect, world: World) -> None:
    """A service has a moment of its own, which its verdict then needs; the option comes first; errors name the key."""
    world.configure("backend", keys='pushed_after = "yesterday"')
    assert "env.shop.services.backend.pushed_after: found 'yesterday'" in collect("--deploy-env=shop").refused()
    world.configure("backend", keys='pushed_after = "5m"')
    assert status(deploy) == "fail"
    assert status(deploy, "--deploy-pushed-after=1h") == "pass"


@pytest.mark.usefixtures("world")
def test_the_variable(deploy: Deploy, collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DEPLOYCHECK_PUSHED_AFTER` does what the option does; the option comes first; empty is unset."""
    monkeypatch.setenv("DEPLOYCHECK_PUSHED_AFTER", "5m")
    assert status(deploy) == "fail"
    assert "5m (from DEPLOYCHECK_PUSHED_AFTER)" in collect("--deploy-env=shop").header
    assert "1h (from --deploy-pushed-after)" in collect("--deploy-env=shop", "--deploy-pushed-after=1h").header
    monkeypatch.setenv("DEPLOYCHECK_PUSHED_AFTER", "")
    assert status(deploy) == "skip"


def test_the_commit_of_head(deploy: Deploy, world: World, pytester: pytest.Pytester) -> None:
    """`commit` is the commit time of the checkout's HEAD: an image older than it cannot hold it."""

    def commit(age: timedelta) -> None:
        when = (world.aws.now() - age).isoformat()
        env = {
            **{f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
            "GIT_COMMITTER_DATE": when,
            "PATH": "/usr/bin:/bin:/usr/local/bin",
        }
        subprocess.run(["git", "init", "-q"], cwd=pytester.path, env=env, check=True)  # noqa: S607  # any git will do
        subprocess.run(
            ["git", "commit", "-q", "--allow-empty", "-m", "x"],  # noqa: S607  # any git will do
            cwd=pytester.path,
            env=env,
            check=True,
        )

    commit(timedelta(minutes=20))
    assert status(deploy, "--deploy-pushed-after=commit") == "pass"
    commit(timedelta(minutes=2))
    assert status(deploy, "--deploy-pushed-after=commit") == "fail"


@pytest.mark.usefixtures("configured")
def test_today_is_a_moment(collect: Collect) -> None:
    """`today` is the beginning of the day in UTC."""
    assert "today (from --deploy-pushed-after)" in collect("--deploy-env=dev", "--deploy-pushed-after=today").header


@pytest.mark.parametrize("value", ["yesterday", "comit", "2025-11-31"])
@pytest.mark.usefixtures("configured")
def test_what_is_no_moment_is_refused(collect: Collect, value: str) -> None:
    """The message names the option, what was found, and what a moment looks like."""
    message = collect("--deploy-env=dev", f"--deploy-pushed-after={value}").refused()
    assert "--deploy-pushed-after" in message
    assert repr(value) in message
    assert "ISO time" in message


@pytest.mark.usefixtures("configured")
def test_commit_without_a_checkout_is_refused(collect: Collect) -> None:
    """If there is no commit, the message says so instead of guessing a time."""
    assert "git" in collect("--deploy-env=dev", "--deploy-pushed-after=commit").refused()
