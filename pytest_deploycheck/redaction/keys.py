"""Private keys in PEM, in one text or over several lines with something before each, as events of a log have."""

from __future__ import annotations

import re

MASK = "[masked]"

_MARK = re.compile(r"-{4,5} ?(?P<side>BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_LONGEST_KEY = 200
"""Lines of a key; what follows an unfinished one at a greater distance is not part of it."""
_WHOLE_LINE = 40
"""Characters of base64 from which on a line is taken for part of a key that has no end, or no beginning."""


def mask_keys(text: str) -> str:
    """Return `text` with the bodies of private keys replaced; the number of lines stays."""
    if "PRIVATE KEY" not in text:
        return text
    lines = text.split("\n")
    inside = 0
    ends = [index for index, line in enumerate(lines) if any(mark["side"] == "END" for mark in _MARK.finditer(line))]
    ends.reverse()
    seen = -1
    for index, line in enumerate(lines):
        while ends and ends[-1] < index:
            ends.pop()
        has_end = bool(ends) and ends[-1] - index <= _LONGEST_KEY
        lines[index], is_open = _on_one_line(line, inside=inside > 0)
        if inside and not is_open and index in ends[-1:]:
            seen = index
        elif inside and not _MARK.search(line):
            lines[index] = _last_word_masked(line, 4 if has_end else _WHOLE_LINE)
        elif not inside and index in ends[-1:]:
            _mask_backwards(lines, index, seen)
            seen = index
        inside = _LONGEST_KEY if is_open and _MARK.search(line) else max(inside - 1, 0) if is_open else 0
    return "\n".join(lines)


def _on_one_line(line: str, *, inside: bool) -> tuple[str, bool]:
    """The line with what is between its marks masked, and whether a key is open at its end."""
    parts: list[str] = []
    position = 0
    for mark in _MARK.finditer(line):
        between = line[position : mark.start()]
        if mark["side"] == "END":
            is_body = inside and between.strip()
            is_first = not parts and len(between.split()) > 1
            parts.append(_last_word_masked(between, _WHOLE_LINE) if is_first else MASK if is_body else between)
        else:
            parts.append(between)
        parts.append(mark[0])
        position = mark.end()
        inside = mark["side"] == "BEGIN"
    rest = line[position:]
    parts.append(MASK if inside and position and rest.strip(" \r\"',") else rest)
    return "".join(parts), inside


def _mask_backwards(lines: list[str], end: int, seen: int) -> None:
    """Mask the lines before an end whose beginning is not shown."""
    for index in range(end - 1, max(seen, end - _LONGEST_KEY), -1):
        masked = _last_word_masked(lines[index], 4 if index == end - 1 else _WHOLE_LINE)
        if masked == lines[index]:
            return
        lines[index] = masked


def _last_word_masked(line: str, shortest: int) -> str:
    """The line with its last word masked, where that is base64 of at least so many characters."""
    body = line.rstrip(" \t\r\"',])}\\")
    if body.endswith(MASK.rstrip("]")):
        return line
    head = body.rstrip(_BASE64)
    return f"{head}{MASK}{line[len(body) :]}" if len(body) - len(head) >= shortest else line
