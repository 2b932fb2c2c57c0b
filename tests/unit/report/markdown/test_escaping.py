from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.gfm import PARSER, inline_tokens, rows

from pytest_deploycheck.redaction import one_line
from pytest_deploycheck.report.markdown.escaping import block, code, lines_block, prose, table

MARKUP = st.text(alphabet="ab1 `|*_~[]()<>!#@\\&:/.-+=$\n\r\t{}\"'", max_size=40)
"""Texts of what means something to Markdown."""

HOSTILE = (
    "a | b",
    "a \\| b",
    "`` ` ``",
    "`",
    "\\",
    "<img src=x onerror=alert(1)>",
    "<!-- -->",
    "[a](javascript:alert(1))",
    "![a](http://tracker.example/x.png)",
    "www.evil.example http://evil.example mail@evil.example",
    "@everyone #12 GH-3 owner/name#4 :rocket: :+1:",
    "::error file=a::b",
    "##[error]b",
    "line one\n# heading\n\n- list\n> quote",
    "| --- | --- |",
    "&lt;b&gt; &#64; &amp;",
    "**bold** _em_ ~~gone~~ $x$",
    "\u202egnitteg\u2066",
    "1. one",
    "- one",
    "===",
)


def shown(text: str) -> str:
    """Return what a person reads of a text, with the tokens checked: nothing but text and code."""
    tokens = inline_tokens(text)
    assert {token.type for token in tokens} <= {"text", "code_inline"}
    return "".join(token.content for token in tokens)


@given(MARKUP | st.text(max_size=40))
def test_code_is_the_text_and_nothing_else(text: str) -> None:
    """A parser reads one piece of code, with exactly the text that is fit to be shown."""
    (token,) = inline_tokens(code(text)) if one_line(text).strip() else (None,)
    if token is None:
        assert code(text) == "(empty)"
    else:
        assert token.type == "code_inline"
        assert token.content == one_line(text, 300)


@example("1\t::<")
@given(MARKUP | st.text(max_size=40))
def test_prose_is_its_words_and_nothing_else(text: str) -> None:
    """No sentence becomes markup, a link or a block: a parser reads its words in one paragraph."""
    line = f"It was: {prose(text)}"
    assert [token.type for token in PARSER.parse(line)] == ["paragraph_open", "inline", "paragraph_close"]
    # Our own sentences mark names as code with backticks, which are no part of the text that is read.
    assert shown(line).replace("`", "").split() == ["It", "was:", *one_line(text).replace("`", "").split()]


@given(st.lists(MARKUP, min_size=3, max_size=3))
def test_no_text_leaves_its_cell(texts: list[str]) -> None:
    """A row has as many cells as were given, each with its own text, whatever bars and backslashes are in it."""
    first, second, third = texts
    lines = table(["a", "b", "c"], [[prose(first), code(second), code(third)]])
    head, row = rows("\n".join(lines))
    assert head == ["a", "b", "c"]
    assert row[0].replace("`", "").split() == one_line(first).replace("`", "").split()
    assert row[1:] == [one_line(text) if one_line(text).strip() else "(empty)" for text in texts[1:]]


@given(MARKUP)
def test_a_block_ends_where_it_should(text: str) -> None:
    """A command or a line with backticks does not end its block."""
    for lines in (block(text), lines_block([one_line(text)])):
        (token,) = PARSER.parse("\n".join(lines))
        assert token.type == "fence"
        assert token.content == f"{one_line(text)}\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_known_attacks_are_only_text(text: str) -> None:
    """Markup, links, mentions, references, workflow commands and marks of direction are shown and do nothing."""
    for line in (f"- cause: {prose(text)}", f"- {prose(text)}", f"- {code(text)}"):
        shown(line)
        types = [token.type for token in PARSER.parse(line)]
        assert types == [
            "bullet_list_open",
            "list_item_open",
            "paragraph_open",
            "inline",
            "paragraph_close",
            "list_item_close",
            "bullet_list_close",
        ]


@pytest.mark.parametrize("word", ["@someone", "#12", "GH-12", ":rocket:", "1a2b3c4d", "owner/name@v1"])
def test_what_github_would_link_is_code(word: str) -> None:
    """GitHub reads nothing into code: no mention is sent, no issue is referred to."""
    assert f"`{word}`" in prose(f"see {word}, please")


def test_an_ordinary_sentence_stays_as_it_is() -> None:
    """Names, times and quoted text need no marks."""
    sentence = "2 of 2 tasks run shop:v1.2 (pushed 2025-11-26 11:00:00 UTC); 'Found 3 sections' was NOT_STARTED."
    assert prose(sentence) == sentence


def test_a_secret_is_masked() -> None:
    """The text that a user's own pattern masks is not shown."""
    assert "4711" not in code("card 4711", ["47\\d+"]) + prose("card 4711", ["47\\d+"])
