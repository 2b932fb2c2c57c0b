from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from plugin.asking import ask, not_passed

if TYPE_CHECKING:
    from plugin.conftest import Deploy, World

SPEECH = {
    "Parsed content item #17 for twitter": 240,
    '{"event": "saved", "items": [{"id": 1}, {"id": 2}]}': 239,
    "plain text, no JSON": 238,
    '{"event": "saved", "items": [{"id": "three"}]}': 237,
    "[1, 2, 3]": 236,
    '"a string"': 235,
    '{"broken": ': 234,
    'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no': 233,
}


@pytest.fixture
def talking(world: World) -> World:
    """Return a world whose first task logs many lines, and whose second task logs two."""
    first, second = world.backend.running_tasks
    now = world.aws.now()
    for text, seconds in SPEECH.items():
        first.log(text, at=now - timedelta(seconds=seconds))
    second.log("Parsed content item #18 for tiktok", at=now - timedelta(seconds=232))
    second.log("the end", at=now - timedelta(seconds=200))
    return world


def test_records_and_events(deploy: Deploy, pytester: pytest.Pytester, talking: World) -> None:
    """Objects of JSON lines, typed events, and what of them matched."""
    outcome = ask(
        deploy,
        pytester,
        talking,
        """
from datetime import datetime, timezone

from pytest_deploycheck import LogEvent, LogMatch

def test_records(deploy_logs):
    records = deploy_logs.records()
    assert records == [
        {"event": "saved", "items": [{"id": 1}, {"id": 2}]},
        {"event": "saved", "items": [{"id": "three"}]},
    ]
    assert type(records) is list and {type(record) for record in records} == {dict}

def test_schema_that_holds(deploy_logs):
    schema = {"type": "object", "required": ["event"], "properties": {"items": {"type": "array"}}}
    assert len(deploy_logs.records(schema)) == 2
    assert len(deploy_logs.records(schema=schema)) == 2

def test_schema_that_is_violated(deploy_logs):
    item = {"type": "object", "properties": {"id": {"type": "integer"}}}
    with pytest.raises(AssertionError) as caught:
        deploy_logs.records({"properties": {"items": {"items": item}}})
    text = str(caught.value)
    assert "items[0].id" in text.replace("$.", "").replace("['items']", "items").replace("['id']", ".id"), text
    assert '"id": "three"' in text
    assert "integer" in text

def test_events(deploy_logs, running_tasks):
    events = deploy_logs.events()
    assert len(events) == 10
    assert all(isinstance(event, LogEvent) for event in events)
    assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)
    for event in events:
        assert event.timestamp.utcoffset() == timedelta(0)
        assert isinstance(event.ingested_at, datetime) and event.ingested_at >= event.timestamp - timedelta(hours=2)
        assert event.stream == f"ecs/app/{event.task}"
    assert {event.task for event in events} == {task.id for task in running_tasks}

def test_tail(deploy_logs):
    assert [event.message for event in deploy_logs.tail(2)] == ["Parsed content item #18 for tiktok", "the end"]
    assert len(deploy_logs.tail()) == 10
    assert [event.message for event in deploy_logs.tail(1)] == ["the end"]

def test_several_lines_in_one_event(deploy_logs):
    (event,) = deploy_logs.wait_for("Traceback")
    assert event.message.endswith("ValueError: no")
    (match,) = deploy_logs.wait_for(re.compile(r"Traceback.*?^(\\w+Error): (.*)$", re.S | re.M))
    assert match.groups == ("ValueError", "no")
    assert "line 1\\nValueError" in deploy_logs

def test_what_matched(deploy_logs):
    first, second = deploy_logs.wait_for(re.compile(r"item #(?P<number>\\d+)( never)? for (\\w+)"), count=2)
    assert isinstance(first, LogMatch) and isinstance(first, LogEvent)
    assert first.text == "item #17 for twitter"
    assert first.groups == ("17", None, "twitter")
    assert dict(first.named) == {"number": "17"}
    assert second.groups[2] == "tiktok"
    assert first.task != second.task

def test_text_of_a_literal(deploy_logs):
    (match,) = deploy_logs.wait_for("#17 for")
    assert (match.text, match.groups, dict(match.named)) == ("#17 for", (), {})
    assert match.message == "Parsed content item #17 for twitter"

def test_sequence(deploy_logs):
    events = deploy_logs.wait_for_sequence(re.compile(r"#(\\d+)"), '"items"', "Traceback")
    assert events[0].groups == ("17",)
    with pytest.raises(AssertionError):
        deploy_logs.wait_for_sequence("Traceback", "the end")
    assert [event.text for event in deploy_logs.wait_for_sequence("Traceback", "the end", within="service")] == [
        "Traceback", "the end"
    ]

def test_count_of_a_task_is_reported(deploy_logs, running_tasks):
    with pytest.raises(AssertionError) as caught:
        deploy_logs.wait_for("Parsed content item", count=2, tasks="all")
    for task in running_tasks:
        assert f"{task.id}: 1" in str(caught.value)
    assert len(deploy_logs.wait_for("Parsed content item", tasks="all")) == 2

def test_count(deploy_logs):
    assert deploy_logs.count("Parsed content item") == 2
    assert deploy_logs.count(re.compile(r"\\d+")) >= 4
    assert deploy_logs.count("never said") == 0

def test_absence(deploy_logs):
    answer = deploy_logs.absent("never said")
    assert answer
    assert answer.until.utcoffset() is not None
    assert world.aws.now() - timedelta(minutes=5) < answer.until <= world.aws.now() - timedelta(minutes=2)
    assert list(answer.events) == []

def test_no_absence(deploy_logs):
    answer = deploy_logs.absent(re.compile(r"Value\\w+"))
    assert not answer
    assert [event.message.split(":")[0] for event in answer.events] == ["Traceback (most recent call last)"]
""",
    )
    assert not_passed(outcome) == {}


def test_until_of_what_was_found(deploy: Deploy, pytester: pytest.Pytester, talking: World) -> None:
    """A line that was logged is absent up to no moment."""
    outcome = ask(
        deploy,
        pytester,
        talking,
        "def test_it(deploy_logs): assert deploy_logs.absent('the end').until is None",
    )
    assert not_passed(outcome) == {}


def test_records_of_tasks_without_logs(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """No record is no answer if nothing was logged at all."""
    outcome = ask(deploy, pytester, world, "def test_it(deploy_logs): deploy_logs.records()")
    assert outcome.tests == {"test_it[backend]": "unproven"}


def test_what_has_just_been_logged_leaves_a_no_open(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """If the first events came seconds ago, earlier ones may still come: no count and no absence."""
    world.configure("backend", log_settle="20s")
    world.backend.log("hello", at=world.aws.now() - timedelta(seconds=4))
    outcome = ask(
        deploy,
        pytester,
        world,
        """
def test_absent(deploy_logs): deploy_logs.absent("goodbye", timeout=0.2)
def test_count(deploy_logs): deploy_logs.count("goodbye", timeout=0.2)
def test_found(deploy_logs): assert not deploy_logs.absent("hello")
def test_in(deploy_logs): assert "hello" in deploy_logs
def test_not_in(deploy_logs): assert "goodbye" not in deploy_logs
""",
    )
    assert outcome.tests == {
        "test_absent[backend]": "unproven",
        "test_count[backend]": "unproven",
        "test_found[backend]": "passed",
        "test_in[backend]": "passed",
        "test_not_in[backend]": "passed",
    }
    assert "at least 20 s ago" in outcome.output


def test_more_events_than_are_kept(
    deploy: Deploy, pytester: pytest.Pytester, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound a list or a number would pass for all there is: unproven; what is there is still found."""
    monkeypatch.setattr("pytest_deploycheck.observe.logs.matches.MOST_EVENTS", 2_000)
    first, second = world.backend.running_tasks
    ago = world.aws.now() - timedelta(minutes=6)
    first.log_lines((f"tick {number}" for number in range(2_050)), at=ago)
    first.log("tick the last", at=ago + timedelta(minutes=2))
    second.log("hello", at=ago + timedelta(minutes=2))
    outcome = ask(
        deploy,
        pytester,
        world,
        """
def test_in(deploy_logs): assert "tick the last" in deploy_logs
def test_tail(deploy_logs): assert {event.message for event in deploy_logs.tail(2)} == {"tick the last", "hello"}
def test_count_of_few(deploy_logs): assert deploy_logs.count("tick 204") == 11
def test_count(deploy_logs): deploy_logs.count("tick")
def test_events(deploy_logs): deploy_logs.events()
""",
    )
    assert not_passed(outcome) == {
        "test_count[backend]": "unproven",
        "test_events[backend]": "unproven",
    }


def test_a_query(deploy: Deploy, pytester: pytest.Pytester, talking: World) -> None:
    """Rows of Logs Insights over the window and the streams of the new tasks, as dictionaries."""
    old = next(task for task in talking.backend.all_tasks if not task.is_running)
    old.log("Parsed content item #99 of old", at=talking.aws.now() - timedelta(minutes=3))
    talking.backend.log("Parsed content item #98 from before", at=talking.aws.now() - timedelta(minutes=20))
    talking.aws.queries(running=1)
    outcome = ask(
        deploy,
        pytester,
        talking,
        """
def test_rows(deploy_logs, running_tasks):
    rows = deploy_logs.query('fields @message, @logStream | filter @message like /Parsed/ | sort @timestamp asc')
    assert type(rows) is list and {type(row) for row in rows} == {dict}
    assert [row["@message"] for row in rows] == [
        "Parsed content item #17 for twitter", "Parsed content item #18 for tiktok"
    ]
    assert {row["@logStream"] for row in rows} == {f"ecs/app/{task.id}" for task in running_tasks}

def test_no_rows(deploy_logs):
    assert deploy_logs.query('filter @message like "never said"') == []

def test_stats(deploy_logs):
    (row,) = deploy_logs.query("filter @message like /Parsed/ | stats count(*) as n")
    assert row["n"] == "2"
""",
    )
    assert not_passed(outcome) == {}
    (query, *_) = [call.parameters for call in talking.aws.calls if call.operation == "logs:StartQuery"]
    began = int(talking.backend.rollout.created_at.timestamp())
    assert query["startTime"] in {began, began + 1}


def test_a_query_that_does_not_come_to_its_end(deploy: Deploy, pytester: pytest.Pytester, talking: World) -> None:
    """It is unproven, whatever kept it from its end, and the message says what that was."""
    outcome = ask(
        deploy,
        pytester,
        talking,
        """
@pytest.fixture(autouse=True)
def usual():
    yield
    world.aws.queries()
    world.aws.allow()

def test_failed(deploy_logs):
    world.aws.queries(ends="Failed")
    deploy_logs.query("fields @message")

def test_timed_out(deploy_logs):
    world.aws.queries(ends="Timeout")
    deploy_logs.query("fields @message")

def test_slow(deploy_logs):
    world.aws.queries(running=10**6)
    deploy_logs.query("fields @message", timeout=0.3)

def test_denied(deploy_logs):
    world.aws.deny("logs:StartQuery")
    deploy_logs.query("fields @message")

def test_results_denied(deploy_logs):
    world.aws.deny("logs:GetQueryResults")
    deploy_logs.query("fields @message")

def test_refused(deploy_logs):
    world.aws.fail("logs:StartQuery", code="MalformedQueryException", message="unexpected symbol")
    deploy_logs.query("fields @message")
""",
    )
    assert set(outcome.tests.values()) == {"unproven"}
    assert len(outcome.tests) == 6
    assert outcome.status == 7
    for word in ("Failed", "Timeout", "0.3", "logs:StartQuery", "logs:GetQueryResults", "unexpected symbol"):
        assert word.lower() in outcome.output.lower()
