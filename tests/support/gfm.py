"""GitHub Flavored Markdown as a parser of others reads it."""

from __future__ import annotations

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("gfm-like")


def inline_tokens(text: str) -> list[Token]:
    """Return every token inside of the lines of a text, of nested ones as well."""
    return [token for outer in PARSER.parse(text) for token in outer.children or ()]


def rows(text: str) -> Iterator[list[str]]:
    """Return the rows of the tables of a text, each cell as what a person reads."""
    row: list[str] = []
    is_cell = False
    for token in PARSER.parse(text):
        if token.type == "tr_open":
            row = []
        elif token.type in ("td_open", "th_open"):
            is_cell = True
        elif token.type == "inline" and is_cell:
            row.append("".join(child.content for child in token.children or ()))
            is_cell = False
        elif token.type == "tr_close":
            yield row


def code_of(text: str) -> list[str]:
    """Return what stands as code in the lines of a text."""
    return [token.content for token in inline_tokens(text) if token.type == "code_inline"]
