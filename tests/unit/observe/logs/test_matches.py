from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from support.worlds import clock, event, stream

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.facts.log import OVERLAP
from pytest_deploycheck.observe.logs import matches as module
from pytest_deploycheck.observe.logs.matches import MatchesByPattern, PatternMatches

ONE, TWO = stream("one"), stream("two")
BEGAN = clock("11:00")


def minutes(number: float) -> timedelta:
    """A number of minutes."""
    return timedelta(minutes=number)


@pytest.fixture
def finds() -> PatternMatches:
    """Return the matches of a pattern: none yet."""
    return PatternMatches(Pattern("line").matcher())


def test_what_was_never_read_is_read_from_the_start(finds: PatternMatches) -> None:
    """The first poll reads the whole window."""
    assert finds.start_for(ONE, BEGAN) == BEGAN


def test_a_poll_reads_the_overlap_again(finds: PatternMatches) -> None:
    """Lines come late: the next poll reads from that long before the last one, and never before the window."""
    finds.cover([ONE], BEGAN, BEGAN + minutes(10))
    assert finds.start_for(ONE, BEGAN) == BEGAN + minutes(10) - OVERLAP
    finds.cover([TWO], BEGAN, BEGAN + minutes(1))
    assert finds.start_for(TWO, BEGAN) == BEGAN


def test_a_window_that_begins_earlier_is_read_from_its_own_start(finds: PatternMatches) -> None:
    """A capture proves nothing of the time before it."""
    finds.cover([ONE], BEGAN + minutes(10), BEGAN + minutes(20))
    assert finds.start_for(ONE, BEGAN) == BEGAN
    finds.cover([ONE], BEGAN, BEGAN + minutes(21))
    assert finds.start_for(ONE, BEGAN) == BEGAN + minutes(21) - OVERLAP


def test_a_gap_that_nobody_read_is_no_part_of_what_was_read(finds: PatternMatches) -> None:
    """Between an early question and a late capture nothing was read: a question after both begins at the gap."""
    finds.cover([ONE], BEGAN, BEGAN + minutes(1))
    finds.cover([ONE], BEGAN + minutes(10), BEGAN + minutes(11))
    assert finds.start_for(ONE, BEGAN) <= BEGAN + minutes(1)


def test_an_event_that_comes_twice_is_kept_once(finds: PatternMatches) -> None:
    """CloudWatch's id tells what was seen before."""
    for _ in range(2):
        finds.keep(ONE, event("line"))
    assert len(list(finds.events([ONE], BEGAN))) == 1
    assert not finds.is_cut


def test_events_are_those_of_the_streams_and_the_window(finds: PatternMatches) -> None:
    """Another stream's events and those from before the window are left out."""
    finds.keep(ONE, event("line", at="11:10"))
    finds.keep(ONE, event("line", at="10:50"))
    finds.keep(TWO, event("line", "two"))
    assert [one.task for one in finds.events([ONE], BEGAN)] == ["one"]


def test_what_was_complete_is_not_read_in_full_again(finds: PatternMatches) -> None:
    """A reading of all lines begins where the last one was complete, unless a part before it was never read."""
    assert finds.start_in_full(ONE, BEGAN) == BEGAN
    finds.cover_in_full(ONE, BEGAN, BEGAN + minutes(4))
    assert finds.start_in_full(ONE, BEGAN) == BEGAN + minutes(4)
    assert finds.start_in_full(ONE, BEGAN - minutes(1)) == BEGAN - minutes(1)
    assert finds.start_in_full(TWO, BEGAN) == BEGAN
    finds.cover_in_full(ONE, BEGAN + minutes(6), BEGAN + minutes(9))
    assert finds.start_in_full(ONE, BEGAN) == BEGAN + minutes(4)


@pytest.mark.parametrize("bound", ["MOST_EVENTS", "MOST_CHARACTERS"])
def test_memory_is_bounded(finds: PatternMatches, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """Beyond the bound events are left out, and that they are is known."""
    monkeypatch.setattr(module, bound, 8)
    for number in range(20):
        finds.keep(ONE, event(f"line{number}"))
    assert len(list(finds.events([ONE], BEGAN))) < 20
    assert finds.is_cut


def test_a_stream_of_which_nothing_is_kept_is_still_read(
    finds: PatternMatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One task that says a line ten thousand times does not hide that the other said it too."""
    monkeypatch.setattr(module, "MOST_EVENTS", 3)
    for number in range(5):
        finds.keep(ONE, event(f"line{number}"))
    assert not finds.is_done_with([ONE, TWO])
    finds.keep(TWO, event("line", "two"))
    assert {one.task for one in finds.events([ONE, TWO], BEGAN)} == {"one", "two"}
    assert finds.is_done_with([ONE, TWO])


def test_a_cut_line_that_grows_is_kept_as_a_whole(finds: PatternMatches) -> None:
    """Its pieces arrive in several events of one id: the longest text stays, whichever is read last."""
    for message in ("line ", "line of two pieces", "line "):
        finds.keep(ONE, replace(event("line"), message=message))
    assert [one.message for one in finds.events([ONE], BEGAN)] == ["line of two pieces"]
    assert (finds.number, finds.characters) == (1, len("line of two pieces"))


def test_what_was_asked_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound for all patterns the oldest question's lines go, and it is read from its start again."""
    monkeypatch.setattr(module, "MOST_KEPT", 16)
    matches = MatchesByPattern()
    first, second, last = (Pattern(text) for text in ("first", "second", "last"))
    for pattern in (first, second, last):
        matches.of(pattern).keep(ONE, event("12345678"))
        matches.of(pattern).cover([ONE], BEGAN, BEGAN + minutes(10))
    matches.forget([last])
    starts = [matches.start([pattern], [ONE], BEGAN) for pattern in (first, second, last)]
    assert starts == [BEGAN, BEGAN + minutes(10) - OVERLAP, BEGAN + minutes(10) - OVERLAP]


def test_what_is_asked_now_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even beyond the bound its lines stay, as they are about to be used."""
    monkeypatch.setattr(module, "MOST_KEPT", 4)
    matches, asked = MatchesByPattern(), Pattern("line")
    matches.of(asked).keep(ONE, event("12345678"))
    matches.forget([asked])
    assert len(list(matches.of(asked).events([ONE], BEGAN))) == 1
