"""Foreign text as it may be sent to a terminal, to the log of a CI job, or into a report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from pytest_deploycheck.redaction.masking import mask

LONGEST_SHOWN = 2000
"""Characters of one foreign text that are shown; the rest is cut, and the text says so."""

_MARGIN = 2000
"""Characters that are read beyond those that are shown, so that a credential is seen whole."""

_SHORT = 200
"""Characters of a text that is kept when it was cleaned: a report holds each digest, ARN and name many times."""

# C0 and C1 control characters, and the marks that turn the direction of writing.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

# GitHub obeys `##[` anywhere in a line and `::` after any blanks at its start; Azure DevOps `##vso[`; TeamCity
# `##teamcity[`, in letters of either case. What is blank differs between languages: no character without width counts.
_COMMAND = re.compile(
    r"#(?=#(?:vso|teamcity)?\[)|^(?:[^\S\n]|[\xad\u180e\u200b-\u200d\u2060\ufeff])*:(?=:)", re.MULTILINE | re.IGNORECASE
)


def clean(text: str, limit: int = LONGEST_SHOWN, own: Sequence[str] = ()) -> str:
    """Return `text` as it may be sent to a terminal or a report.

    Args:
        text: Log lines, file contents, service events: anything that others wrote.
        limit: Characters to keep.
        own: Regular expressions of the user for further secrets.
    """
    return _clean_short(text, limit, tuple(own)) if len(text) <= _SHORT else _clean(text, limit, own)


def one_line(text: str, limit: int = LONGEST_SHOWN, own: Sequence[str] = ()) -> str:
    """Return `text` as `clean` does, on one line, so that no text can pass for a line of ours."""
    return clean(text, limit, own).replace("\n", "\\n")


def clean_lines(lines: Sequence[str], own: Sequence[str] = (), *, limit: int | None = LONGEST_SHOWN) -> list[str]:
    """Return lines that belong together, each fit to be shown: a secret may begin in one and end in another.

    Args:
        lines: The lines; one that holds breaks itself stays one entry.
        own: Regular expressions of the user for further secrets.
        limit: Characters to keep of each, or None for all.
    """
    read = lines if limit is None else [line[: limit + _MARGIN] for line in lines]
    whole = mask("\n".join(read), own).split("\n")
    shown, position = [], 0
    for line, taken in zip(lines, read, strict=True):
        number = taken.count("\n") + 1
        text = "\n".join(whole[position : position + number])
        shown.append(_printable(text if limit is None else _cut(text, len(line), limit)))
        position += number
    return shown


def _clean(text: str, limit: int, own: Sequence[str]) -> str:
    return _printable(_cut(mask(text[: limit + _MARGIN], own), len(text), limit))


_clean_short = lru_cache(maxsize=4096)(_clean)


def _cut(masked: str, length: int, limit: int) -> str:
    """Return a masked text cut to a limit, where the original is longer than that."""
    return masked if length <= limit else f"{masked[:limit]}… ({length - limit} more characters)"


def _printable(text: str) -> str:
    text = _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)
    return _COMMAND.sub(lambda match: f"{match[0]} ", text)
