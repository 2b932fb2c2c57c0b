"""The patterns of what a test asks for."""

from __future__ import annotations

import re

from pytest_deploycheck.config.settings import Pattern

Text = str | re.Pattern[str]
"""What a test asks for: a plain string is literal text, a compiled pattern is a regular expression."""


def to_pattern(text: Text) -> Pattern:
    """Return what a test asks for as a pattern.

    Raises:
        ValueError: It matches the empty text, which every line has.
    """
    pattern = Pattern(text.pattern, regex=True, flags=text.flags) if isinstance(text, re.Pattern) else Pattern(text)
    if pattern.matches_empty:
        raise ValueError(f"pattern: {pattern} matches the empty text, which every line has; ask for more than that")
    return pattern
