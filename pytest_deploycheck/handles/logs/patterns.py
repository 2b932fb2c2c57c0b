"""The patterns of what a test asks for."""

from __future__ import annotations

import re

from pytest_deploycheck.config.settings import Pattern

Text = str | re.Pattern[str]
"""What a test asks for: a plain string is literal text, a compiled pattern is a regular expression."""


def to_pattern(text: Text) -> Pattern:
    """Return what a test asks for as a pattern.

    Raises:
        ValueError: It matches without any text, and so proves nothing.
    """
    pattern = Pattern(text.pattern, regex=True, flags=text.flags) if isinstance(text, re.Pattern) else Pattern(text)
    if pattern.matches_no_text:
        raise ValueError(f"pattern: {pattern} matches without any text, and so proves nothing; ask for a text")
    return pattern
