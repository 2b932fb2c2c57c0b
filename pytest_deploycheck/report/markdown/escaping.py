"""Foreign text in GitHub Flavored Markdown: nothing in it is markup, a mention, a link or the end of a cell.

A word that could be more than text is shown as code, where neither Markdown nor GitHub reads anything into it. That
stays legible as plain text, which a backslash before each character would not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_deploycheck.redaction import one_line

_RUN_OF_BACKTICKS = re.compile("`+")

# Letters, digits and punctuation that mean nothing to Markdown or GitHub inside of a line. Everything else, such as
# * _ ` [ < > | # @ & \ ~ $ and what stands outside of the alphabets, makes a word code.
_PLAIN = re.compile(r"[\w.,;:'\"()/%+=?!{}…—→°±^-]*")

# Shortcodes of emojis, addresses that GitHub links without being asked, references to issues such as GH-12, commits,
# which it links, too, and what underlines or begins a list where it is the first word.
_LINKED = re.compile(
    r"(?<!\d):[\w+-]+:|://|www\.|\bGH-\d|\b[0-9a-f]{7,40}\b|(?<![A-Z0-9])_|_(?![A-Z0-9])", re.IGNORECASE
)
_BLOCK = re.compile(r"[-+=]+|\d+[.)]")
_PARTS = re.compile(r"(\(*)(:[\w+-]+:|.*?)([).,;:]*)", re.DOTALL)
_MARKED = re.compile("`([^`]+)`")

Own = Sequence[str]
"""Regular expressions of the user for secrets that are masked."""


def code(text: str, own: Own = (), *, limit: int = 300) -> str:
    """Return foreign text as code on one line.

    Args:
        text: The text.
        own: Regular expressions of the user for secrets.
        limit: Characters to keep.
    """
    return _as_code(one_line(text, limit, own))


def _as_code(line: str) -> str:
    """Return a line that is fit to be shown as code."""
    shown = line.strip("\r")
    if not shown.strip():
        return "(empty)"
    fence = _fence(shown, shortest=1)
    # One blank at both ends is taken away again, so that a text may begin or end with a backtick or a blank.
    padding = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def prose(text: str, own: Own = (), *, limit: int = 1000) -> str:
    """Return a sentence in which foreign names stand, on one line.

    Args:
        text: The sentence.
        own: Regular expressions of the user for secrets.
        limit: Characters to keep.
    """
    words = one_line(text, limit, own).split()
    return " ".join(word if _is_plain(word, is_first=not number) else _word(word) for number, word in enumerate(words))


def _word(word: str) -> str:
    """A word as code, without the brackets and the punctuation around it; what is code already stays as it is."""
    before, core, after = _PARTS.fullmatch(word).groups()  # type: ignore[union-attr]  # it matches every word
    marked = _MARKED.fullmatch(core)
    return f"{before}{_as_code(marked[1] if marked else core)}{after}"


def block(text: str, own: Own = ()) -> list[str]:
    """Return the lines of a block of code that holds one command to copy."""
    shown = one_line(text, 4000, own)
    fence = _fence(shown, shortest=3)
    return [f"{fence}sh", shown, fence]


def lines_block(lines: Sequence[str]) -> list[str]:
    """Return the lines of a block of text; they are fit to be shown already, one line each."""
    fence = _fence("\n".join(lines), shortest=3)
    return [f"{fence}text", *lines, fence]


def _fence(text: str, *, shortest: int) -> str:
    """Backticks, more of them than stand together anywhere in a text."""
    longest = max(map(len, _RUN_OF_BACKTICKS.findall(text)), default=0)
    return "`" * max(shortest, longest + 1)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; its cells are made by `code` and `prose`."""
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    # A table ends its cell at a bar even in code, unless a backslash is before it.
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _is_plain(word: str, *, is_first: bool) -> bool:
    """Tell if a word is nothing but text to Markdown and to GitHub."""
    if _PLAIN.fullmatch(word) is None or (is_first and _BLOCK.fullmatch(word)):
        return False
    return _LINKED.search(word) is None
