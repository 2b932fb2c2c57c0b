"""One log group with many lines: no more of them are read than a question needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from support.log_fakes import START
from support.worlds import stream

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.facts.log import LogStream
from pytest_deploycheck.observe.logs import group_events, matches
from pytest_deploycheck.observe.logs.collector import Collector
from pytest_deploycheck.observe.logs.events import milliseconds
from pytest_deploycheck.observe.logs.filtered_lines import IsOver, Line, PageRequest
from pytest_deploycheck.observe.logs.queried_lines import QueriedLines

ONE, TWO, THREE = stream("one"), stream("two"), stream("three")
SINCE = START - timedelta(minutes=5)
TICK = timedelta(milliseconds=100)
LINE = Pattern("line")


class Written:
    """Lines of a group, which counts those that were read.

    Attributes:
        lines: The lines of each stream, by their times.
        count: The lines that were read.
    """

    def __init__(self, **texts: Sequence[tuple[datetime, str]]) -> None:
        self.lines = texts
        self.count = 0

    def read(self, streams: Sequence[LogStream], request: PageRequest, _: IsOver) -> Iterator[Line]:
        """The lines of some streams, one stream after the other."""
        for each in streams:
            for at, text in self.lines.get(each.task, ()):
                time = milliseconds(at)
                if request.start <= time and (request.end is None or time <= request.end):
                    self.count += 1
                    yield each, self._line(each, time, text)

    @staticmethod
    def _line(of: LogStream, time: int, text: str) -> dict[str, Any]:
        times = {"timestamp": time, "ingestionTime": time}
        return {"eventId": f"{of.task}/{time}/{text}", "logStreamName": of.name, "message": text, **times}


def collector(written: Written) -> Collector:
    """Return the collector of the group."""
    queried = QueriedLines(cast("Any", None), "/ecs/shop", lambda: START)
    return Collector(written, queried, "us-east-1", "/ecs/shop", lambda: START)


def in_time(count: int, *, until: datetime = START) -> list[tuple[datetime, str]]:
    """Return so many lines, each a tenth of a second after the one before."""
    return [(until - TICK * (count - number), f"line {number}") for number in range(count)]


def never() -> bool:
    """Return False: there is time enough."""
    return False


def test_the_last_lines_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a step with more lines than should be kept the later half is read, and the last lines are the last."""
    monkeypatch.setattr(group_events, "_MOST_RECENT", 8)
    written = Written(one=in_time(96))
    recent, problem = collector(written).recent([ONE], SINCE, 3, [], is_over=never)
    assert problem is None
    assert [one.message for one in recent.events] == ["line 93", "line 94", "line 95"]
    assert not recent.is_all
    assert written.count < 60


def test_a_reading_that_has_enough_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that two lines answer reads a page of a large log; the next one, for all, reads the rest."""
    monkeypatch.setattr(group_events, "_ENOUGH_READ", 10)
    written = Written(one=in_time(100))
    collects = collector(written)
    assert collects.poll([ONE], SINCE, [LINE], is_over=never, enough=2) is None
    assert 2 <= len(collects.found([ONE], SINCE, LINE)[0]) <= written.count <= 12
    assert collects.poll([ONE], SINCE, [LINE], is_over=never) is None
    assert len(collects.found([ONE], SINCE, LINE)[0]) == 100


def test_a_reading_ends_where_nothing_more_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stream has a line that is kept and there is no room for others: the rest would change nothing."""
    monkeypatch.setattr(group_events, "_SAMPLE", 10)
    monkeypatch.setattr(matches, "MOST_EVENTS", 4)
    written = Written(one=in_time(100))
    collects = collector(written)
    assert collects.poll([ONE], SINCE, [LINE], is_over=never) is None
    events, is_cut = collects.found([ONE], SINCE, LINE)
    assert (len(events), is_cut) == (4, True)
    assert written.count < 20


def test_a_talkative_stream_does_not_hide_whether_others_have_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample is full of one stream's lines: the others are asked for one by one, and a silent one stays silent."""
    monkeypatch.setattr(group_events, "_SAMPLE", 10)
    written = Written(one=in_time(100), three=in_time(100))
    collects = collector(written)
    assert collects.sample([ONE, TWO, THREE], SINCE, is_over=never) is None
    assert [collects.state(each, SINCE, START) is not None for each in (ONE, TWO, THREE)] == [True, False, True]
    assert written.count <= 12
