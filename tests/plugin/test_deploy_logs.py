from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Deploy, Outcome, World

MARK = 'pytest.mark.deploy_service("{}")'
LINES = ("Requested platforms: a, b", "Parsed item #1", "Parsed item #2", "Found 3 platform sections")


@pytest.fixture
def talking(world: World) -> World:
    """Return a world whose first task logs four lines, and whose second task logs another."""
    first, second = world.backend.running_tasks
    began = world.aws.now() - timedelta(minutes=4)
    for number, line in enumerate(LINES):
        first.log(line, at=began + timedelta(seconds=number))
    second.log("healthy", at=began)
    return world


def ask(deploy: Deploy, pytester: pytest.Pytester, text: str, *args: str) -> Outcome:
    """Run these tests and no checks."""
    pytester.makepyfile(f"import re\nimport pytest\n\n{text}")
    return deploy("-k", "test_", *args, env="shop")


def test_a_line_that_comes_later_is_waited_for(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """`in` waits up to the log wait for text and for a pattern."""
    world.backend.log("starting")
    world.backend.log("Found 3 platform sections", arrives_in=1.5)
    outcome = ask(
        deploy,
        pytester,
        "def test_text(deploy_logs): assert 'Found 3 platform sections' in deploy_logs\n"
        "def test_regex(deploy_logs): assert re.compile(r'Found \\d+ platform') in deploy_logs\n",
        "--deploy-log-wait=20s",
    )
    assert set(outcome.tests.values()) == {"passed"}


def test_a_plain_string_is_literal_and_a_pattern_is_a_regex(
    deploy: Deploy, pytester: pytest.Pytester, talking: World
) -> None:
    """Special characters of a plain string mean themselves; flags of a pattern count."""
    talking.backend.log("cost: 3.50 (EUR)")
    outcome = ask(
        deploy,
        pytester,
        """
def test_literal(deploy_logs): assert "3.50 (EUR)" in deploy_logs
def test_no_regex(deploy_logs): assert "3.50 .EUR." in deploy_logs
def test_flags(deploy_logs): assert re.compile("found 3 PLATFORM", re.I) in deploy_logs
def test_case(deploy_logs): assert "found 3 platform" in deploy_logs
""",
    )
    assert outcome.tests == {
        "test_literal[backend]": "passed",
        "test_no_regex[backend]": "failed",
        "test_flags[backend]": "passed",
        "test_case[backend]": "failed",
    }


def test_only_the_new_tasks_since_the_rollout_are_read(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """A line of an old task does not count, be it stopped or draining beside the new ones; nor one from before."""
    (old, _) = world.backend.running_tasks
    world.aws.push_image("shop-backend:newer", {"app/main.py": "newer"}, tags=("latest",))
    ago = world.aws.now() - timedelta(minutes=5)
    rollout = world.backend.roll_out(at=ago, status="IN_PROGRESS", new_running=1)
    path = pytester.path / "deploycheck.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("backend:new", "backend:newer"), encoding="utf-8")
    old.log("Found 3 platform sections", at=ago + timedelta(minutes=1))
    (new,) = rollout.running_tasks
    new.log("from before", at=rollout.created_at - timedelta(minutes=5))
    new.log("hello", at=ago + timedelta(minutes=1))
    outcome = ask(
        deploy,
        pytester,
        """
def test_old(deploy_logs): assert "Found 3 platform sections" in deploy_logs
def test_before(deploy_logs): assert "from before" in deploy_logs
def test_new(deploy_logs): assert "hello" in deploy_logs
def test_events(deploy_logs): assert [event.message for event in deploy_logs.events()] == ["hello"]
def test_absent(deploy_logs): assert deploy_logs.absent("Found 3 platform sections")
""",
    )
    assert outcome.tests == {
        "test_old[backend]": "failed",
        "test_before[backend]": "failed",
        "test_new[backend]": "passed",
        "test_events[backend]": "passed",
        "test_absent[backend]": "passed",
    }
    assert new.id in outcome.output


STATEMENTS = {
    "in": "assert 'never said' in deploy_logs",
    "regex": "assert re.compile('never said') in deploy_logs",
    "wait_for": "deploy_logs.wait_for('never said')",
    "sequence": "deploy_logs.wait_for_sequence('Found 3', 'never said')",
    "not_in": "assert 'Found 3' not in deploy_logs, 'never said'",
    "absent": "assert not deploy_logs.absent('never said')",
    "count": "assert deploy_logs.count('never said') == 1",
}


@pytest.mark.parametrize("verbose", [(), ("-vv",), ("--tb=short",)])
def test_a_failure_shows_what_was_read(
    deploy: Deploy, pytester: pytest.Pytester, talking: World, verbose: tuple[str, ...]
) -> None:
    """A failure names the expectation, the tasks and streams, the start of the window, and the last lines seen."""
    # How much pytest shows beside it makes no difference between statements of a kind.
    asked = {name: body for name, body in STATEMENTS.items() if not verbose or name in {"not_in", "wait_for"}}
    tests = "".join(f"def test_{name}(deploy_logs):\n    {body}\n" for name, body in asked.items())
    outcome = ask(deploy, pytester, tests, *verbose)
    assert set(outcome.tests.values()) == {"failed"}
    sections = re.split(r"\n_+ (test_\w+)\[backend\] _+\n", outcome.output.partition("= deployment =")[0])
    words = ["never said", *LINES, "/ecs/shop-backend", f"{talking.backend.rollout.created_at:%H:%M:%S}"]
    words += [text for task in talking.backend.running_tasks for text in (task.id, f"ecs/app/{task.id}")]
    missing = {
        name: [word for word in words if word not in section]
        for name, section in zip(sections[1::2], sections[2::2], strict=True)
    }
    assert missing == {f"test_{name}": [] for name in asked}


@pytest.mark.usefixtures("talking")
def test_the_methods(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """The asking methods wait, count, and return the events that answer."""
    outcome = ask(
        deploy,
        pytester,
        """
def test_wait_for(deploy_logs):
    (event,) = deploy_logs.wait_for("Found 3")
    assert event.message == "Found 3 platform sections"

def test_count(deploy_logs):
    assert deploy_logs.count(re.compile(r"Parsed item #\\d")) == 2
    assert deploy_logs.count("never said") == 0

def test_wait_for_count(deploy_logs):
    assert len(deploy_logs.wait_for("Parsed item", count=2)) == 2

def test_wait_for_more(deploy_logs):
    with pytest.raises(AssertionError, match="Parsed item"):
        deploy_logs.wait_for("Parsed item", count=3)

def test_all_tasks(deploy_logs, running_tasks):
    with pytest.raises(AssertionError, match="each new task"):
        deploy_logs.wait_for("Found 3", tasks="all")

def test_timeout(deploy_logs):
    import time
    began = time.monotonic()
    with pytest.raises(AssertionError):
        deploy_logs.wait_for("never said", timeout=1.2)
    assert time.monotonic() - began > 1.1

def test_sequence(deploy_logs):
    first, last = deploy_logs.wait_for_sequence("Requested platforms", "Found 3")
    assert first.message.startswith("Requested") and last.message.startswith("Found")
    assert first.timestamp < last.timestamp

def test_sequence_in_another_order(deploy_logs):
    with pytest.raises(AssertionError, match="Found 3"):
        deploy_logs.wait_for_sequence("Found 3", "Requested platforms")

def test_sequence_within_a_task(deploy_logs):
    with pytest.raises(AssertionError):
        deploy_logs.wait_for_sequence("healthy", "Found 3")

def test_sequence_within_the_service(deploy_logs):
    assert len(deploy_logs.wait_for_sequence("healthy", "Found 3", within="service")) == 2

def test_absent(deploy_logs):
    assert deploy_logs.absent("platform='linkedin'")
    assert not deploy_logs.absent("Found 3")

def test_not_in(deploy_logs):
    assert "platform='linkedin'" not in deploy_logs

def test_events(deploy_logs, running_tasks):
    events = deploy_logs.events()
    assert isinstance(events, list)
    assert len(events) == 5
    assert events == sorted(events, key=lambda event: event.timestamp)
    for event in events:
        assert event.timestamp.utcoffset() is not None
        assert event.ingested_at.utcoffset() is not None
        assert event.task in {task.id for task in running_tasks}
        assert event.stream.endswith(event.task)

def test_tail(deploy_logs):
    assert [event.message for event in deploy_logs.tail(2)] == ["Parsed item #2", "Found 3 platform sections"]
    assert len(deploy_logs.tail(100)) == 5
    assert deploy_logs.tail(0) == []
""",
    )
    assert {name: outcome for name, outcome in outcome.tests.items() if outcome != "passed"} == {}
    assert len(outcome.tests) == 14


def test_a_new_line_ends_the_wait_for_absence(deploy: Deploy, pytester: pytest.Pytester, talking: World) -> None:
    """A line that was forbidden and comes while `absent` listens is found."""
    talking.backend.log("platform='linkedin'", arrives_in=1.0)
    outcome = ask(
        deploy,
        pytester,
        "def test_absent(deploy_logs): assert not deploy_logs.absent(\"platform='linkedin'\")",
        "--deploy-log-wait=10s",
    )
    assert outcome.tests == {"test_absent[backend]": "passed"}


QUESTIONS = """
def test_in(deploy_logs): assert "x" in deploy_logs
def test_not_in(deploy_logs): assert "x" not in deploy_logs
def test_absent(deploy_logs): assert deploy_logs.absent("x")
def test_count(deploy_logs): assert deploy_logs.count("x") == 0
def test_wait_for(deploy_logs): deploy_logs.wait_for("x")
def test_sequence(deploy_logs): deploy_logs.wait_for_sequence("x", "y")
"""


@pytest.mark.usefixtures("world")
def test_silence_is_unproven(deploy: Deploy, pytester: pytest.Pytester) -> None:
    """If no new task logged anything no question has an answer: unproven, exit status 7, never failed or passed."""
    outcome = ask(deploy, pytester, QUESTIONS)
    assert len(outcome.tests) == 6
    assert set(outcome.tests.values()) == {"unproven"}
    assert (outcome.status, outcome.report["verdict"]) == (7, "UNPROVEN")


def test_logs_that_cannot_be_read_are_unproven(deploy: Deploy, pytester: pytest.Pytester, talking: World) -> None:
    """If the logs may not be read nothing is known, and the message names the operation."""
    talking.aws.deny("logs:FilterLogEvents")
    outcome = ask(deploy, pytester, QUESTIONS)
    assert set(outcome.tests.values()) == {"unproven"}
    assert outcome.status == 7
    assert "logs:FilterLogEvents" in outcome.output


def test_one_task_without_logs_leaves_an_absence_open(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """An absence is proven only if each new task has logs: the run is UNPROVEN, with no link to blame if all hold."""
    world.backend.running_tasks[0].log("hello")
    pytester.makepyfile(
        "def test_absent(deploy_logs): assert deploy_logs.absent('old')\n"
        "def test_in(deploy_logs): assert 'hello' in deploy_logs\n"
    )
    outcome = deploy(env="shop")
    assert outcome.tests == {"test_absent[backend]": "unproven", "test_in[backend]": "passed"}
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", None))
    assert world.backend.running_tasks[1].id in outcome.output


def test_a_failed_question_refutes(deploy: Deploy, pytester: pytest.Pytester, talking: World) -> None:
    """A failed test is a refutation; where no check failed, the broken link is the first not proven, or none."""
    talking.add("worker").log("hello")
    talking.configure("backend", "worker")
    pytester.makepyfile(
        f"""
        import pytest

        def test_in(deploy_logs): assert 'never said' in deploy_logs

        @{MARK.format("worker")}
        def test_good(deploy_logs): assert 'hello' in deploy_logs
        """
    )
    outcome = deploy(env="shop")
    assert outcome.status == 1
    assert {one["name"]: (one["verdict"], one["broken_link"]) for one in outcome.report["services"]} == {
        "backend": ("REFUTED", "logs"),
        "worker": ("REFUTED", None),
    }


PROOFS = {
    "asks": "def test_it(deploy_logs): assert 'hello' in deploy_logs",
    "asks-for-an-absence": "def test_it(deploy_logs): assert deploy_logs.absent('never said')",
    "waits": "def test_it(deploy_logs): deploy_logs.wait_for('hello')",
}
"""Tests that prove the link `logs` of the service that is named so."""

NO_PROOFS = {
    "asks-nothing": "def test_it(deploy_logs): assert deploy_logs",
    "has-another-fixture": "def test_it(deploy_logs, running_tasks): pass",
    "skips": """
def test_it(deploy_logs):
    assert "hello" in deploy_logs
    pytest.skip("enough")
""",
    "fails-as-expected": """
@pytest.mark.xfail(strict=False)
def test_it(deploy_logs):
    assert "hello" in deploy_logs
    assert False
""",
    "catches-what-is-unproven": """
def test_it(deploy_logs):
    with pytest.raises(UnprovenError):
        "x" in deploy_logs
""",
}
"""Tests that do not; the last one of a service that logs nothing, so that no log event is read."""


def test_a_passing_test_that_asked_proves_the_link(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """Without declared expectations each service's `logs` is proven by a test that passed and asked, and by no other.

    A skipped or xfailed test proves nothing, whatever it asked before, nor does one that catches what is unproven.
    """
    for name, text in {**PROOFS, **NO_PROOFS}.items():
        service = world.add(name)
        if name != "catches-what-is-unproven":
            service.log("hello")
        head = f"import pytest\nfrom pytest_deploycheck.errors import UnprovenError\npytestmark = {MARK.format(name)}\n"
        pytester.makepyfile(**{f"test_{name.replace('-', '_')}": f"{head}{text}"})
    world.configure(*PROOFS, *NO_PROOFS)
    outcome = deploy(env="shop")
    assert set(outcome.tests.values()) == {"passed", "skipped", "xfailed"}, outcome.output
    assert len(outcome.report["tests"]) == len(PROOFS) + len(NO_PROOFS)
    assert {one["name"]: (one["verdict"], one["broken_link"]) for one in outcome.report["services"]} == {
        **dict.fromkeys(PROOFS, ("VERIFIED", None)),
        **dict.fromkeys(NO_PROOFS, ("UNPROVEN", "logs")),
    }
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", "logs"))


def test_without_logs_to_read(deploy: Deploy, world: World) -> None:
    """An environment without logs declares that with `require`, and is verified without."""
    world.configure("backend", extra='require = ["image", "rollout", "tasks"]')
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (0, ("VERIFIED", None))


def test_a_declared_expectation_that_fails_counts_even_if_not_required(deploy: Deploy, world: World) -> None:
    """A declared expectation that does not hold refutes, required or not."""
    world.backend.log("hello")
    world.configure(
        "backend",
        extra='require = ["image", "rollout", "tasks"]',
        logs='[[env.shop.services.backend.logs]]\nexpect = "never said"\n',
    )
    outcome = deploy(env="shop")
    assert (outcome.status, outcome.verdict) == (1, ("REFUTED", "logs"))


def test_a_missing_log_group(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """A missing log group makes the declared check an error, and a test unproven, and is named."""
    world.aws.delete_log_group("/ecs/shop-backend")
    world.configure("backend", logs='[[env.shop.services.backend.logs]]\nexpect = "hello"\n')
    pytester.makepyfile("def test_in(deploy_logs): assert 'hello' in deploy_logs")
    outcome = deploy(env="shop")
    assert outcome.checks["logs-1"] == "error"
    assert outcome.tests == {"test_in[backend]": "unproven"}
    assert (outcome.status, outcome.verdict) == (7, ("UNPROVEN", "logs"))
    assert "/ecs/shop-backend" in outcome.output


def test_not_in_says_once_what_it_costs(deploy: Deploy, pytester: pytest.Pytester, talking: World) -> None:
    """`not in` waits for the whole log wait each time: a run says so once and names `absent()`, also with -W error."""
    del talking
    text = """
def test_one(deploy_logs): assert "never said" not in deploy_logs
def test_two(deploy_logs): assert "nor this" not in deploy_logs
def test_absent(deploy_logs): assert deploy_logs.absent("never said")
"""
    outcome = ask(deploy, pytester, text, "--deploy-log-wait=1.1s", "-W", "error")
    assert set(outcome.tests.values()) == {"passed"}
    assert outcome.output.count("waits for the whole log wait each time") == 1
    assert "deploy_logs.absent(x)" in outcome.output
    quick = ask(deploy, pytester, 'def test_in(deploy_logs): assert "healthy" in deploy_logs\n')
    assert "whole log wait" not in quick.output
