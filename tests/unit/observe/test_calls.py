"""Answers that are asked for once, and those that must be asked for again."""

from __future__ import annotations

from pytest_deploycheck.observe.calls import Once


def test_an_answer_is_asked_for_once() -> None:
    """Whoever asks the same again gets the same answer without another call."""
    once, calls = Once(), iter("ab")

    assert [once.get("key", lambda: next(calls)) for _ in range(3)] == ["a", "a", "a"]


def test_an_answer_that_may_change_is_asked_for_again() -> None:
    """A look that failed, or found nothing yet, is not kept for the rest of the run."""
    once, calls = Once(), iter(["", "", "found", "later"])

    assert [once.get("key", lambda: next(calls), keep=bool) for _ in range(4)] == ["", "", "found", "found"]
