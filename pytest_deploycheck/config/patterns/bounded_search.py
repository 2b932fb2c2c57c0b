"""Searches for regular expressions that end, however an expression backtracks.

`re` cannot be interrupted: `(a|a)*$` takes years for a line of a hundred characters, and nothing else runs
meanwhile. Expressions that may be slow are searched for by the package `regex`, which takes the same syntax and has a
time limit. All others stay with `re`, as the two differ in rare characters, such as combining marks as parts of words.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.redaction.expressions import for_regex

SECONDS = 2.0
"""Seconds of computing that the search in one text may take."""

SECONDS_IN_ALL = 10.0
"""Seconds that the slow searches for one expression may take in all; then it is given up."""

_SLOW = 0.1
_LONG = 10_000
"""Characters of a text from which on one repeat alone may be slow, as a search begins at each of them."""

_MOST_OPTIONS = 10
REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
"""The operations of a parsed expression that repeat what is inside."""

Search = Callable[[str], re.Match[str] | None]


class SlowPatternError(UnprovenError):
    """The search for a regular expression takes too long."""

    def __init__(self, text: str, characters: int) -> None:
        super().__init__(
            f"The search for /{text}/ was given up in a line of {characters} characters, as it took too long: the "
            "expression backtracks."
        )

    remedy = "Write it without repeats inside of repeats, and without alternatives that match the same text."


@lru_cache(maxsize=256)
def searcher(text: str, flags: int) -> Search:
    """Return the search for a regular expression; it raises `SlowPatternError` where it takes too long.

    Args:
        text: The expression, in the syntax of `re`.
        flags: Its flags, as `re` numbers them.
    """
    quick = re.compile(text, flags).search
    repeats = _repeats(text, flags)
    if not repeats:
        return quick
    bounded = _bounded(text, flags)
    if repeats > 1:
        return bounded
    return lambda line: quick(line) if len(line) < _LONG else bounded(line)


_ANY_LINES = ("", "z", "zz", "z z", "7", "-", " ", "z\n")


@lru_cache(maxsize=256)
def matches_no_text(text: str, flags: int) -> bool:
    """Return True if a regular expression matches without any text, so that a match of it proves nothing.

    Such are `(text)?` and `^`, which match every line, word boundaries, which match every line with a word, and
    `(?=text)`, of which no match has a text to show.

    Args:
        text: The expression.
        flags: Its flags, as `re` numbers them.
    """
    if _longest(text, flags) == 0:
        return True
    try:
        found = list(map(searcher(text, flags), _ANY_LINES))
    except SlowPatternError:
        # It was given up in the log of this run, for which it was taken before.
        return False
    return any(match is not None and not match[0] for match in found)


def parsed(text: str, flags: int) -> Any:
    """Return an expression as the interpreter parses it; the parser may change with it, and raise any exception."""
    # Only this parser knows the syntax; it has no public name.
    parser: Any = importlib.import_module("re._parser")
    # With DEBUG the parser prints.
    return parser.parse(text, flags & ~re.DEBUG.value)


def _longest(text: str, flags: int) -> int:
    """The longest text that an expression matches; 1 where that is not known."""
    try:
        return int(parsed(text, flags).getwidth()[1])
    except Exception:  # noqa: BLE001 - the parser is the interpreter's own affair, and may change with it in any way
        return 1


def _bounded(text: str, flags: int) -> Search:
    spent = 0.0

    def search(line: str) -> re.Match[str] | None:
        nonlocal spent
        if spent >= SECONDS_IN_ALL:
            raise SlowPatternError(text, len(line))
        began = time.perf_counter()
        try:
            found: re.Match[str] | None = _engine(text, flags).search(line, timeout=SECONDS)
        except TimeoutError:
            spent = SECONDS_IN_ALL
            raise SlowPatternError(text, len(line)) from None
        took = time.perf_counter() - began
        spent += took if took > _SLOW else 0.0
        return found

    return search


@lru_cache(maxsize=256)
def _engine(text: str, flags: int) -> Any:
    import regex  # noqa: PLC0415  # slow to load, and needed by few expressions

    names = {re.ASCII: regex.ASCII, re.IGNORECASE: regex.IGNORECASE, re.MULTILINE: regex.MULTILINE}
    names |= {re.DOTALL: regex.DOTALL, re.VERBOSE: regex.VERBOSE}
    wanted = sum(int(theirs) for ours, theirs in names.items() if flags & ours)
    return regex.compile(for_regex(text), regex.VERSION0 | wanted)


def _repeats(text: str, flags: int) -> int:
    """The number of repeats of an expression; a repeat with a choice inside counts as many."""
    try:
        operations = list(_operations(parsed(text, flags)))
    except Exception:  # noqa: BLE001 - the parser is the interpreter's own affair, and may change with it in any way
        return 2
    options = sum(operation == "BRANCH" or (least, most) == (0, 1) for operation, least, most, _ in operations)
    loops = [(least != most, has_choice) for _, least, most, has_choice in operations if most > 1]
    if options > _MOST_OPTIONS or any(has_choice for _, has_choice in loops):
        return 2
    return sum(is_variable for is_variable, _ in loops)


def _operations(sequence: Iterable[tuple[Any, Any]]) -> Iterator[tuple[str, int, int, bool]]:
    """The operations of a parsed expression with their bounds, and whether a repeat has a choice inside."""
    for operation, value in sequence:
        name = str(operation)
        inside = [one for part in _parts(value) for one in _operations(part)]
        yield from inside
        if name in REPEATS:
            least, most = int(value[0]), int(value[1])
            yield name, least, most, any(kind == "BRANCH" or low != high for kind, low, high, _ in inside)
        else:
            yield name, 1, 1, False


def _parts(value: Any) -> Iterator[Any]:
    """The parsed expressions inside of the value of an operation."""
    if hasattr(value, "getwidth"):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _parts(one)
