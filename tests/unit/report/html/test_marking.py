from __future__ import annotations

import pytest

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.report.html.marking import Piece, marked, patterns_of


def pieces(line: str, *patterns: str) -> list[tuple[str, bool]]:
    """Return the parts of a line, marked by patterns."""
    return [
        (piece.text, piece.is_match) for piece in marked(line, [Pattern(one, regex=True) for one in patterns]).pieces
    ]


def test_the_match_is_marked() -> None:
    """The part that matched is told from the rest; several patterns are marked each."""
    assert pieces("Found 3 sections", r"\d+") == [("Found ", False), ("3", True), (" sections", False)]
    assert pieces("a b", "b", "a") == [("a", True), (" ", False), ("b", True)]
    assert pieces("nothing", "x") == [("nothing", False)]
    assert pieces("") == []


def test_matches_that_overlap_are_marked_once() -> None:
    """Of two matches that overlap the first counts, and no text is lost or doubled."""
    assert pieces("abc", "ab", "bc") == [("ab", True), ("c", False)]


def test_a_line_is_cleaned_before_it_is_cut() -> None:
    """A credential is masked also where a match would have cut it in two."""
    line = marked("password=hunter2222 x", [Pattern("hunter")])
    assert "hunter" not in "".join(piece.text for piece in line.pieces)
    assert Piece("\\n") not in line.pieces
    assert "\n" not in "".join(piece.text for piece in marked("a\nb", []).pieces)


def test_patterns_come_from_the_evidence() -> None:
    """Literal text is literal, a regular expression is one, and what cannot be used is left out."""
    evidence = {"patterns": [{"text": "a.b"}, {"regex": r"\d"}, {}]}
    assert patterns_of(evidence) == [Pattern("a.b"), Pattern(r"\d", regex=True)]
    assert patterns_of({}) == []
    assert pieces("a.b 1", "(") == [("a.b 1", False)]


def test_an_expression_that_backtracks_without_end_marks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report is written in any case; the line is shown as it is."""
    monkeypatch.setattr("pytest_deploycheck.config.patterns.bounded_search.SECONDS", 0.2)
    line = "a" * 60 + "!"
    assert pieces(line, "(a|a)*$") == [(line, False)]
