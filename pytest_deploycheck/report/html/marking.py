"""Log lines with the part marked that an expectation matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.redaction import one_line

_LONGEST = 600
"""Characters of a line that are shown, and in which matches are looked for."""


class Piece(Struct, frozen=True):
    """A part of a line, and whether it is what was looked for."""

    text: str
    is_match: bool = False


class MarkedLine(Struct, frozen=True):
    """A log line as a page shows it.

    Attributes:
        pieces: Its parts, in their order.
        is_forbidden: Whether the line must not be there.
    """

    pieces: tuple[Piece, ...]
    is_forbidden: bool = False


def marked(line: str, patterns: Iterable[Pattern], *, is_forbidden: bool = False) -> MarkedLine:
    """Return a line with the first match of each pattern marked; matches are looked for in what is shown."""
    shown = one_line(line, _LONGEST)
    spans = sorted(span for pattern in patterns if (span := pattern.span_in(shown)))
    pieces, position = [], 0
    for start, end in spans:
        if start < position:
            continue
        pieces += [Piece(shown[position:start]), Piece(shown[start:end], is_match=True)]
        position = end
    pieces.append(Piece(shown[position:]))
    return MarkedLine(tuple(piece for piece in pieces if piece.text), is_forbidden)


def patterns_of(evidence: Mapping[str, Any]) -> list[Pattern]:
    """Return the patterns of an expectation, as the evidence of its check records them."""
    recorded: Sequence[Mapping[str, str]] = evidence.get("patterns", ())
    return [
        Pattern(one["regex"], regex=True) if "regex" in one else Pattern(one["text"])
        for one in recorded
        if "regex" in one or "text" in one
    ]
