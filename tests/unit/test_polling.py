from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.log_fakes import FakeClock

from pytest_deploycheck.polling import PATIENT, Overtime, Pace, SystemClock, wait


def looking(clock: FakeClock, *, takes: float = 0.0) -> tuple[Callable[[], float], list[float]]:
    """Return a poll that returns the time at which it began, and the list of these times."""
    looks: list[float] = []

    def look() -> float:
        looks.append(clock.seconds)
        clock.seconds += takes
        return looks[-1]

    return look, looks


def test_what_is_settled_is_not_waited_for() -> None:
    """A final observation ends the wait at the first poll."""
    clock = FakeClock(0.0)
    waited = wait(lambda: "done", lambda _: True, timeout=300, clock=clock)
    assert (waited.last, waited.settled, waited.elapsed) == ("done", True, 0)
    assert clock.naps == []


def test_a_wait_ends_with_what_it_waited_for() -> None:
    """The wait ends at the first observation that is final, at most one pause after it became so."""
    clock = FakeClock(0.0)
    look, looks = looking(clock)
    waited = wait(look, lambda seen: seen >= 30, timeout=300, clock=clock)
    assert waited.settled
    assert waited.last == looks[-1]
    assert 30 <= waited.elapsed <= 30 + PATIENT.longest


def test_a_wait_that_times_out_keeps_the_last_observation() -> None:
    """The last observation is kept for the message when the time is over, and marked as not final."""
    clock = FakeClock(0.0)
    look, looks = looking(clock)
    waited = wait(look, lambda _: False, timeout=300, clock=clock)
    assert not waited.settled
    assert waited.last == looks[-1]
    assert waited.elapsed == pytest.approx(300)


def test_the_last_poll_is_at_the_deadline() -> None:
    """A change in the last pause counts: there is a poll at the deadline, and none after."""
    clock = FakeClock(0.0)
    look, looks = looking(clock)
    wait(look, lambda _: False, timeout=7, clock=clock)
    assert looks[-1] == pytest.approx(7)
    other = FakeClock(0.0)
    look, _ = looking(other)
    assert wait(look, lambda seen: seen >= 7, timeout=7, clock=other).settled


def test_a_wait_of_nothing_polls_once() -> None:
    """A timeout of 0 polls once and does not sleep."""
    clock = FakeClock(0.0)
    look, looks = looking(clock)
    waited = wait(look, lambda _: False, timeout=0, clock=clock)
    assert len(looks) == 1
    assert clock.naps == []
    assert not waited.settled


def test_pauses_grow_and_stay_bounded() -> None:
    """Looks are close together at first and further apart later, never further than the longest pause."""
    clock = FakeClock(0.0)
    look, looks = looking(clock)
    wait(look, lambda _: False, timeout=120, clock=clock, pace=Pace(0.2, 3, 0.5))
    assert clock.naps[0] == pytest.approx(0.2)
    assert max(clock.naps) == pytest.approx(3)
    assert clock.naps[:-1] == sorted(clock.naps[:-1])
    assert len(looks) == len(clock.naps) + 1


def test_a_slow_poll_does_not_lengthen_the_wait_for_ever() -> None:
    """A poll that takes longer than is left ends the wait with at most one more poll."""
    clock = FakeClock(0.0)
    look, looks = looking(clock, takes=50)
    waited = wait(look, lambda _: False, timeout=60, clock=clock)
    assert not waited.settled
    assert len(looks) <= 3
    assert waited.elapsed == clock.seconds


def test_a_poll_that_began_too_early_is_followed_by_one_at_the_deadline() -> None:
    """A poll that began before the deadline and ended after it may have missed the end: there is one more."""
    clock = FakeClock(0.0)
    look, looks = looking(clock, takes=10)
    waited = wait(look, lambda seen: seen >= 5, timeout=5, clock=clock)
    assert waited.settled
    assert len(looks) == 2


def test_an_error_of_the_poll_comes_through() -> None:
    """The loop swallows nothing: an error of a poll ends the wait."""

    def look() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        wait(look, lambda _: True, timeout=5, clock=FakeClock(0.0))


@given(timeout=st.floats(0, 2_000), longest=st.floats(1, 60), takes=st.floats(0, 20))
def test_every_wait_ends(timeout: float, longest: float, takes: float) -> None:
    """Whatever the timeout and however slow the looks: it ends, looks at least once, and never sleeps past the end."""
    clock = FakeClock(0.0)
    look, looks = looking(clock, takes=takes)
    waited = wait(look, lambda _: False, timeout=timeout, clock=clock, pace=Pace(min(0.2, longest), longest, 0.5))
    assert looks
    assert looks[-1] >= timeout or looks[-1] == pytest.approx(timeout)
    assert waited.elapsed <= timeout + 2 * takes + 1e-3
    assert all(nap <= longest for nap in clock.naps)


@given(st.floats(0, 200))
def test_a_wait_never_misses_what_was_in_time(arrives: float) -> None:
    """Whatever comes before the deadline is seen, and seen within a pause."""
    clock = FakeClock(0.0)
    look, _ = looking(clock)
    waited = wait(look, lambda seen: seen >= arrives, timeout=200, clock=clock)
    assert waited.settled
    assert waited.elapsed <= arrives + PATIENT.longest


def test_what_calls_for_a_poll_makes_the_polls_quick_again() -> None:
    """A rest that is broken off leads to a look at once, and to quick looks after it."""
    clock = FakeClock(0.0)
    look, looks = looking(clock)
    pauses: list[float] = []

    def rest(seconds: float) -> bool:
        pauses.append(seconds)
        is_called = 50 <= clock.seconds < 51
        clock.sleep(0.5 if is_called else seconds)
        return is_called

    wait(look, lambda _: False, timeout=100, clock=clock, pace=Pace(0.2, 5, 0.5), rest=rest)
    called = next(index for index, at in enumerate(looks) if at >= 50)
    assert looks[called + 1] - looks[called] == pytest.approx(0.5)
    assert pauses[called + 1] == pytest.approx(0.2)


def test_the_systems_clock_never_goes_back() -> None:
    """The clock of real waits is monotonic, and sleeping for nothing returns."""
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0)
    assert clock.monotonic() >= before


def test_the_overtime_is_used_up_by_all_steps_together() -> None:
    """A step may outlast its wait by what the steps before it left, so that the sum of them is bounded."""
    clock = FakeClock(0.0)
    overtime = Overtime(clock, 20)
    with overtime.step(wait=5):
        assert overtime.time_left() == 25
        clock.seconds += 17
        assert overtime.time_left() == 8
    with overtime.step(wait=5):
        clock.seconds += 3
    with overtime.step():
        assert overtime.time_left() == 8
        clock.seconds += 30
    with overtime.step(wait=5):
        assert overtime.time_left() == 5


def test_no_time_is_counted_outside_of_steps() -> None:
    """The tests of a project use up nothing between the checks, and are not limited."""
    clock = FakeClock(0.0)
    overtime = Overtime(clock, 20)
    assert overtime.time_left() == float("inf")
    clock.seconds += 1000
    with overtime.step():
        assert overtime.time_left() == 20


def test_a_step_within_a_step_is_a_part_of_it() -> None:
    """The time of a download within an observation is counted once."""
    clock = FakeClock(0.0)
    overtime = Overtime(clock, 20)
    with overtime.step(wait=10):
        with overtime.step() as inner:
            clock.seconds += 15
            inner.wait = 100
        assert overtime.time_left() == 15
    with overtime.step():
        assert overtime.time_left() == 15


def test_an_explanation_takes_half_of_the_time_left_at_most() -> None:
    """Readings that only explain an answer leave time for the answers of later checks."""
    clock = FakeClock(0.0)
    overtime = Overtime(clock, 20)
    with overtime.step():
        with overtime.explanation() as is_over:
            assert overtime.time_left() == 10
            clock.seconds += 12
            assert is_over()
        assert overtime.time_left() == 8
