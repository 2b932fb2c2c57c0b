"""The name a user probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Lower than difflib's own 0.6, so that "production" still finds "prod".
_SIMILARITY = 0.5


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` most like `name`, whatever the case of its letters, or None when none is like it."""
    by_lower = {candidate.lower(): candidate for candidate in names}
    matches = get_close_matches(name.lower(), by_lower, n=1, cutoff=_SIMILARITY)
    return by_lower[matches[0]] if matches else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of a sentence about the unknown `name`: a question after the nearest name, or a full stop."""
    match = nearest(name, names)
    return "." if match is None else f"; did you mean {match!r}?"
