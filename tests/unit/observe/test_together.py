"""Questions that are asked together, and what becomes of those that get no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from pytest_deploycheck.observe.calls import side_by_side
from pytest_deploycheck.observe.problems import IncompleteAnswerError
from pytest_deploycheck.observe.together import Together


class Service:
    """Answers each key with its capital letters, except those that are refused or left out."""

    def __init__(self, *, refused: str = "", left_out: str = "") -> None:
        self.asked: list[list[str]] = []
        self.refused = refused
        self.left_out = left_out

    def answer(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Answer some keys; one that is refused spoils the whole call, as IAM does."""
        self.asked.append(list(keys))
        if self.refused in keys:
            raise PermissionError(self.refused)
        return {key: key.upper() for key in keys if key != self.left_out}


def together(service: Service, *expected: str, most: int = 3) -> Together[str, str]:
    """Return questions to a service, some of which are expected."""
    asked = Together("x:Describe", service.answer, most)
    asked.expect(expected)
    return asked


def test_one_call_answers_those_that_are_expected() -> None:
    """Seven keys, of which each call takes three, are three calls, whoever asks first."""
    service = Service()
    asked = together(service, *"abcdefg")
    assert [asked.get(key) for key in "abcdefg"] == list("ABCDEFG")
    assert list(map(len, service.asked)) == [3, 3, 1]


def test_those_who_ask_at_the_same_time_wait_for_one_call() -> None:
    """Threads that ask for keys of a call that is under way do not ask again."""
    service = Service()
    asked = together(service, *"abcdef")
    assert side_by_side(asked.get, list("fedcba")) == list("FEDCBA")
    assert sorted(key for keys in service.asked for key in keys) == list("abcdef")


def test_a_refusal_concerns_only_those_who_ask_for_what_is_refused() -> None:
    """A call that fails for one of its keys is repeated for each alone, so the others get their answers."""
    service = Service(refused="b")
    asked = together(service, *"abc")
    assert asked.get("a") == "A"
    with pytest.raises(PermissionError):
        asked.get("b")
    assert asked.get("c") == "C"


def test_a_key_that_is_left_out_is_asked_for_alone() -> None:
    """A key that an answer leaves out is a problem of those who ask for it, and of nobody else."""
    service = Service(left_out="b")
    asked = together(service, *"abc")
    assert asked.get("c") == "C"
    with pytest.raises(IncompleteAnswerError, match="b"):
        asked.get("b")
    assert service.asked == [["c", "a", "b"], ["b"]]
