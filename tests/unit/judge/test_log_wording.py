"""The sentences about logs."""

from __future__ import annotations

import pytest
from support.worlds import ROLLOUT, clock, denied, event, scope, sight

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.log import LogSight
from pytest_deploycheck.judge.analysis.logs.evidence import log_line
from pytest_deploycheck.judge.analysis.logs.outcome import ExpectationOutcome
from pytest_deploycheck.judge.analysis.logs.reading import read
from pytest_deploycheck.judge.log_wording import answer_in_short, failed_sentence, held_sentence

ONE, TWO, THREE = scope("one"), scope("one", "two"), scope("one", "two", "three")
READY = Pattern("ready")
FORBID = Expectation("forbid", (READY,))
DENIED = denied("logs:FilterLogEvents")


@pytest.mark.parametrize(
    ("expectation", "seen", "answer"),
    [
        (Expectation("expect", (READY,)), sight(scope()), "no task runs the expected image, so its logs"),
        (Expectation("expect", (READY,)), sight(TWO), "the 2 new tasks have no log events, so the answer is not known"),
        (
            FORBID,
            sight(TWO, event("hello")),
            "1 new task has no log events (two), so the answer is not known",
        ),
        (
            FORBID,
            sight(THREE, event("hello")),
            "2 new tasks have no log events (two, three), so the answer is not known",
        ),
        (FORBID, sight(ONE), "the new task has no log events, so the answer is not known"),
        (Expectation("expect", (READY,)), sight(TWO, event("ready")), "it holds"),
        (Expectation("expect", (READY,), count=2), sight(TWO, event("ready"), event("hello", "two")), "logged 1 of 2"),
        (FORBID, sight(TWO, event("ready")), "it was logged"),
        (Expectation("expect", (READY,)), sight(TWO, problems=[DENIED]), f"{DENIED.message} {DENIED.remedy}"),
    ],
)
def test_an_answer_says_what_is_known_and_what_is_not(expectation: Expectation, seen: LogSight, answer: str) -> None:
    """The failure of a test tells if a line is missing, or why that is not known."""
    assert answer_in_short(expectation, read(expectation, seen), seen).startswith(answer)


@pytest.mark.parametrize(
    ("seen", "answer"),
    [
        (sight(ONE, event("hello"), read_at="11:10:05"), "not known yet: task one has logged nothing since that"),
        (
            sight(TWO, event("hello"), event("hello", "two"), read_at="11:10:05"),
            "not known yet: tasks one, two have logged nothing since that",
        ),
    ],
)
def test_an_absence_that_is_not_known_yet_names_the_tasks(seen: LogSight, answer: str) -> None:
    """Tasks of which earlier lines may still become visible are named, with what to do."""
    told = answer_in_short(FORBID, read(FORBID, seen, until=seen.read_at), seen)
    assert told.startswith(answer)
    assert told.endswith("or wait longer (--deploy-log-wait=120s).")


@pytest.mark.parametrize(
    ("seen", "since"),
    [
        (sight(ONE, event("hello"), read_at="11:20"), "; task one has logged nothing since"),
        (
            sight(TWO, event("hello"), event("hello", "two"), read_at="11:20"),
            "; tasks one, two have logged nothing since",
        ),
    ],
)
def test_an_absence_is_reported_up_to_a_moment(seen: LogSight, since: str) -> None:
    """The moment up to which a line is absent, and the tasks that have logged nothing since, if there are some."""
    for until, quiet in ((clock("11:10"), ""), (seen.read_at, since)):
        outcome = ExpectationOutcome(FORBID, read(FORBID, seen, until=until, floor=ROLLOUT), seen, 60)
        assert held_sentence(outcome) == f"no 'ready': absent up to 2025-11-26 11:10:00 UTC{quiet}"


def test_the_number_in_each_task_that_has_too_few_is_reported() -> None:
    """Of a line that each task was to log several times, the tasks that lack it are named, each with its number."""
    expectation = Expectation("expect", (READY,), count=2, tasks="all")
    seen = sight(THREE, event("ready"), event("ready", at="11:11"), event("ready", "two"), event("hello", "three"))
    outcome = ExpectationOutcome(expectation, read(expectation, seen), seen, 60)
    assert "too few in 2 of 3 tasks (two: 1, three: 0) in 4 events after a wait of 60 s" in failed_sentence(outcome)
    seen = sight(ONE, event("ready"))
    outcome = ExpectationOutcome(expectation, read(expectation, seen), seen, 60)
    assert "too few in the new task (one: 1) in 1 event after a wait of 60 s" in failed_sentence(outcome)


def test_a_log_line_is_shown_up_to_a_length_and_without_its_end_of_line() -> None:
    """The indentation of a line is kept, as of a traceback; the line break after it is not, nor a text without end."""
    assert log_line(event("  at main.py:3 \r\n")).text == "  at main.py:3"
    assert log_line(event("y" * 400)).text.startswith("y" * 300 + "…")
