"""The raw lines of a log group as queries of Logs Insights return them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.log_fakes import START
from support.worlds import stream

from pytest_deploycheck.facts.log import LogStream
from pytest_deploycheck.observe.logs import queried_lines
from pytest_deploycheck.observe.logs.events import milliseconds
from pytest_deploycheck.observe.logs.filtered_lines import PageRequest, UnreadError
from pytest_deploycheck.observe.logs.queried_lines import QueriedLines

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

APP = stream()
BEGAN = START - timedelta(minutes=5)


class Insights:
    """Logs Insights over some lines, which counts seconds and returns no more rows than it is asked for.

    Attributes:
        lines: The time, the stream and the text of each line, in the order of the times.
        status: How queries end.
    """

    def __init__(self, *lines: tuple[datetime, str, str], status: str = "Complete") -> None:
        self.lines = lines
        self.status = status
        self._rows: list[list[dict[str, str]]] = []

    def start_query(self, *, startTime: int, queryString: str, **_: Any) -> dict[str, Any]:  # noqa: N803  # as in boto3
        """Find the rows."""
        limit = re.search(r"limit (\d+)", queryString)
        assert limit
        self._rows = [
            [
                {"field": "@timestamp", "value": f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3]},
                {"field": "@logStream", "value": name},
                {"field": "@message", "value": text},
            ]
            for at, name, text in self.lines
            if at.timestamp() >= startTime
        ][: int(limit[1])]
        return {"queryId": "1"}

    def get_query_results(self, **_: Any) -> dict[str, Any]:
        """Return them."""
        return {"status": self.status, "results": self._rows}


def reading(insights: Insights) -> QueriedLines:
    """Return the reader of the group."""
    return QueriedLines(cast("CloudWatchLogsClient", insights), "/ecs/shop", lambda: START)


def read(lines: QueriedLines, of: LogStream = APP, *, is_over: bool = False) -> list[str]:
    """Return the texts of the lines of a stream."""
    request = PageRequest(milliseconds(BEGAN))
    return [line["message"] for _, line in lines.read([of], request, lambda: is_over)]


MANY = tuple((BEGAN + timedelta(milliseconds=300 * (number // 2)), APP.name, f"line {number}") for number in range(15))
"""More lines than a query returns in these tests, two of them at a time, several times in a second."""


def test_more_lines_than_a_query_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further queries go on at the time of the last line: each line comes once and in its order, none is missed."""
    monkeypatch.setattr(queried_lines, "_MOST_ROWS", 10)
    lines = reading(Insights(*MANY))
    assert read(lines) == [text for _, _, text in MANY]
    assert lines.queries > 1


@pytest.mark.parametrize("bound", ["time", "rows"])
def test_lines_that_are_too_many_are_unread(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """The time is over, or more rows came than should be read: the reading says up to where it came."""
    monkeypatch.setattr(queried_lines, "_MOST_ROWS", 10)
    if bound == "rows":
        monkeypatch.setattr(queried_lines, "_MOST_IN_ALL", 10)
    with pytest.raises(UnreadError) as unread:
        read(reading(Insights(*MANY)), is_over=bound == "time")
    assert unread.value.last == milliseconds(MANY[9][0])


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout", "Unknown"])
def test_a_query_that_does_not_come_to_its_end(status: str) -> None:
    """Its rows may not be all there are: the log is unread, and no line of it is returned."""
    with pytest.raises(UnreadError) as unread:
        read(reading(Insights(*MANY, status=status)))
    assert unread.value.last is None


def test_a_stream_whose_name_only_contains_that_of_another() -> None:
    """A query finds streams by a part of their names; the lines of another container's stream are left out."""
    part = LogStream(
        *("one", "app", "us-east-1", "/ecs/shop", "app-firelens-one"),
        is_part=True,
        own="app-firelens-",
        others=("my-app-firelens-",),
    )
    insights = Insights((BEGAN, "my-app-firelens-one", "of the other"), (BEGAN, "app-firelens-one", "its own"))
    assert read(reading(insights), part) == ["its own"]
