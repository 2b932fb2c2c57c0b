"""Whole findings: the declared expectations.

Their texts and their evidence, as the JSON report has them, are in `__snapshots__`, to be read. After a change
`pytest tests/unit/report/findings --snapshot-update` writes them again, to be read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.worlds import (
    denied,
    event,
    scope,
    sight,
    stream,
)
from syrupy.assertion import SnapshotAssertion

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import UNREAD, LogSight
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.judge.analysis.logs.outcome import ExpectationOutcome
from pytest_deploycheck.judge.analysis.logs.reading import read
from pytest_deploycheck.judge.checks.logs import judge_expectation, log_check
from pytest_deploycheck.judge.finding import Finding

Case = Callable[[], Finding]
LINE, OLD_FORMAT = "Found 3 platform sections", "platform='linkedin'"
EXPECT = Expectation("expect", (Pattern(LINE),))
THRICE = Expectation("expect", (Pattern(LINE),), count=3)
EVERYWHERE = Expectation("expect", (Pattern(LINE),), tasks="all")
FORBID = Expectation("forbid", (Pattern(OLD_FORMAT),))
SEQUENCE = Expectation("sequence", (Pattern("Requested platforms"), Pattern(LINE)))
MERGED = Expectation("sequence", (Pattern("Requested platforms"), Pattern(LINE)), within="service")
TWO = scope("one", "two")
HELLO = (event("hello", "one"), event("hello", "two"))


def expectation(wanted: Expectation, seen: LogSight, *, cut_short: bool = False, **more: Any) -> Finding:
    """Return the finding on an expectation when the wait of a minute is over."""
    reading = read(wanted, seen, until=None if cut_short else seen.read_at, floor=seen.scope.rolled_out_at)
    outcome = ExpectationOutcome(
        wanted, reading, seen, 60, more.get("elsewhere", ()), more.get("stands_in", ()), cut_short=cut_short
    )
    return judge_expectation(log_check(1, wanted), outcome)


LOGS: Mapping[str, Case] = {
    "logged": lambda: expectation(EXPECT, sight(TWO, event(LINE), event(LINE, "two", at="11:11"))),
    "logged by all": lambda: expectation(EVERYWHERE, sight(TWO, event(LINE), event(LINE, "two"))),
    "missing": lambda: expectation(EXPECT, sight(TWO, *HELLO)),
    "missing in one": lambda: expectation(EVERYWHERE, sight(TWO, event(LINE), event("hello", "two"))),
    "missing, and in the source": lambda: expectation(EXPECT, sight(TWO, *HELLO), stands_in=("app/ws.py:107",)),
    "missing, and a near miss": lambda: expectation(EXPECT, sight(TWO, event("Found 2 platform sections"), *HELLO)),
    "missing, and logged by old tasks": lambda: expectation(
        EXPECT, sight(TWO, *HELLO), elsewhere=(event(LINE, "old"),)
    ),
    "missing, from a driver that drops": lambda: expectation(
        EXPECT, sight(scope("one", streams=(stream("one", may_drop=True),)), event("hello"))
    ),
    "missing, and throttled": lambda: expectation(EXPECT, sight(TWO, *HELLO, notes=("CloudWatch throttled 7 calls",))),
    "too few": lambda: expectation(THRICE, sight(TWO, event(LINE), event(LINE, "two"))),
    "cut": lambda: expectation(THRICE, sight(TWO, event(LINE), event("hello", "two"), is_cut=True)),
    "cut short": lambda: expectation(EXPECT, sight(TWO, *HELLO), cut_short=True),
    "no events": lambda: expectation(EXPECT, sight(TWO)),
    "no events of one": lambda: expectation(EXPECT, sight(TWO, event("hello"))),
    "nothing to read": lambda: expectation(
        EXPECT, sight(scope("one", streams=(), blind=("container 'app' logs through awsfirelens, not awslogs",)))
    ),
    "unread": lambda: expectation(
        EXPECT, sight(TWO, *HELLO, problems=[Problem("logs:FilterLogEvents", UNREAD, "read up to 11:10", "")])
    ),
    "denied": lambda: expectation(EXPECT, sight(TWO, *HELLO, problems=[denied("logs:FilterLogEvents")])),
    "absent": lambda: expectation(FORBID, sight(TWO, *HELLO, read_at="11:10:30")),
    "absent up to an earlier moment": lambda: expectation(
        FORBID, sight(TWO, *HELLO, event("hello", "two", at="11:19:30"), read_at="11:20")
    ),
    "forbidden": lambda: expectation(FORBID, sight(TWO, *HELLO, event(OLD_FORMAT))),
    "not known to be absent": lambda: expectation(
        FORBID, sight(TWO, *(event("hello", name, at="11:10:50") for name in ("one", "two")), read_at="11:11")
    ),
    "absent, without events": lambda: expectation(FORBID, sight(TWO)),
    "in order": lambda: expectation(
        SEQUENCE, sight(TWO, event("Requested platforms"), event(LINE, at="11:11"), event("hello", "two"))
    ),
    "in the wrong order": lambda: expectation(
        SEQUENCE, sight(TWO, event(LINE), event("Requested platforms", at="11:11"), event("hello", "two"))
    ),
    "in order over tasks": lambda: expectation(
        MERGED, sight(TWO, event("Requested platforms"), event(LINE, "two", at="11:11"))
    ),
}

CASES = LOGS


@pytest.mark.parametrize("name", list(CASES))
def test_findings(name: str, whole: SnapshotAssertion) -> None:
    """A finding has the texts that were read and found good, and the evidence that reports rely on."""
    assert CASES[name]() == whole
