"""The readings of the logs on one console."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from support.worlds import NOW

from pytest_deploycheck.judge.analysis.logs.evidence import LogEvidence, LogLine, NearLine, StreamName
from pytest_deploycheck.report.logs import account_of, reading
from pytest_deploycheck.report.shown_readings import ShownReadings

READ = LogEvidence(
    since=NOW,
    tasks={"one": 2, "two": 1},
    streams=(StreamName("one", "/ecs/shop", "us-east-1", "ecs/app/one"),),
    recent=3,
    is_recent_all=True,
    last_lines=tuple(LogLine(NOW, "one", text) for text in ("started", "serving", "GET /health")),
)
LATER = replace(
    READ,
    tasks={"one": 3, "two": 1},
    recent=4,
    last_lines=(*READ.last_lines[1:], LogLine(NOW, "one", "GET /cart")),
)


REFERENCE = ["read: as for logs-1 above"]


def told(shown: ShownReadings, check: str, evidence: LogEvidence = READ, **changed: Any) -> list[str]:
    """Return the lines that a console shows of a reading of one service."""
    return shown.lines(replace(evidence, **changed), service="backend", check=check)


@pytest.fixture
def shown() -> ShownReadings:
    """Return what a console has shown when the first failure has all that was read."""
    shown = ShownReadings()
    assert told(shown, "logs-1") == reading(READ)
    return shown


def test_a_reading_is_shown_once(shown: ShownReadings) -> None:
    """The first failure has it in full, and each of the others names the first in a sentence."""
    assert told(shown, "logs-2") == told(shown, "logs-3") == REFERENCE


def test_lines_that_were_logged_since_then_are_shown(shown: ShownReadings) -> None:
    """A later reading of the same streams has more events: only the lines that the console does not have are added."""
    *lines, last = told(shown, "logs-2", LATER)
    assert lines == [*REFERENCE, "last lines seen:"]
    assert last.endswith("GET /cart")
    assert told(shown, "logs-3", LATER) == REFERENCE


@pytest.mark.parametrize(
    "changed",
    [
        {"since": NOW.replace(minute=1)},
        {"tasks": {"one": 2}},
        {"streams": ()},
        {"replaced": ("gone",)},
        {"blind": ("the log driver of 'app' is splunk",)},
        {"problems": ("denied",)},
        {"notes": ("late",)},
    ],
)
def test_another_reading_is_shown_in_full(shown: ShownReadings, changed: dict[str, Any]) -> None:
    """It is where anything else was read: another window, task or stream, or a part of it that was unread."""
    assert told(shown, "logs-2", **changed) == reading(replace(READ, **changed))
    assert told(shown, "logs-3") == REFERENCE


def test_each_service_has_its_own_reading(shown: ShownReadings) -> None:
    """The same words about another service are no reason to refer to this one."""
    assert shown.lines(READ, service="worker", check="logs-1") == reading(READ)


def test_what_stands_around_a_reading_stays(shown: ShownReadings) -> None:
    """The nearest line before it, and what other tasks logged after it, belong to the one failure."""
    near = NearLine(READ.last_lines[0], "Started", "started", ("- Started", "+ started"), 1)
    evidence = replace(READ, near_misses=(near,), elsewhere=(LogLine(NOW, "old", "started"),))
    account = account_of(evidence, partial(shown.lines, service="backend", check="logs-2"))
    before, _, after = account.partition(f"\n{REFERENCE[0]}\n")
    assert before.endswith("  - Started\n  + started")
    assert after.startswith("logged by tasks that run something else")
    assert after.endswith("old started")


def test_the_last_lines_stay_where_that_is_asked() -> None:
    """So many of them are shown with each failure, and more where more are new."""
    shown = ShownReadings(fewest=2)
    told(shown, "logs-1")
    lines = told(shown, "logs-2")
    assert lines[:2] == [*REFERENCE, "last lines seen:"]
    assert [line.rpartition(" one ")[2] for line in lines[2:]] == ["serving", "GET /health"]
    new = tuple(LogLine(NOW, "one", str(number)) for number in range(5))
    assert len(told(shown, "logs-3", last_lines=new)) == 2 + 5


def test_where_no_line_was_seen_there_are_none_to_show() -> None:
    """The reference is all there is to say again."""
    shown = ShownReadings(fewest=3)
    assert told(shown, "logs-1", last_lines=())[-1] == "(no line was seen)"
    assert told(shown, "logs-2", last_lines=()) == REFERENCE
