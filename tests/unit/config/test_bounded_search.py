from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.config.patterns import bounded_search
from pytest_deploycheck.config.patterns.bounded_search import SlowPatternError, searcher
from pytest_deploycheck.config.settings import Pattern

LINES = [
    "",
    "a",
    "aaab",
    "ERROR: db gone",
    "error\nWARN x=1",
    "Parsed item #12 (json)",
    "GET /a/b?c=d 200",
    "été naïve",
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up soon."""
    monkeypatch.setattr(bounded_search, "SECONDS", 0.05)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("(a|a)*$", "a" * 60 + "!"),
        ("(a|aa)+$", "a" * 400 + "!"),
        (r"(x+x+)+y", "x" * 5000),
        (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 5000),
        (r".*x.*x.*y", "x" * 5000),
    ],
)
def test_a_search_ends_however_the_expression_backtracks(text: str, line: str) -> None:
    """It is given up with its name and a remedy, and is not tried again in other lines."""
    search = searcher(text, re.MULTILINE)
    for _ in range(2):
        with pytest.raises(SlowPatternError, match="was given up") as slow:
            search(line)
        assert text in str(slow.value)


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("ERROR", 0),
        (r"\bERROR\b|WARN", 0),
        (r"Parsed content item #\d+", 1),
        ("(a+)+$", 2),
        ("(?:ab|cd)+", 2),
        (".*a.*", 2),
        ("(a{3}){2}", 0),
        ("a?b?c?", 0),
    ],
)
def test_only_expressions_that_may_be_slow_have_a_limit(text: str, repeats: int) -> None:
    """The engine with the limit is for repeats inside of repeats, and several of them."""
    assert min(bounded_search._repeats(text, 0), 2) == repeats


@given(
    st.lists(st.sampled_from([r"\w+", ".*", "[a-z]*?", r"\d{2,}", "(a|b)+", "^", "$", r"\b", "é", "ERROR", r"(?i:x)"])),
    st.sampled_from([0, re.IGNORECASE, re.DOTALL, re.ASCII, re.VERBOSE]),
)
def test_both_engines_match_the_same(parts: list[str], flags: int) -> None:
    """An expression has the same matches whichever engine searches for it."""
    text, flags = "".join(parts), int(flags | re.MULTILINE)
    for line in LINES:
        ours, theirs = searcher(text, flags)(line), re.search(text, line, flags)
        assert (ours and ours.span()) == (theirs and theirs.span())


def test_a_long_line_has_a_limit_too() -> None:
    """A search begins at each character: for `re` one repeat is slow in a line of hundreds of thousands."""
    search = Pattern(r"\d+:", regex=True).search
    assert search("1:") is not None
    began = time.process_time()
    assert search("1" * 250_000) is None
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "text", ["", "^", "$", r"\b", r"\B", "(text)?", "(?=text)", "(?<!x)", r"\b|ERROR", r"\b(ERROR)?", "x*|never"]
)
def test_an_expression_that_matches_without_text_is_known(text: str) -> None:
    """A match of it proves nothing: it matches every line, or has no text to show."""
    assert Pattern(text, regex=True).matches_no_text


@pytest.mark.parametrize(
    "text", ["ERROR", r"\bERROR\b", "^ERROR$", "x+", ".+", "(?=.*a)(?=.*b).*", r"(?<=x)y", "(a|aa)+$"]
)
def test_an_expression_of_which_each_match_has_text_is_taken(text: str) -> None:
    """Conditions beside a text are what they are for."""
    assert not Pattern(text, regex=True).matches_no_text


def test_where_the_parser_is_not_known_every_search_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later interpreter may parse in another way: then no expression is taken for one that is quick."""

    def parse(*_: object) -> None:
        raise AttributeError("getwidth")

    monkeypatch.setattr(bounded_search, "parsed", parse)
    search = searcher("(c|c)*$", 0)
    assert search("abc")
    with pytest.raises(SlowPatternError):
        search("c" * 60 + "!")


@pytest.mark.parametrize(
    ("text", "line", "other"),
    [
        (r".*GET.*/items/{id}", "GET /items/{id} 200", "GET /items/7 200"),
        (r"(?:\w+ )+user{i}", "for a user{i}", "for a user"),
        (r"(?:\w+ )+user\{i}", "for a user{i}", "for a user"),
        (r"(?:ab*)+[{e}]x", "ab{x", "abx"),
        (r"(?:ab*)+x{}", "abx{}", "abx"),
        (r"(?:ab*)+x{2,3}$", "abxxx", "abx"),
        (r"(?:ab*)+x{,2}$", "ab", "abxxx"),
        (r"(?:ab*)+\N{DIGIT ONE}{2}", "ab11", "ab1"),
    ],
)
def test_a_brace_means_the_same_however_it_is_searched_for(text: str, line: str, other: str) -> None:
    """A brace that bounds no repeat is a character, as in the template of a route; it allows no differences."""
    assert bounded_search._repeats(text, 0) > 1
    search = searcher(text, 0)
    assert (bool(search(line)), bool(search(other))) == (True, False)
    assert (bool(re.search(text, line)), bool(re.search(text, other))) == (True, False)
