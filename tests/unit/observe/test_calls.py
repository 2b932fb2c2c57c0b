"""Answers that are asked for once, and those that must be asked for again."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from pytest_deploycheck.observe.calls import Once, pages
from pytest_deploycheck.observe.problems import IncompleteAnswerError


def test_an_answer_is_asked_for_once() -> None:
    """Whoever asks the same again gets the same answer without another call."""
    once, calls = Once(), iter("ab")

    assert [once.get("key", lambda: next(calls)) for _ in range(3)] == ["a", "a", "a"]


def test_an_answer_that_may_change_is_asked_for_again() -> None:
    """An observation that failed, or found nothing yet, is not kept for the rest of the run."""
    once, calls = Once(), iter(["", "", "found", "later"])

    assert [once.get("key", lambda: next(calls), keep=bool) for _ in range(4)] == ["", "", "found", "found"]


def _endless(**_: object) -> dict[str, object]:
    return {"nextToken": f"t{next(_NUMBERS)}"}


_NUMBERS = itertools.count()


def test_new_page_tokens_for_ever_are_an_error() -> None:
    """A listing whose pages never end is given up after its time, and says how far it came."""
    seconds = itertools.count()
    with pytest.raises(IncompleteAnswerError, match="10 seconds"):
        list(pages(_endless, seconds=10, monotonic=lambda: float(next(seconds))))


@pytest.mark.parametrize("tokens", ["a", "ab", "abc"], ids=["same", "two in turn", "three in turn"])
def test_page_tokens_that_come_again_are_an_error(tokens: str) -> None:
    """Tokens that repeat, one or several in turn, lead nowhere."""
    turn = itertools.cycle(tokens)
    with pytest.raises(IncompleteAnswerError, match="keeps repeating"):
        list(pages(lambda **_: {"nextToken": next(turn)}))


class _Client:
    """A client whose pages never end."""

    meta = SimpleNamespace(
        service_model=SimpleNamespace(service_name="logs"),
        method_to_api_mapping={"filter_log_events": "FilterLogEvents"},
    )

    def filter_log_events(self, **_: object) -> dict[str, object]:
        """Return the same token each time."""
        return {"nextToken": "a"}


def test_a_listing_that_does_not_end_is_named_as_aws_names_it() -> None:
    """The operation is what a policy and a trace would call it, and no method of Python."""
    with pytest.raises(IncompleteAnswerError, match="the answer to logs:FilterLogEvents lacks"):
        list(pages(_Client().filter_log_events))


def test_a_page_token_that_comes_twice_is_followed() -> None:
    """The page behind a token may have changed by the time it is asked for again."""
    answers = iter([{"nextToken": "a"}, {"nextToken": "a"}, {"nextToken": "b"}, {}])
    assert len(list(pages(lambda **_: next(answers)))) == 4
