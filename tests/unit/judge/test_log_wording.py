"""The answers of the logs in a few words."""

from __future__ import annotations

import pytest
from support.worlds import denied, event, scope, sight

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import LogSight
from pytest_deploycheck.judge.analysis.logs.reading import read
from pytest_deploycheck.judge.log_wording import answer_in_short

TWO = scope("one", "two")
READY = Pattern("ready")
DENIED = denied("logs:FilterLogEvents")


@pytest.mark.parametrize(
    ("expectation", "seen", "answer"),
    [
        (Expectation("expect", (READY,)), sight(scope()), "no task runs the expected image, so its logs"),
        (Expectation("expect", (READY,)), sight(TWO), "the 2 new tasks have no log events, so the answer is not known"),
        (
            Expectation("forbid", (READY,)),
            sight(TWO, event("hello")),
            "1 new task has no log events (two), so the answer is not known",
        ),
        (Expectation("expect", (READY,)), sight(TWO, event("ready")), "it holds"),
        (Expectation("expect", (READY,), count=2), sight(TWO, event("ready"), event("hello", "two")), "logged 1 of 2"),
        (Expectation("forbid", (READY,)), sight(TWO, event("ready")), "it was logged"),
        (Expectation("expect", (READY,)), sight(TWO, problems=[DENIED]), f"{DENIED.message} {DENIED.remedy}"),
    ],
)
def test_an_answer_says_what_is_known_and_what_is_not(expectation: Expectation, seen: LogSight, answer: str) -> None:
    """The failure of a test tells if a line is missing, or why that is not known."""
    assert answer_in_short(expectation, read(expectation, seen), seen).startswith(answer)
