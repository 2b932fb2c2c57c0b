from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from plugin.asking import ask, not_passed
from plugin.conftest import World
from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from plugin.conftest import Deploy


@pytest.fixture
def talked(world: World) -> World:
    """Return a world whose tasks logged two lines, one of them a moment ago."""
    world.backend.log("from before", at=world.aws.now() - timedelta(minutes=5))
    world.backend.log("just before", at=world.aws.now() - timedelta(seconds=3))
    return world


def test_only_what_is_logged_from_its_start_on(deploy: Deploy, pytester: pytest.Pytester, talked: World) -> None:
    """A capture answers inside its block and after it, by what was written since it began, late lines included."""
    outcome = ask(
        deploy,
        pytester,
        talked,
        """
def test_inside_and_after(deploy_logs):
    with deploy_logs.capture() as captured:
        world.backend.log("POST /generate")
        assert "POST /generate" in captured
        assert "just before" not in captured
        world.backend.log("Parsed item #1")
    assert "POST /generate" in captured
    assert "Parsed item #1" in captured
    assert "from before" not in captured and "just before" not in captured
    assert "from before" in deploy_logs and "just before" in deploy_logs

def test_since_is_the_servers_time(deploy_logs):
    before = world.aws.now()
    with deploy_logs.capture() as captured:
        assert before - timedelta(seconds=1.5) < captured.since < world.aws.now() + timedelta(seconds=1.5)
        assert captured.since.utcoffset() == timedelta(0)

def test_written_a_moment_before(deploy_logs):
    world.backend.log("a moment before")
    time.sleep(0.05)
    with deploy_logs.capture() as captured:
        world.backend.log("then")
    assert "then" in captured
    assert "a moment before" not in captured

def test_methods(deploy_logs):
    with deploy_logs.capture() as captured:
        for number in (1, 2, 3):
            world.backend.running_tasks[0].log(f"step {number}")
    assert len(captured.wait_for("step", count=3)) == 3
    assert [event.message for event in captured.wait_for_sequence("step 1", "step 3")] == ["step 1", "step 3"]
    assert [event.message for event in captured.events()] == ["step 1", "step 2", "step 3"]
    assert [event.message for event in captured.tail(2)] == ["step 2", "step 3"]
    with pytest.raises(AssertionError, match="step 3"):
        captured.wait_for_sequence("step 3", "step 1")

def test_records(deploy_logs):
    world.backend.log('{"n": 0}')
    time.sleep(0.05)
    with deploy_logs.capture() as captured:
        world.backend.running_tasks[0].log('{"n": 1}')
    assert captured.records() == [{"n": 1}]

def test_an_error_in_the_block_is_the_tests_own(deploy_logs):
    with pytest.raises(ZeroDivisionError), deploy_logs.capture() as captured:
        world.backend.log("hello")
        1 / 0
    assert "hello" in captured
""",
    )
    assert not_passed(outcome) == {}


def test_a_line_that_arrives_after_the_block(deploy: Deploy, pytester: pytest.Pytester, talked: World) -> None:
    """It is waited for and counts, and one that was written before the block and arrives in it does not."""
    outcome = ask(
        deploy,
        pytester,
        talked,
        """
def test_late(deploy_logs):
    world.backend.log("old but late", at=world.aws.now() - timedelta(seconds=20), arrives_in=0.2)
    with deploy_logs.capture() as captured:
        world.backend.log("late", arrives_in=0.6)
        world.backend.log("prompt")
    assert "late" in captured
    assert "old but late" in deploy_logs
    assert "old but late" not in captured
""",
        "--deploy-log-wait=1s",
    )
    assert not_passed(outcome) == {}


def test_nested_and_in_threads(deploy: Deploy, pytester: pytest.Pytester, talked: World) -> None:
    """Each capture has its own start; several can be open at once, in one thread or in many."""
    outcome = ask(
        deploy,
        pytester,
        talked,
        """
def test_nested(deploy_logs):
    with deploy_logs.capture() as outer:
        world.backend.log("first")
        time.sleep(0.05)
        with deploy_logs.capture() as inner:
            world.backend.log("second")
    assert "first" in outer and "second" in outer
    assert "second" in inner
    assert "first" not in inner

def test_threads(deploy_logs):
    answers = {}

    def act(name):
        with deploy_logs.capture() as captured:
            world.backend.log(f"hello from {name}")
            answers[name] = [captured.wait_for(f"hello from {name}") != [], "from before" in captured]

    threads = [threading.Thread(target=act, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: [True, False] for number in range(5)}
""",
    )
    assert not_passed(outcome) == {}


def test_an_absence_in_a_capture(deploy: Deploy, pytester: pytest.Pytester, talked: World) -> None:
    """It needs two minutes after the block and is unproven before; a line that was logged is found at once."""
    outcome = ask(
        deploy,
        pytester,
        talked,
        """
@pytest.fixture
def captured(deploy_logs):
    with deploy_logs.capture() as captured:
        world.backend.log("hello")
    return captured

def test_absent(captured):
    captured.absent("goodbye")

def test_count(captured):
    captured.count("hello")

def test_found(captured):
    answer = captured.absent("hello")
    assert not answer
    assert answer.events[0].message == "hello"

def test_not_in(captured):
    assert "goodbye" not in captured

def test_silence(deploy_logs):
    with deploy_logs.capture() as captured:
        pass
    captured.absent("goodbye")
""",
    )
    assert outcome.tests == {
        "test_absent[backend]": "unproven",
        "test_count[backend]": "unproven",
        "test_found[backend]": "passed",
        "test_not_in[backend]": "passed",
        "test_silence[backend]": "unproven",
    }
    assert outcome.status == 7


def test_what_is_missing_in_a_capture_is_a_failure(deploy: Deploy, pytester: pytest.Pytester, talked: World) -> None:
    """The failure tells what was looked for, from when, and the lines of the capture, not those before it."""
    outcome = ask(
        deploy,
        pytester,
        talked,
        """
def test_missing(deploy_logs):
    with deploy_logs.capture() as captured:
        world.backend.log("POST /generate")
    assert "Found 3 platform sections" in captured
""",
    )
    assert outcome.tests == {"test_missing[backend]": "failed"}
    for word in ("Found 3 platform sections", "POST /generate", talked.backend.running_tasks[0].id):
        assert word in outcome.output
    assert "from before" not in outcome.output


def test_a_capture_proves_the_link(deploy: Deploy, pytester: pytest.Pytester, talked: World) -> None:
    """A test that passed and asked a capture in which an event was read proves `logs`."""
    talked.backend.log("hello")
    pytester.makepyfile(
        """
        import boto3

        def test_it(deploy_logs, running_tasks):
            logs = boto3.client("logs")
            with deploy_logs.capture() as captured:
                logs.put_log_events(
                    logGroupName="/ecs/shop-backend",
                    logStreamName=f"ecs/app/{running_tasks[0].id}",
                    logEvents=[{"timestamp": int(captured.since.timestamp() * 1000) + 1500, "message": "done"}],
                )
            assert "done" in captured
        """
    )
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None))


def test_the_clock_of_this_machine_has_no_part(
    deploy: Deploy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block begins by the servers' clock, however wrong the CI machine's is."""
    with Sandbox(clock_offset=timedelta(hours=-5)) as aws:
        for name, value in aws.environ.items():
            monkeypatch.setenv(name, value)
        shifted = World(aws, pytester)
        shifted.backend.log("from before", at=aws.now() - timedelta(seconds=5))
        outcome = ask(
            deploy,
            pytester,
            shifted,
            """
def test_it(deploy_logs):
    with deploy_logs.capture() as captured:
        world.backend.log("hello")
    assert "hello" in captured
    assert "from before" not in captured
    assert "from before" in deploy_logs
""",
        )
    assert not_passed(outcome) == {}
