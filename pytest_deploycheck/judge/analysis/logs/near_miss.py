"""The line that is most like an expected one that was not logged, and where the two differ."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.facts.log import LogEvent
from pytest_deploycheck.judge.analysis.logs.reading import matching
from pytest_deploycheck.redaction import mask, one_line

_LONGEST_SHOWN = 400
_LONGEST_COMPARED = 150
_LONGEST_LINE = 2000
_LONGEST_MESSAGE = 10_000
_LONGEST_WORD = 20

# Difflib's measure is the costly one: only so many lines get it, chosen by how many pieces of the text they have, and
# fewer where they repeat few characters again and again, which it is slow at.
_MEASURED = 100
_WORK = 300_000
_PIECES = 24
_PIECE = 4
_FEWEST_PIECES = 0.2

# Shorter runs are common to any two lines of English.
_SOLID = 4
_WORD_SHARED = 0.6
_WORDS_SHARED = 2
_SHARED_OF_ONE_WORD = 0.7

# The ratio over which, by the documentation of difflib, texts are close matches. A line that is less like the expected
# text is shown to nobody: readers look for a connection that is not there.
_CLOSE = 0.6

# A line up to this many times as long as the expected text is shown whole.
_AS_LONG = 1.3

_WORD = re.compile(r"[^\W_]{3,}")
_CLASS = re.compile(r"\\[0-9A-Za-z]")
_ESCAPED = re.compile(r"\\([^0-9A-Za-z])")
_LAYOUT = re.compile(r"(\\.)|\s+|#[^\n]*", re.DOTALL)


class NearMiss(Struct, frozen=True):
    """A line that is much like an expected one.

    Attributes:
        event: The event it is in.
        expected: What was expected, fit to be shown.
        seen: The part of the line that was compared, fit to be shown.
        marks: Both, one below the other, with carets under what the other has not.
        differing: The number of characters by which they differ.
    """

    event: LogEvent
    expected: str
    seen: str
    marks: tuple[str, ...]
    differing: int


class _Likeness(Struct, frozen=True):
    """The similarity of a line to the expected text, and the part that is similar.

    Attributes:
        ratio: That of difflib, between the expected text and the part from the first to the last run of characters
            that they share.
        start: Where the part that is like it starts.
        end: Where it ends.
    """

    ratio: float
    start: int
    end: int


class _Line(Struct, frozen=True):
    """A line of an event, in the order in which they came."""

    event: LogEvent
    text: str
    number: int


class _Expected:
    """A text that was expected, prepared to be compared with many lines."""

    def __init__(self, pattern: Pattern) -> None:
        shown = one_line(readable := _readable(pattern), 2 * len(readable))
        self.shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
        compared = shown[:_LONGEST_COMPARED]
        # What stands for any character is like none.
        self.text = _folded(_CLASS.sub("\0\0", compared) if pattern.regex else compared)
        self.words = [(word.start(), word.end()) for word in _WORD.finditer(self.text)]
        pieces = list(dict.fromkeys(piece for start, end in self.words for piece in _pieces(self.text[start:end])))
        self.pieces = pieces[:: -(-len(pieces) // _PIECES) or 1]
        self._counts = Counter(self.text)
        self._matcher = difflib.SequenceMatcher(autojunk=False)
        self._matcher.set_seq2(self.text)

    def pieces_in(self, text: str) -> int:
        """Return the number of pieces of the expected text that a text has: a cheap measure."""
        return sum(piece in text for piece in self.pieces)

    def work(self, line: str) -> int:
        """Return the cost of measuring a line: the number of pairs of equal characters."""
        return sum(self._counts[character] for character in _folded(line)[: self._width])

    def likeness(self, line: str) -> _Likeness | None:
        """Return the similarity of a line to the expected text, or None where they are no close match."""
        folded = _folded(line)
        offset = self._most_alike(folded)
        self._matcher.set_seq1(folded[offset : offset + self._width])
        blocks = [block for block in self._matcher.get_matching_blocks() if block.size >= _SOLID]
        shared = sum(block.size for block in blocks)
        if not blocks or not self._is_enough(shared, {at for one in blocks for at in range(one.b, one.b + one.size)}):
            return None
        first, last = blocks[0], blocks[-1]
        self._matcher.set_seq1(folded[offset + first.a : offset + last.a + last.size])
        ratio = self._matcher.ratio()
        if ratio < _CLOSE:
            return None
        start, end = offset + first.a - first.b, offset + last.a + len(self.shown) - last.b
        return _Likeness(ratio, max(0, start), min(len(line), end))

    def _is_enough(self, shared: int, places: set[int]) -> bool:
        """Tell if a line has two words of the expected text, or most of its only one."""
        words = sum(
            len(places.intersection(range(start, end))) >= _WORD_SHARED * (end - start) for start, end in self.words
        )
        return words >= _WORDS_SHARED or (words == len(self.words) and shared >= _SHARED_OF_ONE_WORD * len(self.text))

    @property
    def _width(self) -> int:
        return 3 * self._step

    @property
    def _step(self) -> int:
        return max(len(self.text), 40)

    def _most_alike(self, folded: str) -> int:
        """Return the start of the part of a line that has the most pieces: only that part is measured."""
        starts = range(0, max(len(folded) - 2 * self._step, 1), self._step)
        return max(starts, key=lambda start: self.pieces_in(folded[start : start + self._width]))


def nearest_miss(pattern: Pattern, events: Sequence[LogEvent]) -> NearMiss | None:
    """The line most like an expected one that was not logged, of several the latest; None where none is much like it.

    Args:
        pattern: What was expected. An event that matches it is no near miss.
        events: What was seen, the oldest first.
    """
    expected = _Expected(pattern)
    measured = [
        (likeness.ratio, line.number, line)
        for line in _affordable(expected, _candidates(expected, events))
        if (likeness := expected.likeness(line.text)) and not matching(pattern, (line.event,))
    ]
    if not measured:
        return None
    _, _, best = max(measured, key=lambda one: one[:2])
    return _shown(expected, best.event)


def _candidates(expected: _Expected, events: Sequence[LogEvent]) -> list[_Line]:
    """The lines that have the most pieces of the expected text, of equal ones the latest."""
    least = max(1, _FEWEST_PIECES * len(expected.pieces))
    lines = {
        text: _Line(event, text, number)
        for number, event in enumerate(events)
        if expected.pieces_in(_folded(event.text[:_LONGEST_MESSAGE])) >= least
        for text in _lines(event.text)
    }
    found = [(expected.pieces_in(_folded(line.text)), line.number, line) for line in lines.values()]
    found.sort(key=lambda one: one[:2], reverse=True)
    return [line for pieces, _, line in found[:_MEASURED] if pieces >= least]


def _affordable(expected: _Expected, lines: Iterable[_Line]) -> Iterator[_Line]:
    """The first of some lines, as many as can be measured in no time."""
    work = 0
    for line in lines:
        yield line
        work += expected.work(line.text)
        if work > _WORK:
            return


def _shown(expected: _Expected, event: LogEvent) -> NearMiss | None:
    # Masked before it is cut: half a credential is not told from other text.
    lines = [_Line(event, one_line(text), 0) for text in _lines(mask(event.text)) if expected.pieces_in(_folded(text))]
    found = [
        (likeness.ratio, line.text, likeness)
        for line in _affordable(expected, lines)
        if (likeness := expected.likeness(line.text))
    ]
    if not found:
        return None
    _, line, likeness = max(found, key=lambda one: one[0])
    seen = _cropped(line, likeness) if len(line) > _AS_LONG * len(expected.shown) else line
    blocks = difflib.SequenceMatcher(None, expected.shown, seen, autojunk=False).get_matching_blocks()[:-1]
    return NearMiss(
        event, expected.shown, seen, _marks(expected.shown, seen, blocks), _differing(expected.shown, blocks)
    )


def _differing(expected: str, blocks: Sequence[difflib.Match]) -> int:
    """The number of characters that the seen text lacks of the expected one, or has between its parts."""
    shared = sum(block.size for block in blocks)
    span = blocks[-1].b + blocks[-1].size - blocks[0].b if blocks else 0
    return max(len(expected) - shared, span - shared)


def _marks(expected: str, seen: str, matching_blocks: Sequence[difflib.Match]) -> tuple[str, ...]:
    """Both texts in the way of difflib, each with carets under what the other has not."""
    blocks = [block for block in matching_blocks if block.size >= _SOLID]
    shared = {at for block in blocks for at in range(block.a, block.a + block.size)}
    shared_by_seen = {at for block in blocks for at in range(block.b, block.b + block.size)}
    lines = [f"- {expected}", _carets(expected, shared), f"+ {seen}", _carets(seen, shared_by_seen)]
    return tuple(line for line in lines if line)


def _carets(text: str, shared: set[int]) -> str:
    marks = "".join(" " if at in shared or character == " " else "^" for at, character in enumerate(text))
    return f"? {marks.rstrip()}" if marks.strip() else ""


def _cropped(line: str, likeness: _Likeness) -> str:
    """The part of a line that is like the expected text, to the ends of its words."""
    start, end = likeness.start, likeness.end
    while start > 0 and likeness.start - start < _LONGEST_WORD and line[start - 1 : start + 1].isalnum():
        start -= 1
    while end < len(line) and end - likeness.end < _LONGEST_WORD and line[end - 1 : end + 1].isalnum():
        end += 1
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"


def _lines(message: str) -> Iterator[str]:
    lines = (line.strip() for line in message[:_LONGEST_MESSAGE].split("\n"))
    return (line[:_LONGEST_LINE] for line in lines if line)


def _pieces(word: str) -> Iterator[str]:
    """A word in short pieces, so that one that is written a little otherwise still has some of them."""
    return (word[start : start + _PIECE] for start in range(0, max(len(word) - _PIECE, 0) + 1, _PIECE))


def _folded(text: str) -> str:
    """A text without regard to case, with each character where it was."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text


def _readable(pattern: Pattern) -> str:
    """Return the expected text as people read it: for a regular expression, its literal characters without escapes."""
    if not pattern.regex:
        return pattern.text
    text = _LAYOUT.sub(lambda match: match[1] or "", pattern.text) if pattern.flags & re.VERBOSE else pattern.text
    return _ESCAPED.sub(r"\1", text)
