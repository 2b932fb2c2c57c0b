"""The raw lines of a log group whose pages never end."""

from __future__ import annotations

import itertools
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.log_fakes import START, FakeClock
from support.worlds import scope

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.facts.log import UNREAD
from pytest_deploycheck.observe.logs.collector import Collector
from pytest_deploycheck.observe.logs.filtered_lines import FilteredLines
from pytest_deploycheck.observe.logs.queried_lines import QueriedLines

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

    from pytest_deploycheck.facts.snapshot import Problem

STREAMS = scope("one").streams


class Endless:
    """CloudWatch Logs that gives a new token with each page, and nothing else."""

    meta = SimpleNamespace(
        service_model=SimpleNamespace(service_name="logs"),
        method_to_api_mapping={"filter_log_events": "FilterLogEvents"},
    )

    def __init__(self, clock: FakeClock, *, takes: float) -> None:
        self.clock = clock
        self.takes = takes
        self.pages = itertools.count(1)
        self.calls = 0

    def filter_log_events(self, **_: object) -> dict[str, Any]:
        """Return a page without events."""
        self.clock.seconds += self.takes
        self.calls += 1
        return {"events": [], "nextToken": f"token-{next(self.pages)}"}


def read(endless: Endless, *, seconds: float) -> Problem | None:
    """Poll once, with so much time for reading."""
    client = cast("CloudWatchLogsClient", endless)
    ends = endless.clock.seconds + seconds
    lines, queried = FilteredLines(client, "/ecs/shop"), QueriedLines(client, "/ecs/shop", lambda: START)
    collector = Collector(lines, queried, "us-east-1", "/ecs/shop", lambda: START)
    return collector.poll(
        STREAMS, START - timedelta(minutes=5), [Pattern("ready")], is_over=lambda: endless.clock.seconds > ends
    )


def test_pages_of_nothing_end_with_the_time_and_one_page_more() -> None:
    """The problem names the group, and says that the rest was not read."""
    endless = Endless(FakeClock(), takes=0.2)
    problem = read(endless, seconds=2)
    assert problem is not None
    assert endless.clock.seconds == pytest.approx(1002, abs=0.5)
    assert problem.code == UNREAD
    assert "/ecs/shop had been read without finding an event; the rest was not read" in problem.message
    assert "--deploy-log-wait" in problem.remedy


def test_hundreds_of_pages_of_nothing_are_an_error_of_the_service() -> None:
    """A longer wait would not help, so the problem names the operation."""
    endless = Endless(FakeClock(), takes=0.01)
    problem = read(endless, seconds=3)
    assert problem is not None
    assert problem.code == "IncompleteAnswerError"
    assert "logs:FilterLogEvents" in problem.message
    assert endless.clock.seconds == pytest.approx(1003, abs=0.1)


def test_no_page_is_asked_for_when_the_time_is_over() -> None:
    """A reading after a wait has the same limit as the wait's own."""
    endless = Endless(FakeClock(), takes=0.2)
    problem = read(endless, seconds=-1)
    assert problem is not None
    assert problem.code == UNREAD
    assert endless.calls == 0
