"""The masking of what looks like a credential."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from pytest_deploycheck.redaction.assignments import ASSIGNMENT, KEPT
from pytest_deploycheck.redaction.encodings import decoded
from pytest_deploycheck.redaction.expressions import for_regex
from pytest_deploycheck.redaction.keys import MASK, mask_keys
from pytest_deploycheck.redaction.terminal import legible
from pytest_deploycheck.redaction.tokens import TOKEN

T = TypeVar("T")

_SECONDS = 2.0
_SECONDS_IN_ALL = 6.0
"""Seconds of the processor after which the search for an expression of the user times out, in one text and in all."""

_KEY_WORD = re.compile(r"[A-Za-z0-9+/=]{16,}")
"""A line of a private key."""

_WITHHELD = f"{MASK} (withheld: an expression of `mask` takes too long)"

# Sequences that colour text, move the cursor, set titles or choose a character set. They are removed before anything is
# compared, as what a person reads is what may be a credential.
_SEQUENCE = re.compile(
    "(?:\x1b\\[|\x9b(?=[0-?]))[0-?]{0,64}[ -/]{0,8}[@-~]"
    "|\x1b\\][^\x07\x1b\n]{0,1000}(?:\x07|\x1b\\\\)"
    "|\x1b[()*+][A-Z0-9]"
)


def mask(text: str, own: Sequence[str] = ()) -> str:
    """Return `text` without terminal sequences and with what looks like a credential replaced.

    The number of lines stays, so that a text made of several can be masked as a whole and be taken apart again.

    Args:
        text: What others wrote.
        own: Regular expressions of the user for further secrets.
    """
    masked = _masked_by_all(_SEQUENCE.sub("", text), own)
    for view in (legible, decoded):
        readable = view(masked)
        if readable != masked:
            masked = _masked_in_view(masked, readable, own)
    return masked


def _masked_in_view(text: str, readable: str, own: Sequence[str]) -> str:
    """Return a text of which the lines with a secret are shown as they are read; the others stay as they are."""
    lines = zip(text.split("\n"), readable.split("\n"), _masked_by_all(readable, own).split("\n"), strict=True)
    return "\n".join(line if read == again else again for line, read, again in lines)


def secrets_in(text: str, own: Sequence[str] = ()) -> Iterator[str]:
    """Yield what is masked in a text, with the quotation marks around it.

    Args:
        text: What others wrote.
        own: Regular expressions of the user for further secrets.
    """
    text = decoded(legible(text))
    for line, masked in zip(text.split("\n"), mask_keys(text).split("\n"), strict=True):
        if line != masked:
            yield from (word for word in _KEY_WORD.findall(line) if word not in masked)
    yield from (match[0] for match in TOKEN.finditer(text))
    for match in ASSIGNMENT.finditer(text):
        if not match["arn"]:
            yield match[0][len(_kept(match)) :]
    for pattern in own:
        yield from _own(pattern).found(text)


def _masked_by_all(text: str, own: Sequence[str]) -> str:
    text = ASSIGNMENT.sub(_assigned, TOKEN.sub(MASK, mask_keys(text)))
    for pattern in own:
        text = _own(pattern).mask(text)
    return text


class _OwnPattern:
    """A regular expression of the user, whose search ends however it backtracks."""

    def __init__(self, pattern: str) -> None:
        import regex  # noqa: PLC0415  # slow to load, and needed by few; `re` cannot be interrupted

        self._left = _SECONDS_IN_ALL
        try:
            self._expression: Any = regex.compile(for_regex(pattern), regex.VERSION0)
            self._limit = {"timeout": _SECONDS}
        except regex.error:
            # The configuration takes what `re` does.
            self._expression = re.compile(pattern)
            self._limit = {}

    def mask(self, text: str) -> str:
        """Return a text with its matches masked; where they cannot be found in time, nothing of it is shown."""
        masked = self._in_time(lambda: str(self._expression.sub(_whole, text, **self._limit)))
        return "\n".join([_WITHHELD] * (text.count("\n") + 1)) if masked is None else masked

    def found(self, text: str) -> list[str]:
        """Return its matches in a text; none where they cannot be found in time."""
        return self._in_time(lambda: [match[0] for match in self._expression.finditer(text, **self._limit)]) or []

    def _in_time(self, search: Callable[[], T]) -> T | None:
        """Return the result of a search, or None where there is no time for it."""
        if self._left <= 0:
            return None
        began = time.process_time()
        try:
            return search()
        except TimeoutError:
            self._left -= time.process_time() - began
            return None


def _assigned(match: re.Match[str]) -> str:
    if match["arn"]:
        return match["arn"]
    kept = _kept(match)
    return f"{kept}{_masked(match[0][len(kept) :])}"


def _kept(match: re.Match[str]) -> str:
    """Return what stays of an assignment: the name, without its value."""
    return next((found for name in KEPT if (found := match[name])), "")


def _whole(match: re.Match[str]) -> str:
    return _masked(match[0])


def _masked(secret: str) -> str:
    return "\n" * secret.count("\n") + MASK if secret else ""


_own = lru_cache(maxsize=64)(_OwnPattern)
