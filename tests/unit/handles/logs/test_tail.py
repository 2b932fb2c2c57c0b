from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace
from support.log_fakes import LOG_WAIT, START, Logs, logs
from support.worlds import denied, event, scope, stream

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.log import LogEvent
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.handles.logs.tail import LogTail

LINE = "Found 3 platform sections"
FIRST = "Requested platforms: 3"
POLL = 1.0
"""The longest time between two looks."""


def at(seconds: float, message: str = LINE, task: str = "one") -> tuple[float, LogEvent]:
    """A line that is written and found at a second after the start."""
    moment = START + timedelta(seconds=seconds)
    line = replace(event(message, task), timestamp=moment, ingested_at=moment, id=f"{task}/{seconds}/{message}")
    return seconds, line


def long_ago(message: str = LINE, task: str = "one", minutes: float = 4) -> tuple[float, LogEvent]:
    """A line that was written some minutes before the start, so that nothing older can still be on its way."""
    moment = START - timedelta(minutes=minutes)
    line = replace(event(message, task), timestamp=moment, ingested_at=moment, id=f"{task}/-{minutes}/{message}")
    return 0.0, line


HELLO = (long_ago("hello"), long_ago("hello", "two"))
"""Both tasks have said something when the test begins."""


def failure(caught: pytest.ExceptionInfo[BaseException]) -> str:
    """The text of a failure."""
    return str(caught.value)


def test_a_line_that_is_there_is_found_at_once() -> None:
    """A line that was logged before is found without waiting."""
    world = logs(at(0))
    assert LINE in world.tail
    assert world.waited == 0


@pytest.mark.parametrize("late", [0.5, 7.3, 59.9])
def test_a_late_line_is_waited_for_and_no_longer(late: float) -> None:
    """`in` is true as soon as the line has arrived: it waits for it, and no longer than to the next look."""
    world = logs(*HELLO, at(late))
    assert LINE in world.tail
    assert late <= world.waited <= late + POLL


def test_a_line_that_comes_in_the_last_pause_counts() -> None:
    """The last poll is at the deadline, so a line that arrives right before it is found."""
    world = logs(*HELLO, at(LOG_WAIT))
    assert LINE in world.tail
    assert world.waited <= LOG_WAIT + POLL


def test_a_line_that_does_not_come_is_not_in() -> None:
    """The tasks have logs, the log wait is over, and the line is not there: `in` is false, after all of the wait."""
    world = logs(*HELLO, at(LOG_WAIT + 5))
    assert LINE not in world.tail
    assert world.waited == pytest.approx(LOG_WAIT)


def test_before_a_no_the_whole_window_is_read_again() -> None:
    """The poll that ends a wait that times out reads the whole window, as lines arrive late and out of order."""
    world = logs(*HELLO)
    assert LINE not in world.tail
    second, whole = world.reader.polls[-1]
    assert whole
    assert second == pytest.approx(LOG_WAIT)


def test_a_line_that_only_the_whole_reading_finds_counts() -> None:
    """A line that CloudWatch delivered late and out of reach of the polls is found before a no is said."""
    hidden = replace(event(LINE), timestamp=START - timedelta(minutes=4))
    assert LINE in logs(*HELLO, hidden=((3.0, hidden),)).tail
    world = logs(*HELLO, hidden=((3.0, hidden),))
    assert [one.message for one in world.tail.wait_for(LINE)] == [LINE]


def test_a_forbidden_line_that_only_the_whole_reading_finds_counts() -> None:
    """An absence is not sound before the whole window was read: a line that only that reading finds was logged."""
    hidden = replace(event(LINE), timestamp=START - timedelta(minutes=4))
    assert not logs(*HELLO, hidden=((3.0, hidden),)).tail.absent(LINE)


def test_an_absence_that_is_found_early_reads_the_whole_window() -> None:
    """Each task logged again soon after the question: the whole window is read before the old line is called absent."""
    hidden = replace(event(LINE), timestamp=START - timedelta(minutes=4))
    spoke = (at(2, "still here"), at(2, "still here", "two"))
    assert not logs(*HELLO, *spoke, hidden=((1.0, hidden),)).tail.absent(LINE)


def test_a_compiled_pattern_is_a_regular_expression() -> None:
    """A plain string is literal text, a compiled pattern is searched for with its flags."""
    world = logs(at(0, "Parsed content item #12"), at(0, "hello", "two"), log_wait=1)
    assert re.compile(r"ITEM #\d+", re.IGNORECASE) in world.tail
    assert r"item #\d+" not in world.tail
    assert re.compile(r"ITEM #\d+") not in world.tail


ASKS: dict[str, Callable[[LogTail], object]] = {
    "in": lambda tail: LINE in tail,
    "not in": lambda tail: LINE not in tail,
    "wait_for": lambda tail: tail.wait_for(LINE),
    "wait_for_sequence": lambda tail: tail.wait_for_sequence(FIRST, LINE),
    "absent": lambda tail: tail.absent(LINE),
    "count": lambda tail: tail.count(LINE),
}


@pytest.mark.parametrize("asks", ASKS)
def test_silence_is_no_answer(asks: str) -> None:
    """No new task logged anything: every question fails the test as unproven, in words that say so."""
    with pytest.raises(UnprovenError) as caught:
        ASKS[asks](logs().tail)
    assert "no log events" in failure(caught)


@pytest.mark.parametrize("asks", ASKS)
def test_logs_that_cannot_be_read_are_no_answer(asks: str) -> None:
    """A denied log group is unproven for every question, and the failure names the action."""
    with pytest.raises(UnprovenError) as caught:
        ASKS[asks](logs(failing=(denied("logs:FilterLogEvents"),)).tail)
    assert "logs:FilterLogEvents" in failure(caught)


@pytest.mark.parametrize("asks", ASKS)
def test_no_task_that_runs_the_image_is_no_answer(asks: str) -> None:
    """If no task runs the image there are no logs to read: unproven, at once."""
    world = logs(seen=scope())
    with pytest.raises(UnprovenError):
        ASKS[asks](world.tail)
    assert world.waited == 0


@pytest.mark.parametrize("asks", ["in", "not in", "wait_for", "wait_for_sequence"])
def test_one_new_task_without_logs_is_no_answer(asks: str) -> None:
    """No event at all from a new task means unproven, for what is expected as for what is not."""
    with pytest.raises(UnprovenError):
        ASKS[asks](logs(at(0, "hello")).tail)


@pytest.mark.parametrize("asks", ["in", "not in", "wait_for", "wait_for_sequence", "absent"])
def test_a_wait_cut_short_is_no_answer(asks: str) -> None:
    """The test's own time limit ends the wait before the log wait: unproven, with time left to explain itself."""
    world = logs(*HELLO, time_left=lambda: 10.0)
    with pytest.raises(UnprovenError) as caught:
        ASKS[asks](world.tail)
    assert 0 < world.waited < 10
    assert "time limit" in failure(caught)


def test_a_line_within_the_tests_own_time_limit_counts() -> None:
    """A short time limit takes nothing from a line that arrives within it."""
    assert LINE in logs(*HELLO, at(3), time_left=lambda: 10.0).tail


def test_a_line_found_by_the_last_poll_of_a_short_wait_counts() -> None:
    """A wait that the test's limit ended still reads the whole window, and what that finds is an answer."""
    hidden = replace(event(LINE), timestamp=START - timedelta(minutes=4))
    assert LINE in logs(*HELLO, hidden=((0.0, hidden),), time_left=lambda: 10.0).tail


def test_wait_for_gives_what_matched() -> None:
    """`wait_for` returns the events that say it, with their task, stream and aware times."""
    (found,) = logs(*HELLO, at(5)).tail.wait_for(LINE)
    assert (found.message, found.task, found.stream) == (LINE, "one", "ecs/app/one")
    assert found.timestamp == START + timedelta(seconds=5)
    assert found.ingested_at.tzinfo is not None


def test_wait_for_counts_over_all_tasks() -> None:
    """`count=3` waits until three events came, from whichever task."""
    world = logs(at(0), at(4, task="two"), at(9))
    assert len(world.tail.wait_for(LINE, count=3)) == 3
    assert 9 <= world.waited <= 9 + POLL
    with pytest.raises(AssertionError) as caught:
        logs(at(0), at(4, task="two")).tail.wait_for(LINE, count=3)
    assert not isinstance(caught.value, UnprovenError)


def test_wait_for_all_tasks() -> None:
    """`tasks="all"` waits until each new task logged it."""
    world = logs(*HELLO, at(1), at(6, task="two"))
    assert {one.task for one in world.tail.wait_for(LINE, tasks="all")} == {"one", "two"}
    assert 6 <= world.waited <= 6 + POLL


def test_wait_for_all_tasks_fails_where_one_lacks_it() -> None:
    """A task that speaks and lacks the line fails `tasks="all"`, and passes `any`."""
    world = logs(*HELLO, at(1))
    with pytest.raises(AssertionError) as caught:
        world.tail.wait_for(LINE, tasks="all")
    assert not isinstance(caught.value, UnprovenError)
    assert "two" in failure(caught)
    assert world.tail.wait_for(LINE)


def test_wait_for_all_tasks_is_unproven_where_the_other_has_no_logs() -> None:
    """One task logged it and the other nothing at all: `tasks="all"` is unproven."""
    with pytest.raises(UnprovenError):
        logs(at(0)).tail.wait_for(LINE, tasks="all")


@pytest.mark.parametrize("timeout", [0, 5])
def test_wait_for_takes_a_timeout_of_its_own(timeout: float) -> None:
    """`timeout` takes the place of the log wait; 0 polls once."""
    world = logs(*HELLO, at(30))
    with pytest.raises(AssertionError):
        world.tail.wait_for(LINE, timeout=timeout)
    assert world.waited == pytest.approx(timeout)


def test_a_timeout_may_be_longer_than_the_log_wait() -> None:
    """A test that knows better waits longer."""
    assert logs(*HELLO, at(90)).tail.wait_for(LINE, timeout=120)


def test_a_sequence_within_one_task() -> None:
    """`wait_for_sequence` waits for the lines in their order within one task, and returns one event for each."""
    world = logs(*HELLO, at(1, FIRST), at(2, LINE, "two"), at(8, LINE))
    assert [one.message for one in world.tail.wait_for_sequence(FIRST, LINE)] == [FIRST, LINE]
    assert 8 <= world.waited <= 8 + POLL


def test_a_sequence_over_two_tasks_is_none_within_a_task() -> None:
    """A line of each of two tasks is a sequence within the service only."""
    lines = (*HELLO, at(1, FIRST), at(2, LINE, "two"))
    with pytest.raises(AssertionError) as caught:
        logs(*lines).tail.wait_for_sequence(FIRST, LINE)
    assert not isinstance(caught.value, UnprovenError)
    found = logs(*lines).tail.wait_for_sequence(FIRST, LINE, within="service")
    assert [(one.message, one.task) for one in found] == [(FIRST, "one"), (LINE, "two")]


def test_two_tasks_with_the_whole_sequence() -> None:
    """If both tasks logged the sequence, one run of it comes back, all of one task."""
    found = logs(at(1, FIRST), at(1, FIRST, "two"), at(2, LINE), at(2, LINE, "two")).tail.wait_for_sequence(FIRST, LINE)
    assert [one.message for one in found] == [FIRST, LINE]
    assert len({one.task for one in found}) == 1


def test_the_wrong_order_is_no_sequence() -> None:
    """The right lines in the wrong order are no sequence."""
    with pytest.raises(AssertionError):
        logs(*HELLO, at(1, LINE), at(2, FIRST)).tail.wait_for_sequence(FIRST, LINE)


SETTLE = 20.0
"""Seconds after which an event of the awslogs driver has settled."""


def test_absent_when_an_event_of_every_task_has_settled_since() -> None:
    """`absent` is true once each new task has logged something after the call, and that has settled."""
    world = logs(*HELLO, at(3, "still here"), at(8, "still here", "two"))
    absence = world.tail.absent(LINE)
    assert absence
    assert absence.until == START + timedelta(seconds=3)
    assert 8 + SETTLE <= world.waited <= 8 + SETTLE + POLL


def test_tasks_that_log_every_two_seconds_answer_within_35_seconds() -> None:
    """Right after a rollout, with the default log wait, an absence is known within 35 seconds."""
    young = scope("one", "two", rolled_out_at=START - timedelta(seconds=10))
    busy = [at(second, "busy", task) for second in range(0, 60, 2) for task in ("one", "two")]
    world = logs(*busy, seen=young)
    absence = world.tail.absent(LINE)
    assert absence
    assert absence.until is not None
    assert absence.until >= START
    assert world.waited < 35


def test_absent_waits_for_each_task() -> None:
    """One task that logs again and again does not stand for the other: the wait goes on to its end."""
    world = logs(*HELLO, *(at(second, "busy") for second in range(1, 50)))
    assert world.tail.absent(LINE).until == START - timedelta(minutes=4)
    assert world.waited == pytest.approx(LOG_WAIT)


def test_absent_when_the_wait_is_over() -> None:
    """Tasks that have logged nothing since the call: absent up to their last events when the log wait is over."""
    world = logs(*HELLO)
    assert world.tail.absent(LINE).until == START - timedelta(minutes=4)
    assert world.waited == pytest.approx(LOG_WAIT)


def test_absent_waits_until_events_can_settle() -> None:
    """With a short log wait, or none, an absence is waited for 40 seconds; a declared one likewise."""
    for log_wait in (0, 5, 39):
        world = logs(*HELLO, log_wait=log_wait)
        assert world.tail.absent(LINE)
        assert world.waited == pytest.approx(40)


def test_absent_waits_longer_where_events_settle_slowly() -> None:
    """A log router's events settle in two minutes, and the wait is 20 seconds longer than that."""
    slow = tuple(replace(stream(task), settle=120.0) for task in ("one", "two"))
    world = logs(*HELLO, seen=scope("one", "two", streams=slow))
    assert world.tail.absent(LINE)
    assert world.waited == pytest.approx(140)


@pytest.mark.parametrize("log_wait", [60.0, 30.0, 5.0])
@pytest.mark.parametrize("is_missing", [True, False], ids=["no group", "no events"])
def test_absent_does_not_wait_needlessly(log_wait: float, *, is_missing: bool) -> None:
    """A missing log group, and a task without events, end the wait where nothing could settle in time."""
    slow = tuple(replace(stream(task), settle=120.0) for task in ("one", "two"))
    failing = (Problem("logs:FilterLogEvents", "GroupNotFound", "The log group /shop does not exist.", "Create it."),)
    world = logs(
        long_ago("hello"),
        seen=scope("one", "two", streams=slow),
        log_wait=log_wait,
        failing=failing if is_missing else (),
    )
    with pytest.raises(UnprovenError, match="does not exist" if is_missing else "no log events"):
        world.tail.absent(LINE)
    assert world.waited <= max(log_wait, 0 if is_missing else 20) + POLL


def test_absent_is_false_as_soon_as_it_was_logged() -> None:
    """A text that is there, or arrives during the wait, is not absent; the line is shown."""
    world = logs(*HELLO, at(4))
    absence = world.tail.absent(LINE)
    assert not absence
    assert [one.message for one in absence.events] == [LINE]
    assert 4 <= world.waited <= 4 + POLL
    assert LINE in repr(absence)


def test_absent_is_unproven_while_one_task_has_no_logs() -> None:
    """One new task logged nothing at all: the absence of the text cannot be known."""
    with pytest.raises(UnprovenError):
        logs(at(0, "hello"), at(1, "hello again")).tail.absent(LINE)


def test_absent_is_false_even_where_another_task_has_no_logs() -> None:
    """A text that was logged is not absent: another task without logs does not make it unproven."""
    assert not logs(at(0)).tail.absent(LINE)


def test_count_is_of_what_is_there() -> None:
    """`count` counts the events so far, and does not wait where no more can come of that time."""
    world = logs(long_ago(), long_ago(task="two"))
    assert world.tail.count(LINE) == 2
    assert world.waited == 0
    assert logs(*HELLO).tail.count(LINE) == 0


def test_events_and_tail() -> None:
    """`events()` is all so far, the oldest first, late ones in their place; `tail(n)` the last of them."""
    late = replace(event("late"), timestamp=START - timedelta(minutes=1))
    world = logs(at(0, "b"), at(0.001, "c"), hidden=((0.0, late),))
    world.clock.seconds += 1
    assert [one.message for one in world.tail.events()] == ["late", "b", "c"]
    assert [one.message for one in world.tail.tail(2)] == ["b", "c"]
    assert [one.message for one in world.tail.tail(10)] == ["late", "b", "c"]
    assert world.tail.tail(0) == []
    assert isinstance(world.tail.events(), list)
    assert isinstance(world.tail.tail(1), list)


def explained(**changes: object) -> str:
    """The failure of a `wait_for` that times out."""
    lines = (at(0, "hello world"), at(0, "goodbye", "two"))
    with pytest.raises(AssertionError) as caught:
        logs(*lines, **changes).tail.wait_for(LINE)  # type: ignore[arg-type]
    return failure(caught)


def test_a_failure_explains_itself() -> None:
    """A failure names the expectation, how long it waited, the window, each task and stream, and the last lines."""
    text = explained()
    assert LINE in text
    assert "60 s" in text
    assert "11:05:00" in text
    for task in ("one", "two"):
        assert f"ecs/app/{task}" in text
    assert "/ecs/shop" in text
    assert "us-east-1" in text
    assert "hello world" in text
    assert "goodbye" in text


def test_a_failure_says_where_else_the_line_was_seen() -> None:
    """A line that only old tasks logged is shown, with the note that it does not count."""
    text = explained(old=(event(LINE, "old-one"),))
    assert "old-one" in text
    assert "does not count" in text


def test_a_failure_of_a_driver_that_drops_says_so() -> None:
    """With a non-blocking log driver a missing line may have been dropped: the failure says so."""
    dropping = scope("one", "two", streams=(stream("one", may_drop=True), stream("two")))
    assert "drop" in explained(seen=dropping)
    assert "drop" not in explained()


def test_a_failure_is_fit_to_be_shown() -> None:
    """Log lines are data: no control character of theirs reaches the terminal, and credentials are masked."""
    with pytest.raises(AssertionError) as caught:
        logs(*HELLO, at(0, "\x1b[2Jpassword=hunter2222 \u202egnp")).tail.wait_for(LINE)
    text = failure(caught)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "hunter2222" not in text


def test_a_failure_shows_the_last_lines_only() -> None:
    """Of many lines the last are shown, so that the message stays readable."""
    with pytest.raises(AssertionError) as caught:
        logs(*HELLO, *(at(number / 1000, f"line-{number:03}") for number in range(1, 400))).tail.wait_for(LINE)
    assert "line-399" in failure(caught)
    assert "line-100" not in failure(caught)


def test_questions_and_answers_are_counted() -> None:
    """A question with at least one event read proves the logs; reading without asking does not."""
    world = logs(*HELLO, at(0))
    world.tail.events()
    world.tail.tail(3)
    assert (world.tail.questions, world.tail.answers) == (0, 0)
    assert LINE in world.tail
    assert (world.tail.questions, world.tail.answers) == (1, 1)
    silent = logs()
    with pytest.raises(UnprovenError):
        silent.tail.wait_for(LINE)
    assert (silent.tail.questions, silent.tail.answers) == (1, 0)


@pytest.mark.parametrize("asks", ASKS)
def test_every_question_counts(asks: str) -> None:
    """Each of the asking methods counts as having asked."""
    world = logs(long_ago(FIRST), long_ago(FIRST, "two"), long_ago(minutes=3), log_wait=1)
    ASKS[asks](world.tail)
    assert (world.tail.questions, world.tail.answers) == (1, 1)


def test_old_tasks_are_never_counted() -> None:
    """Lines that only tasks of another image logged are not in the logs of the image."""
    world = logs(*HELLO, old=(event(LINE, "old-one"),))
    assert LINE not in world.tail
    assert world.tail.count(LINE) == 0
    assert all(one.task != "old-one" for one in world.tail.events())


def test_repr_reads_well() -> None:
    """In an assertion message the log tail says whose it is and since when."""
    text = repr(logs().tail)
    assert "backend" in text
    assert "11:05:00" in text


def test_the_fakes_do_not_sleep() -> None:
    """The clock of these tests passes only when it is told to."""
    world: Logs = logs(*HELLO)
    assert LINE not in world.tail
    assert world.clock.seconds == pytest.approx(1000 + LOG_WAIT)
    assert all(0 < nap <= POLL for nap in world.clock.naps)


def test_a_count_is_of_all_that_was_logged_up_to_now() -> None:
    """A line that came after an earlier question is counted: events are read again."""
    world = logs(*HELLO, at(1), at(20, f"{LINE} again"))
    assert LINE in world.tail
    world.clock.sleep(30)
    assert world.tail.count(LINE, timeout=150) == 2


def test_a_count_of_logs_that_cannot_all_be_read_is_unproven() -> None:
    """With a part of the logs unread a number would pass for the whole."""
    world = logs(*HELLO, at(0), failing=(denied("logs:FilterLogEvents"),))
    with pytest.raises(UnprovenError, match="logs:FilterLogEvents"):
        world.tail.count(LINE)


@pytest.mark.parametrize(
    ("asks", "words"),
    [
        (lambda tail: tail.wait_for(LINE, count=0), "count: expected 1 or more, found 0"),
        (lambda tail: tail.wait_for(LINE, tasks="every"), "tasks: expected 'any' or 'all', found 'every'"),
        (lambda tail: tail.wait_for_sequence(), "patterns: expected one or more, found none"),
        (lambda tail: tail.wait_for_sequence(LINE, within="cluster"), "within: expected 'task' or 'service'"),
        (lambda tail: tail.tail(-1), "n: expected 0 or more, found -1"),
    ],
)
def test_a_question_that_means_nothing_is_a_mistake_of_the_test(asks: Callable[[LogTail], object], words: str) -> None:
    """It is refused at once by the name of the argument, and is no question that was answered."""
    world = logs(at(0))
    with pytest.raises(ValueError, match=re.escape(words)):
        asks(world.tail)
    assert (world.tail.questions, world.tail.answers, world.waited) == (0, 0, 0)
