"""The placeholder `{env}` in settings."""

from __future__ import annotations

import re

PLACEHOLDER = "{env}"
"""Stands for the environment's name; the only placeholder there is."""

_BRACES = re.compile(r"\{[^{}]*\}?|\}")


def unknown(text: str) -> list[str]:
    """What stands in braces in `text` and is not `{env}`; a brace without its partner counts too."""
    return [found for found in _BRACES.findall(text) if found != PLACEHOLDER]


def fill(text: str, environment: str) -> str:
    """`text` with the name of the environment in place of `{env}`."""
    return text.replace(PLACEHOLDER, environment)
