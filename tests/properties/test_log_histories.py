from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.promises import promise

from properties.histories import (
    BLOCKED_HISTORIES,
    HISTORIES,
    INTERRUPTED_HISTORIES,
    LATE_HISTORIES,
    LATEST,
    MUTE_HISTORIES,
    STEADY_HISTORIES,
    TEXTS,
    THROTTLED_HISTORIES,
    Question,
    World,
    has,
    ids,
    moment,
    pattern,
    questions,
    visible,
)
from properties.service import SINCE, History, Line, PlainTail, SimulatedLogs, SimulatedTime
from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.handles.logs.answers import Absence
from pytest_deploycheck.handles.logs.service_logs import Window
from pytest_deploycheck.handles.logs.tail import Captured
from pytest_deploycheck.handles.logs.wait import PACE
from pytest_deploycheck.judge.analysis.logs.reading import LogAnswer

BUCKET = 256
"""Milliseconds to which the times are rounded up at which the service took lines in."""

QUESTIONS = ("wait_for", "in", "absent", "hold", "count", "events", "captured")
DECLARED = st.sampled_from([(), (pattern("needle-7"),), (pattern("hay"), pattern(TEXTS[1]))])


def check(world: World, question: Question) -> None:
    """Ask a question, and hold its answer against what is true."""
    world.pass_time(question)
    checks: dict[str, Callable[[World, Question], None]] = {
        "wait_for": check_wait_for,
        "in": check_in,
        "absent": check_absent,
        "hold": check_hold,
        "count": check_count,
        "events": check_events,
        "captured": check_captured,
    }
    checks[question.kind](world, question)


def check_wait_for(world: World, question: Question) -> None:
    """Enough lines that were visible in time are found, soon, each once; and only what is there."""
    history = world.history
    asked = world.time.milliseconds
    try:
        found = world.tail.wait_for(question.text, count=question.count, tasks=question.tasks, timeout=question.timeout)
    except UnprovenError as error:
        assert not is_enough(world, question, asked) or history.is_throttled or is_unread(error)  # noqa: PT017
        return
    except AssertionError:
        assert not is_enough(world, question, asked)
        heard = map(world.has_heard, world.tail.scope.tasks)
        # Of each task the line is wanted: that one which spoke lacks it is an answer.
        assert any(heard) if question.tasks == "all" else all(heard)
        return
    now = world.time.milliseconds
    needles = world.needles(question.text)
    assert len(set(ids(found))) == len(found)
    assert set(ids(found)) <= set(ids(visible(needles, now)))
    assert all(has(question.text, event.text) and event.text in event.message for event in found)
    per_task = Counter(event.task for event in found)
    if question.tasks == "all":
        assert all(per_task[task] >= question.count for task in world.tail.scope.tasks)
        return
    assert len(found) >= question.count
    complete = sorted(line.arrives for line in needles)[question.count - 1]
    is_steady = history.joins is None and not history.is_throttled
    is_in_time = complete <= asked + question.timeout * 1000 and all(line.delay <= LATEST for line in history.lines)
    if is_steady and is_in_time:
        pause = PACE.pause((now - asked) / 1000) * 1000
        assert now <= max(asked, complete) + pause + 2 * world.reader.longest * 1000


def is_enough(world: World, question: Question, asked: float) -> bool:
    """Return True if the lines that were visible when the wait should end were enough."""
    needles = visible(world.needles(question.text), asked + question.timeout * 1000)
    if question.tasks == "any":
        return len(needles) >= question.count
    per_task = Counter(line.task for line in needles)
    tasks = world.tail.scope.tasks
    return bool(tasks) and all(per_task[task] >= question.count for task in tasks)


def check_in(world: World, question: Question) -> None:
    """It holds if the line was visible in time, and fails only if each task has logs and none has the line."""
    asked = world.time.milliseconds
    is_cut = False
    try:
        is_in = question.text in world.tail
    except UnprovenError as error:
        is_in = None
        is_cut = is_unread(error)
    needles = world.needles(question.text)
    in_time = visible(needles, asked + world.log_wait * 1000)
    if in_time:
        assert is_in or (is_in is None and (world.history.is_throttled or is_cut))
    elif is_in:
        assert visible(needles, world.time.milliseconds)
    elif is_in is False:
        assert world.tail.scope.tasks
        assert all(map(world.has_heard, world.tail.scope.tasks))


def check_absent(world: World, question: Question) -> None:
    """An absence is claimed up to a moment up to which nothing was logged, and denied with the line that was."""
    asked = world.time.milliseconds
    try:
        absence = world.tail.absent(question.text, timeout=question.timeout)
    except UnprovenError as error:
        assert is_unread(error) or not is_provably_absent(world, question, asked)  # noqa: PT017
        return
    check_absence(world, question, absence, SINCE)
    if absence:
        assert absence.until
        check_watermark(world, question, absence.until)
        check_early(world, question, asked)


def is_unread(error: UnprovenError) -> bool:
    """Return True if pages took so long that the logs were not read to their end when the wait was over."""
    return "the rest was not read" in str(error)


def check_absence(world: World, question: Question, absence: Absence, since: datetime) -> None:
    """The events that refute an absence are there, and what is claimed to be absent was not visible."""
    needles = visible(world.needles(question.text, since), world.time.milliseconds)
    assert set(ids(absence.events)) <= set(ids(needles))
    assert bool(absence) is not bool(absence.events)


def check_watermark(world: World, question: Question, until: datetime, since: datetime = SINCE) -> None:
    """No needle was written before a moment, visible or not, and each new task has logged since."""
    assert until <= world.time.now() - timedelta(milliseconds=world.settle)
    assert not [line for line in world.needles(question.text, since) if line.written < moment(until)]
    assert world.tail.scope.tasks
    assert all(world.has_heard(task, until=until) for task in world.tail.scope.tasks)


def check_early(world: World, question: Question, asked: float) -> None:
    """An absence is known as soon as the first line of each task after the question has settled."""
    if is_changing(world.history) or question.timeout == 0:
        return
    times = [settled_after(world, task, asked) for task in world.tail.scope.tasks]
    ready = max([asked, *times])
    if ready <= asked + question.timeout * 1000:
        pause = PACE.longest * 1000
        assert world.time.milliseconds <= ready + BUCKET + pause + 5 * world.reader.longest * 1000


def settled_after(world: World, task: str, start: float) -> float:
    """The moment at which all that a task wrote up to a moment is known to be visible."""
    ready = [
        max(line.taken_in + world.settle, line.arrives, start + world.settle)
        for line in world.lines()
        if line.task == task and line.written >= start
    ]
    return min(ready, default=math.inf)


def is_changing(history: History) -> bool:
    """Return True if tasks come and go, or calls are throttled."""
    return history.is_throttled or history.joins is not None or history.leaves is not None


def is_provably_absent(world: World, question: Question, asked: float) -> bool:
    """Return True if each task had a settled line when the wait should end, and none logged the needle."""
    if is_changing(world.history):
        return False
    end = asked + question.timeout * 1000
    settled = {
        line.task
        for line in visible(world.lines(), end)
        if line.taken_in + BUCKET <= end - world.settle and 0 < line.written <= end - world.settle
    }
    return settled.issuperset(world.tail.scope.tasks) and not visible(
        world.needles(question.text), world.time.milliseconds
    )


def check_hold(world: World, question: Question) -> None:
    """A forbidden pattern is proven absent up to the moment that the answer names."""
    held = world.wait.hold(Expectation("forbid", (pattern(question.text),)), Window(), timeout=question.timeout)
    if held.reading.answer is LogAnswer.HOLDS:
        assert held.reading.until
        check_watermark(world, question, held.reading.until)
    elif held.reading.answer is LogAnswer.LOGGED:
        assert held.reading.events
        assert set(ids(held.reading.events)) <= set(ids(world.needles(question.text)))


def check_count(world: World, question: Question) -> None:
    """A number has in it each line of a task that was written before the moment up to which its events are known."""
    try:
        number = world.tail.count(question.text, timeout=question.timeout)
    except UnprovenError:
        return
    check_number(world, question, number, SINCE)
    assert all(map(world.has_heard, world.tail.scope.tasks))


def check_number(world: World, question: Question, number: int, since: datetime) -> None:
    """All lines are counted that were written before the moment up to which their streams are known, and none after."""
    known = {
        state.stream.task: moment(state.complete_until)
        for state in world.tail._record.sight.states
        if state.complete_until
    }
    needles = world.needles(question.text, since)
    assert number >= len([line for line in needles if line.written < known.get(line.task, -math.inf)])
    assert number <= len([line for line in needles if line.written <= known.get(line.task, -math.inf)])


def check_events(world: World, _: Question) -> None:
    """Each event is there once, in the order of time."""
    asked = world.time.milliseconds
    try:
        events = world.tail.events()
    except UnprovenError as error:
        assert world.history.is_throttled or not world.tail.scope.streams or is_unread(error)  # noqa: PT017
        return
    assert len(set(ids(events))) == len(events)
    assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)
    lines = world.lines()
    assert set(ids(visible(lines, asked))) <= set(ids(events)) <= set(ids(visible(lines, world.time.milliseconds)))


def check_captured(world: World, question: Question) -> None:
    """A line absent from a capture was not written from its start to its end; one that is in it, after its start."""
    with world.tail.capture() as captured:
        world.time.sleep(question.action)
    end = world.time.now()
    world.time.sleep(question.settling)
    asked = world.time.milliseconds
    try:
        absence = captured.absent(question.text, timeout=question.timeout)
    except UnprovenError as error:
        assert is_unread(error) or not is_provably_absent_from(world, question, (captured.since, end), asked)  # noqa: PT017
    else:
        check_absence(world, question, absence, captured.since)
        if absence:
            assert absence.until
            # The service tells times in milliseconds.
            assert absence.until >= end - timedelta(milliseconds=1)
            check_watermark(world, question, min(end, absence.until), captured.since)
    check_captured_count(world, question, captured, end)
    check_captured_events(world, captured)


def is_provably_absent_from(world: World, question: Question, window: tuple[datetime, datetime], asked: float) -> bool:
    """Return True if each task logged after the end of a capture, so that it settled, and none logged the needle."""
    if is_changing(world.history):
        return False
    since, until = window
    end = asked + question.timeout * 1000
    settled = {
        line.task
        for line in visible(world.lines(), end)
        if line.written >= moment(until) and line.taken_in + BUCKET <= end - world.settle
    }
    return (
        moment(until) <= end - world.settle
        and settled.issuperset(world.tail.scope.tasks)
        and not visible(world.needles(question.text, since), world.time.milliseconds)
    )


def check_captured_count(world: World, question: Question, captured: Captured, end: datetime) -> None:
    """The number of a capture's lines has all that were written up to its end."""
    try:
        number = captured.count(question.text, timeout=0)
    except UnprovenError:
        return
    assert number.until is not None
    assert number.until >= end - timedelta(milliseconds=1)
    check_number(world, question, number, world.tail._record.sight.scope.since)


def check_captured_events(world: World, captured: Captured) -> None:
    """Each event of a capture was written after its start, and is there once."""
    asked = world.time.milliseconds
    try:
        events = captured.events()
    except UnprovenError:
        return
    lines = world.lines(captured.since)
    assert len(set(ids(events))) == len(events)
    assert set(ids(visible(lines, asked))) <= set(ids(events)) <= set(ids(visible(lines, world.time.milliseconds)))


@promise(60)
@given(history=HISTORIES, question=questions("wait_for"), declared=DECLARED)
def test_no_line_that_is_there_is_missed(history: History, question: Question, declared: tuple[Pattern, ...]) -> None:
    """A line that is visible by the end of a wait is found, no later than a pause after it became so."""
    check(World(history, declared), question)


@promise(36)
@given(history=LATE_HISTORIES, question=questions("wait_for", "in", "events"), declared=DECLARED)
def test_a_line_that_is_very_late_is_found_by_the_last_poll(
    history: History, question: Question, declared: tuple[Pattern, ...]
) -> None:
    """However late a line becomes visible: before a wait ends, the whole window is read."""
    check(World(history, declared), question)


@promise(36)
@given(history=HISTORIES, question=questions("in"), declared=DECLARED)
def test_no_line_is_denied_that_was_logged_or_of_a_task_without_logs(
    history: History, question: Question, declared: tuple[Pattern, ...]
) -> None:
    """`in` is false only if each new task logged something, and none of them the line."""
    check(World(history, declared), question)


@promise(36)
@given(history=HISTORIES, question=questions("events", "count"))
def test_nothing_is_counted_twice(history: History, question: Question) -> None:
    """Events come once and in order, and a number is the true one up to where everything is known."""
    check(World(history), question)


@promise(36)
@given(history=STEADY_HISTORIES, question=questions("count"))
def test_a_count_is_exact_up_to_the_moment_it_tells(history: History, question: Question) -> None:
    """A number has in it all that was written up to its moment, what was not yet visible when it was asked included."""
    world = World(history)
    world.pass_time(question)
    try:
        number = world.tail.count(question.text, timeout=question.timeout)
    except UnprovenError:
        return
    assert number.until is not None
    assert number >= len([line for line in world.needles(question.text) if line.written < moment(number.until)])


@promise(60)
@given(history=HISTORIES, question=questions("absent", "hold"), declared=DECLARED)
def test_no_absence_is_claimed_beyond_what_is_known(
    history: History, question: Question, declared: tuple[Pattern, ...]
) -> None:
    """A line absent up to a moment was not logged before it, visibly or not; and if it can be known, it is reported."""
    check(World(history, declared), question)


@promise(36)
@given(history=INTERRUPTED_HISTORIES, question=questions("absent", "hold"), declared=DECLARED)
def test_no_absence_is_claimed_of_a_text_that_is_interrupted(
    history: History, question: Question, declared: tuple[Pattern, ...]
) -> None:
    """A text with characters that nobody sees passes the service's filter by, and is found among older lines too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_deploycheck.handles.logs.wait.RECENT", 1)
        check(World(history, declared), question)


@promise(36)
@given(history=HISTORIES, question=questions("captured"), declared=DECLARED)
def test_what_is_absent_from_a_capture_was_not_written_in_it(
    history: History, question: Question, declared: tuple[Pattern, ...]
) -> None:
    """An absence from a capture holds for all that was written from its start to its end."""
    check(World(history, declared), question)


@promise(25)
@given(history=MUTE_HISTORIES, question=questions("in", "absent", "hold", "count", "captured"))
def test_where_a_task_logs_nothing_nothing_is_denied(history: History, question: Question) -> None:
    """While a task has said nothing since the rollout, there is neither a no, nor an absence, nor a number."""
    world = World(history)
    world.pass_time(question)
    needles = world.needles(question.text)
    asks: tuple[Callable[[], object], ...] = (
        lambda: question.text in world.tail,
        lambda: not world.tail.absent(question.text, timeout=question.timeout),
        lambda: world.tail.count(question.text, timeout=question.timeout) < 0,
    )
    for ask in asks:
        try:
            assert ask()
        except UnprovenError:
            continue
        assert visible(needles, world.time.milliseconds)


@promise(15)
@given(history=BLOCKED_HISTORIES, question=questions(*QUESTIONS))
def test_where_every_call_is_throttled_nothing_is_known(history: History, question: Question) -> None:
    """Neither a no nor an absence is made of logs that could not be read."""
    world = World(replace(history, throttles=(True,)))
    world.pass_time(question)
    asks: tuple[Callable[[], object], ...] = (
        lambda: question.text in world.tail,
        lambda: world.tail.absent(question.text, timeout=question.timeout),
        lambda: world.tail.wait_for(question.text, timeout=question.timeout),
        lambda: world.tail.count(question.text, timeout=question.timeout),
        world.tail.events,
    )
    for ask in asks:
        with pytest.raises(UnprovenError):
            ask()


@promise(36)
@given(history=THROTTLED_HISTORIES, question=questions("wait_for", "in", "absent", "count"))
def test_throttles_that_pass_are_survived(history: History, question: Question) -> None:
    """Once calls work again, the same tail answers as if there had been no throttle."""
    world = World(history)
    check(world, question)
    world.time.sleep(max(0.0, history.throttled_until - world.time.milliseconds) / 1000)
    world.history = replace(history, throttled_until=0)
    check(world, question)


@promise(36)
@given(
    history=HISTORIES | THROTTLED_HISTORIES,
    asked=st.lists(questions(*QUESTIONS), min_size=2, max_size=3),
    declared=DECLARED,
)
def test_no_question_spoils_the_next(history: History, asked: list[Question], declared: tuple[Pattern, ...]) -> None:
    """Each answer is true whatever was asked before, of which the reader remembers what it read."""
    world = World(history, declared)
    for question in asked:
        check(world, question)


def test_a_plain_tail_loses_lines_of_the_same_histories() -> None:
    """A tail that goes on from the newest time it saw misses lines that this one finds."""
    lost: list[Line] = []

    @promise(110)
    @given(history=STEADY_HISTORIES)
    def compare(history: History) -> None:
        world = World(history)
        poll(world.time, lambda: world.reader.poll(world.tail.scope, (pattern("needle"),), is_over=lambda: False))
        needles = [line for line in world.needles("needle") if line.delay <= LATEST]
        assert set(ids(needles)) <= set(ids(world.tail.seen("needle")))
        time = SimulatedTime()
        plain = PlainTail(SimulatedLogs(history, time))
        poll(time, plain.look)
        lost.extend(line for line in needles if line.id not in plain.ids)

    compare()
    assert len(lost) > 10


def poll(time: SimulatedTime, look: Callable[[], object]) -> None:
    """Look now and then, until all that is ever said is visible."""
    while time.milliseconds < 7 * 60_000:
        look()
        time.sleep(10)
