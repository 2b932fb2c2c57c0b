from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from plugin.asking import ask, not_passed

if TYPE_CHECKING:
    from plugin.conftest import Deploy, World

START = "logs:StartLiveTail"


@pytest.fixture
def tailed(world: World) -> World:
    """Return a world whose tasks logged a line minutes ago, and whose environment has `live_tail = true`."""
    world.backend.log("started", at=world.aws.now() - timedelta(minutes=5))
    world.configure("backend", extra="live_tail = true")
    return world


def sessions(world: World) -> list[dict[str, Any]]:
    """Return what each live tail that was opened asked for."""
    return [call.parameters for call in world.aws.calls if call.operation == START]


WAITING = """
def test_it(deploy_logs):
    threading.Timer(0.5, lambda: world.backend.log("hello")).start()
    assert "hello" in deploy_logs
"""


OPENED = """
def test_it(deploy_logs):
    def speak():
        until = time.monotonic() + 10
        while "logs:StartLiveTail" not in [call.operation for call in world.aws.calls] and time.monotonic() < until:
            time.sleep(0.02)
        world.backend.log("hello")

    threading.Thread(target=speak).start()
    assert "hello" in deploy_logs
"""
"""The line comes when a session was asked for, however long that takes on a busy machine."""


def test_a_session_is_open_while_something_is_waited_for(
    deploy: Deploy, pytester: pytest.Pytester, tailed: World
) -> None:
    """It is on the group and the streams of the new tasks, and the line it brings ends the wait."""
    # The wait is longer than any test may take.
    outcome = ask(deploy, pytester, tailed, OPENED, "--deploy-log-wait=10m")
    assert not_passed(outcome) == {}
    asked = sessions(tailed)
    assert asked
    assert asked[0]["logGroupIdentifiers"] == ["arn:aws:logs:us-east-1:123456789012:log-group:/ecs/shop-backend"]
    streams = {f"ecs/app/{task.id}" for task in tailed.backend.running_tasks}
    assert set(asked[0].get("logStreamNames") or asked[0].get("logStreamNamePrefixes") or streams) == streams


def test_no_session_where_nothing_is_waited_for(deploy: Deploy, pytester: pytest.Pytester, tailed: World) -> None:
    """Events that are there already, or only listed, open none."""
    outcome = ask(
        deploy,
        pytester,
        tailed,
        """
def test_there(deploy_logs): assert "started" in deploy_logs
def test_listed(deploy_logs): assert len(deploy_logs.events()) == 2 and deploy_logs.tail(1)
def test_capture(deploy_logs):
    with deploy_logs.capture():
        pass
""",
        "--deploy-log-wait=5s",
    )
    assert not_passed(outcome) == {}
    assert sessions(tailed) == []


def test_never_without_the_setting(deploy: Deploy, pytester: pytest.Pytester, tailed: World) -> None:
    """It costs by the minute: only who asks for it gets it."""
    for extra in ("", "live_tail = false"):
        tailed.configure("backend", extra=extra)
        assert not_passed(ask(deploy, pytester, tailed, WAITING, "--deploy-log-wait=20s")) == {}
    assert sessions(tailed) == []


@pytest.mark.parametrize("trouble", ["sampled", "SessionTimeoutException", "ends", "denied"])
def test_a_session_that_is_no_good(deploy: Deploy, pytester: pytest.Pytester, tailed: World, trouble: str) -> None:
    """Polling finds the line all the same, a missing one fails as ever, and its text says what the session was."""
    break_tail(tailed, trouble)
    outcome = ask(
        deploy,
        pytester,
        tailed,
        OPENED + '\ndef test_missing(deploy_logs): assert deploy_logs.wait_for("never said", timeout=0.5)\n',
        "--deploy-log-wait=20s",
    )
    assert outcome.tests == {"test_it[backend]": "passed", "test_missing[backend]": "failed"}
    assert sessions(tailed)
    if trouble != "ends":
        word = {"sampled": "sample", "denied": START}.get(trouble, "Live Tail")
        assert word in outcome.output.partition("test_missing[backend]")[2]


def break_tail(world: World, trouble: str) -> None:
    """Let live tails go wrong in this way."""
    if trouble == "sampled":
        world.aws.live_tail(sampled=True)
    elif trouble == "ends":
        world.aws.live_tail(ends_after=0.1)
    elif trouble == "denied":
        world.aws.deny(START)
    else:
        world.aws.live_tail(fails="SessionTimeoutException")


@pytest.mark.parametrize("trouble", ["sampled", "denied"])
def test_no_verdict_is_worse_for_it(deploy: Deploy, tailed: World, trouble: str) -> None:
    """Declared expectations end as they would without a session, and so does the run."""
    break_tail(tailed, trouble)
    logs = '[[env.shop.services.backend.logs]]\nexpect = "hello"\n[[env.shop.services.backend.logs]]\nforbid = "bye"\n'
    tailed.configure("backend", extra="live_tail = true", logs=logs)
    for task in tailed.backend.running_tasks:
        task.log("hello", at=tailed.aws.now() - timedelta(minutes=1), arrives_in=0.7)
    outcome = deploy("--deploy-log-wait=2s", env="shop")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None))


def test_a_session_proves_no_absence(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """A line that a live tail did not bring is not absent: events settle as slowly as without it."""
    world.configure("backend", extra="live_tail = true", log_settle="20s")
    world.backend.log("hello", at=world.aws.now() - timedelta(seconds=4))
    outcome = ask(
        deploy,
        pytester,
        world,
        "def test_it(deploy_logs): deploy_logs.absent('bye', timeout=0.6)\n",
    )
    assert outcome.tests == {"test_it[backend]": "unproven"}


def test_a_line_that_live_tail_brings_is_counted_once(deploy: Deploy, pytester: pytest.Pytester, tailed: World) -> None:
    """A line that is received in both ways is one event."""
    outcome = ask(
        deploy,
        pytester,
        tailed,
        """
def test_it(deploy_logs):
    first = world.backend.running_tasks[0]
    threading.Timer(0.3, lambda: first.log("hello 1")).start()
    threading.Timer(0.8, lambda: first.log("hello 2")).start()
    assert "hello 2" in deploy_logs
    with pytest.raises(AssertionError, match="hello"):
        deploy_logs.wait_for("hello", count=3, timeout=1.2)
    assert [event.message for event in deploy_logs.wait_for("hello", count=2)] == ["hello 1", "hello 2"]
    assert [event.message for event in deploy_logs.events()].count("hello 1") == 1
""",
        "--deploy-log-wait=20s",
    )
    assert not_passed(outcome) == {}
