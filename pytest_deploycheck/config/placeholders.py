"""The placeholders in settings."""

from __future__ import annotations

import re

PLACEHOLDER = "{env}"
"""Stands for the environment's name."""

CONTAINER, TASK = "{container}", "{task}"
"""Stand for a container's name and a task's id, in the names of log streams only."""

_BRACES = re.compile(r"\{[^{}]*\}?|\}")


def unknown(text: str, known: tuple[str, ...] = (PLACEHOLDER,)) -> list[str]:
    """What stands in braces in `text` and is not among `known`; a brace without its partner counts too."""
    return [found for found in _BRACES.findall(text) if found not in known]


def fill(text: str, environment: str) -> str:
    """`text` with the name of the environment in place of `{env}`."""
    return text.replace(PLACEHOLDER, environment)
