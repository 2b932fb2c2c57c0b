"""Regular expressions of the user, as the engine that has a time limit reads them."""

from __future__ import annotations

import re

_BRACE = re.compile(r"(\\N\{[^}]*\}|\\.)|\{(?!(?:[0-9]+(?:,[0-9]*)?|,[0-9]*)\})", re.DOTALL)
"""A brace that bounds no repeat; before that, what is escaped already."""


def for_regex(text: str) -> str:
    """Return an expression that is written for `re` as the package `regex` has to be given it.

    A brace that bounds no repeat is a character to `re`, as in `/items/{id}`. To `regex` it is an error, or allows a
    number of differences, as in `user{i}`.
    """
    return _BRACE.sub(lambda match: match[1] or r"\{", text)
