"""The lines of a report for a terminal: what stands in them, in which tone, and how they are broken at its width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from textwrap import TextWrapper

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.redaction import clean, clean_lines

WIDEST = 120
"""Columns beyond which a line of text is no longer easy to read."""

_NARROWEST = 40
_CUT = " …"


class Tone(Enum):
    """The tone of a part of a line. Words carry the meaning; the tone only helps to find them."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    OPEN = "open"
    STRONG = "strong"
    QUIET = "quiet"


class Span(Struct, frozen=True):
    """A part of a line, in one tone."""

    text: str
    tone: Tone = Tone.PLAIN


class Line(Struct, frozen=True):
    """A line as it is written to a terminal."""

    spans: tuple[Span, ...]

    def __str__(self) -> str:
        return _text_of(self.spans)


class Row(Struct, frozen=True):
    """A line of a report before it is broken at the width of a terminal.

    Attributes:
        text: Its text, which may hold words of others.
        lead: What stands before it: a label in our own words, with the columns that it takes.
        tone: The tone of the text.
        indent: The column in which its further lines begin.
        is_whole: Whether it stays one line, so that it can be copied or searched.
        most: The number of lines it may take, or 0 for as many as it needs.
    """

    text: str
    lead: tuple[Span, ...] = ()
    tone: Tone = Tone.PLAIN
    indent: int = 4
    is_whole: bool = False
    most: int = 0

    def __str__(self) -> str:
        return _text_of(self.lead) + self.text


def cleaned(rows: Sequence[Row], own: Sequence[str]) -> list[Row]:
    """Return rows that are fit to be shown: no control characters, no credentials, and each of them one line.

    Args:
        rows: Rows that belong together: a secret may begin in one and end in the next.
        own: Regular expressions of the user for further secrets.
    """
    shown = clean_lines([str(row) for row in rows], own)
    return [_with_text(row, text.replace("\n", "\\n")) for row, text in zip(rows, shown, strict=True)]


def lines_of(rows: Iterable[Row], width: int) -> list[Line]:
    """Return the lines of rows, broken between words so that they fit into a width in columns."""
    columns = max(_NARROWEST, min(width, WIDEST))
    return [line for row in rows for line in _lines(row, columns)]


def _text_of(spans: Iterable[Span]) -> str:
    return "".join(span.text for span in spans)


def _with_text(row: Row, shown: str) -> Row:
    lead = _text_of(row.lead)
    if shown.startswith(lead):
        return replace(row, text=shown.removeprefix(lead))
    # The lead itself was changed: a name in it looked like a credential.
    return replace(row, text=shown, lead=())


def _lines(row: Row, columns: int) -> list[Line]:
    if row.is_whole:
        return [Line((*row.lead, Span(row.text, row.tone)))]
    lead = _text_of(row.lead)
    wrapper = TextWrapper(
        columns - 1,
        initial_indent=" " * len(lead),
        subsequent_indent=" " * row.indent,
        break_long_words=False,
        break_on_hyphens=False,
        max_lines=row.most or None,
        placeholder=_CUT,
    )
    texts = wrapper.wrap(row.text) or [" " * len(lead)]
    first = Line((*row.lead, Span(texts[0][len(lead) :], row.tone)))
    # A word that was harmless within a line may be a command to CI at the start of the next.
    return [first, *(Line((Span(clean(text), row.tone),)) for text in texts[1:])]
