from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.log_fakes import START, logs
from support.worlds import event, scope, stream

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.log import UNREAD, LogScope
from pytest_deploycheck.facts.snapshot import Problem
from unit.handles.logs.test_tail import HELLO, LINE, at, failure, long_ago

OLD_FORMAT = "INFO Generating content for requested_platform='linkedin' user=7"
NEW_FORMAT = "requested_platforms=['linkedin', 'twitter', 'pitch_deck']"


def test_a_call_of_live_tail_ends_a_pause() -> None:
    """A line is seen when Live Tail calls, and not at the end of the pause."""
    world = logs(*HELLO, at(55.05), use_live=True)
    world.reader.calls = [55.1]
    assert LINE in world.tail
    assert world.waited == pytest.approx(55.1)
    assert [one.wanted[0].text for one in world.reader.lives] == [LINE]


def test_a_call_without_a_line_is_no_line() -> None:
    """Live Tail only triggers a poll: the poll is the evidence."""
    world = logs(*HELLO, use_live=True)
    world.reader.calls = [3.0, 7.0]
    assert LINE not in world.tail


def test_live_tail_is_opened_only_where_it_is_wanted_and_closed_in_the_end() -> None:
    """It costs by the minute: not without the setting, not for what is there already, and not after the run."""
    assert not logs(*HELLO, at(5)).reader.lives
    there = logs(long_ago(), use_live=True)
    assert LINE in there.tail
    assert not there.reader.lives
    world = logs(*HELLO, at(5), use_live=True)
    assert LINE in world.tail
    world.tail.close()
    assert [one.is_closed for one in world.reader.lives] == [True]


def test_a_long_wait_shows_its_progress() -> None:
    """After some seconds: what is awaited, how long, and what was seen; nothing when it is over."""
    world = logs(*HELLO, at(9))
    assert LINE in world.tail
    shown = [text for text in world.shown if text]
    assert shown[0].startswith(f"waiting for '{LINE}': 3 s of 60 s, 0 matching events")
    assert world.shown[-1] == ""


def test_where_not_all_lines_could_be_read_nothing_is_absent() -> None:
    """An absence rests on all lines, and so does a false `in`; a line that was expected is missing all the same."""
    world = logs(*HELLO)
    world.reader.unread = (Problem("logs:FilterLogEvents", UNREAD, "The rest was not read.", ""),)
    with pytest.raises(UnprovenError, match="The rest was not read"):
        world.tail.absent(LINE)
    with pytest.raises(UnprovenError, match="The rest was not read"):
        _ = LINE in world.tail
    with pytest.raises(AssertionError, match="not logged"):
        world.tail.wait_for(LINE)


def test_a_short_wait_says_nothing() -> None:
    """Nobody needs to be told of two seconds."""
    world = logs(*HELLO, at(2))
    assert LINE in world.tail
    assert not any(world.shown)


def test_a_task_that_replaces_another_is_read() -> None:
    """The tasks are looked at again while something is waited for."""
    later = scope("two", "three")
    looks: list[float] = []

    def follow() -> LogScope:
        looks.append(world.reader.second)
        return later

    world = logs(*HELLO, at(15, LINE, "three"), follow=follow)
    assert LINE in world.tail
    assert world.tail.scope.tasks == ("two", "three")
    assert 15 <= world.waited <= 21
    assert all(second - first >= 10 for first, second in pairwise(looks))


def test_tasks_that_cannot_be_observed_again_stay_as_they_were() -> None:
    """A denied or failed look changes nothing."""
    world = logs(*HELLO, at(30), follow=lambda: None)
    assert LINE in world.tail
    assert world.tail.scope.tasks == ("one", "two")


def test_a_failure_shows_the_nearest_miss() -> None:
    """The old format is shown below the expected one, with the difference marked."""
    with pytest.raises(AssertionError) as caught:
        logs(*HELLO, long_ago(OLD_FORMAT)).tail.wait_for(NEW_FORMAT)
    lines = [line.strip() for line in failure(caught).splitlines()]
    assert f"- {NEW_FORMAT}" in lines
    assert f"+ {OLD_FORMAT}" in lines


def test_a_failure_tells_where_the_source_has_the_line(tmp_path: Path) -> None:
    """It is in the code, but not running: said outright, with the place."""
    path = tmp_path / "backend" / "app" / "api" / "websocket.py"
    path.parent.mkdir(parents=True)
    path.write_text(f'import logging\n\nlogging.info("{LINE}")\n', encoding="utf-8")
    with pytest.raises(AssertionError) as caught:
        logs(*HELLO, source=tmp_path).tail.wait_for(LINE)
    assert "backend/app/api/websocket.py:3" in failure(caught)
    assert "in the code but not running" in failure(caught)


def test_a_failure_of_all_tasks_accounts_for_each() -> None:
    """Return the number of times that each task logged it."""
    lines = (*HELLO, at(0), at(0.1), at(0.2, task="two"))
    with pytest.raises(AssertionError) as caught:
        logs(*lines).tail.wait_for(LINE, count=2, tasks="all")
    assert "one: 2, two: 1" in failure(caught)


def test_records_are_the_lines_that_are_objects() -> None:
    """JSON objects come as dictionaries, the oldest first; other lines and other JSON are left out."""
    lines = [json.dumps({"level": "info", "n": 1}), "plain", "[1, 2]", "7", json.dumps({"n": 2})]
    world = logs(*HELLO, *(long_ago(line, minutes=4 - number / 10) for number, line in enumerate(lines)))
    assert world.tail.records() == [{"level": "info", "n": 1}, {"n": 2}]


def test_a_record_that_breaks_the_schema_fails() -> None:
    """The first violation: its path in the record, what is wrong, and the line."""
    schema = {"type": "object", "properties": {"user": {"properties": {"id": {"type": "integer"}}}}}
    lines = ({"user": {"id": 1}}, {"user": {"id": "two"}}, {"user": {"id": "three"}})
    world = logs(*HELLO, *(long_ago(json.dumps(line), minutes=4 - n / 10) for n, line in enumerate(lines)))
    with pytest.raises(AssertionError, match=r"\$\.user\.id: 'two' is not of type 'integer'") as caught:
        world.tail.records(schema)
    assert '{"user": {"id": "two"}}' in failure(caught)
    assert "three" not in failure(caught)


def test_records_of_tasks_without_logs_are_no_answer() -> None:
    """If nothing was logged, an assertion on every record would hold of none."""
    with pytest.raises(UnprovenError):
        logs().tail.records()


def test_a_query_gives_rows() -> None:
    """The rows of Insights come as they are, and a query that found something has asked the logs."""
    world = logs(*HELLO)
    world.reader.rows = [{"n": "3"}]
    assert world.tail.query("stats count(*) as n") == [{"n": "3"}]
    assert (world.tail.questions, world.tail.answers) == (1, 1)


def test_a_query_without_a_log_is_no_answer() -> None:
    """No task, no stream: nothing to run it on."""
    with pytest.raises(UnprovenError):
        logs(seen=scope()).tail.query("stats count(*)")


def test_events_from_before_the_end_of_the_rollout_prove_no_absence() -> None:
    """Tasks that have logged nothing since the rollout ended leave an absence unproven."""
    ended = scope("one", "two", rolled_out_at=START - timedelta(minutes=1))
    with pytest.raises(UnprovenError, match="known up to 2025-11-26 11:06:00 UTC only"):
        logs(*HELLO, seen=ended).tail.absent(LINE)


def test_an_absence_tells_up_to_when_it_is_known() -> None:
    """The last line of the task that has been silent longest, or two minutes ago."""
    world = logs(long_ago("hello", minutes=4), long_ago("hello", "two", minutes=3))
    assert world.tail.absent(LINE).until == START - timedelta(minutes=4)
    assert "11:06:00" in repr(world.tail.absent(LINE))


def test_a_count_waits_until_it_is_exact() -> None:
    """The number is given when nothing that counts can come any more."""
    world = logs(*HELLO, at(0), at(4))
    assert world.tail.count(LINE) == 2
    assert 24 <= world.waited <= 26
    with pytest.raises(UnprovenError, match="at least 20 s ago"):
        logs(*HELLO, at(0)).tail.count(LINE, timeout=5)


def test_a_wait_that_ends_early_leaves_an_absence_open() -> None:
    """The time in which each task may log was not given, so an absence up to an earlier moment is no answer."""
    with pytest.raises(UnprovenError):
        logs(*HELLO, time_left=lambda: 10.0).tail.absent(LINE)


def test_a_stream_that_a_router_named_is_read_by_a_part_of_its_name() -> None:
    """Its lines count as the task's."""
    routed = replace(stream("one"), name="one", is_part=True)
    line = replace(event(LINE, at="11:06"), stream="app-firelens-one")
    world = logs((0.0, line), seen=scope("one", streams=(routed,)))
    assert LINE in world.tail
    assert world.tail.absent("never")
