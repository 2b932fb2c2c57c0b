from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from support.log_fakes import START, logs

from pytest_deploycheck.errors import UnprovenError
from unit.handles.logs.test_tail import HELLO, LINE, at, long_ago


def test_a_capture_has_only_what_comes_after_its_start() -> None:
    """Lines from before the block are not in it; lines that the block triggers are."""
    world = logs(*HELLO, long_ago(), at(7, "triggered"))
    world.clock.sleep(5)
    with world.tail.capture() as captured:
        assert "triggered" in captured
    assert LINE in world.tail
    assert LINE not in captured
    assert [one.message for one in captured.events()] == ["triggered"]


def test_a_capture_answers_after_its_block() -> None:
    """The effects of the action may come after the action."""
    world = logs(*HELLO, at(20, "done"))
    with world.tail.capture() as captured:
        pass
    assert captured.wait_for("done")[0].task == "one"
    assert 20 <= world.waited <= 21


def test_captures_nest() -> None:
    """The inner one has less: each begins where its block does."""
    world = logs(*HELLO, at(1, "first"), at(11, "second"))
    with world.tail.capture() as outer:
        world.clock.sleep(10)
        with world.tail.capture() as inner:
            assert "second" in inner
    assert "first" in outer
    assert [one.message for one in inner.events()] == ["second"]


def test_captures_in_threads_do_not_disturb_each_other() -> None:
    """Each thread's capture has its own start."""
    world = logs(*HELLO, *(at(second + 0.5, f"line {second}") for second in range(9)))
    seen: dict[int, list[str]] = {}
    lock = threading.Lock()

    def capture(second: int) -> None:
        with lock, world.tail.capture() as captured:
            world.clock.sleep(1)
            seen[second] = [one.message for one in captured.events()]

    threads = [threading.Thread(target=capture, args=(second,)) for second in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line for lines in seen.values() for line in lines) == [f"line {second}" for second in range(4)]


def test_one_task_that_logs_is_enough_in_a_capture() -> None:
    """A request goes to one task: the other one logged nothing meanwhile, but has logs from before."""
    world = logs(*HELLO, at(1, "handled"))
    with world.tail.capture() as captured:
        world.clock.sleep(2)
    assert "never" not in captured


def test_a_capture_in_which_nothing_was_read_is_no_answer() -> None:
    """The action may have gone nowhere, or its lines are still on their way."""
    world = logs(*HELLO)
    with world.tail.capture() as captured:
        pass
    with pytest.raises(UnprovenError, match="no log events"):
        assert "never" not in captured


def test_an_absence_in_a_capture_needs_settled_events() -> None:
    """Once an event after the block has settled in each stream, it is known that nothing was logged up to its end."""
    lines = (*HELLO, at(1, "handled"), at(90, "alive"), at(95, "alive", "two"))
    world = logs(*lines)
    with world.tail.capture() as captured:
        world.clock.sleep(3)
    with pytest.raises(UnprovenError, match="at least 20 s ago"):
        captured.absent("ERROR")
    absence = captured.absent("ERROR", timeout=150)
    assert absence
    assert absence.until is not None
    assert absence.until >= START + timedelta(seconds=3)


def test_an_absence_in_a_capture_needs_each_task_to_log_after_it() -> None:
    """A task that says nothing after the block may still have something to say of it."""
    world = logs(*HELLO, at(1, "handled"), at(90, "alive"))
    with world.tail.capture() as captured:
        world.clock.sleep(3)
    with pytest.raises(UnprovenError):
        captured.absent("ERROR", timeout=300)


def test_what_was_logged_in_a_capture_is_not_absent() -> None:
    """A line that is there needs no waiting."""
    world = logs(*HELLO, at(1, "ERROR: no"))
    with world.tail.capture() as captured:
        world.clock.sleep(2)
    assert not captured.absent("ERROR")


def test_questions_of_a_capture_are_questions_of_its_tail() -> None:
    """A test that asks a capture has asked the logs."""
    world = logs(*HELLO, at(1, "handled"))
    with world.tail.capture() as captured:
        captured.wait_for(re.compile("hand(led)"))
    assert (world.tail.questions, world.tail.answers) == (1, 1)
