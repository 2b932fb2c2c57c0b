"""The patterns of a `.dockerignore`, matched as Docker matches them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from itertools import groupby

_BYTE_ORDER_MARK = "\ufeff"
_SPECIAL = frozenset("*?[]\\")


class Ignore:
    """The patterns of a `.dockerignore`, or of other text in its language.

    The last pattern that matches a path, or a folder that it is in, decides: one with `!` before it includes the
    path again, also from a folder that is excluded.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        """Take the patterns in.

        Args:
            patterns: The lines, in their order; blank lines and comments are passed over.

        Raises:
            ValueError: A pattern is malformed; Docker refuses to build with it as well.
        """
        read = [pattern for line in patterns if (pattern := _pattern(line))]
        # Neighbours of one kind are tried at once, as it does not matter which of them matches.
        self._runs = [
            (is_exception, re.compile("|".join(expression for _, expression in run), re.DOTALL))
            for is_exception, run in groupby(read, key=lambda pattern: pattern[0])
        ]
        self._runs.reverse()

    @classmethod
    def of_text(cls, text: str) -> Ignore:
        """The patterns of a whole file.

        Raises:
            ValueError: As for the patterns.
        """
        return cls(text.removeprefix(_BYTE_ORDER_MARK).split("\n"))

    def excludes(self, path: str) -> bool:
        """Return True if a path is excluded.

        Args:
            path: Relative to where the patterns are, with forward slashes.
        """
        path = path.strip("/")
        if path in {"", "."}:
            return False
        return next((not is_exception for is_exception, run in self._runs if run.fullmatch(path)), False)


def _pattern(line: str) -> tuple[bool, str] | None:
    """Return the expression of a line and True if it is an exception; None if it has no pattern."""
    if line.startswith("#"):
        return None
    text = line.strip()
    is_exception = text.startswith("!")
    glob = text.removeprefix("!").strip()
    if is_exception and not glob:
        raise ValueError(f"the pattern {line!r} has nothing after its '!'")
    cleaned = posixpath.normpath(glob).lstrip("/") if glob else ""
    if cleaned in {"", "."}:
        return None
    try:
        expression = _expression(cleaned)
        re.compile(expression)
    except (_Malformed, re.error):
        raise ValueError(f"the pattern {line!r} is malformed") from None
    return is_exception, expression


class _Malformed(Exception):  # noqa: N818 - it does not leave this module
    """A pattern is malformed."""


def _expression(glob: str) -> str:
    """Return the expression that matches the paths of a pattern, and everything in a folder that it matches."""
    if glob.startswith("**") and not _SPECIAL.intersection(glob[2:]):
        # A plain end of a path, which needs no slash before it: `**file` matches `myfile`.
        return _inside(f"(?:.*/)?{re.escape(glob[3:])}" if glob.startswith("**/") else f".*{re.escape(glob[2:])}")
    parts: list[str] = []
    at = 0
    while at < len(glob):
        part, at = _part(glob, at)
        parts.append(part)
    return _inside("".join(parts))


def _inside(expression: str) -> str:
    return f"(?:{expression})(?:/.*)?"


def _part(glob: str, at: int) -> tuple[str, int]:
    """The expression for what is at a place of a pattern, and the place after it."""
    character = glob[at]
    if glob.startswith("**", at):
        after = at + 3 if glob.startswith("/", at + 2) else at + 2
        return (".*" if after >= len(glob) else "(?:.*/)?"), after
    if character == "*":
        return "[^/]*", at + 1
    if character == "?":
        return "[^/]", at + 1
    if character == "[":
        return _class(glob, at + 1)
    if character == "\\":
        at += 1
    return re.escape(_at(glob, at)), at + 1


def _class(glob: str, at: int) -> tuple[str, int]:
    """A class of characters, `at` being the place after its bracket."""
    is_negated = _at(glob, at) == "^"
    at += is_negated
    ranges: list[str] = []
    while not ranges or _at(glob, at) != "]":
        first, at = _member(glob, at)
        last = first
        if _at(glob, at) == "-":
            last, at = _member(glob, at + 1)
        ranges.append(f"{re.escape(first)}-{re.escape(last)}")
    return f"[{'^' if is_negated else ''}{''.join(ranges)}]", at + 1


def _member(glob: str, at: int) -> tuple[str, int]:
    character = _at(glob, at)
    if character in "-]":
        raise _Malformed
    if character == "\\":
        at += 1
    return _at(glob, at), at + 1


def _at(glob: str, at: int) -> str:
    if at >= len(glob):
        raise _Malformed
    return glob[at]
