"""The name by which an earlier report in Markdown or HTML is known."""

from __future__ import annotations

from importlib.metadata import version

GENERATOR = "pytest-deploycheck report"
"""It stands near the start of the file: in a comment, or as the page's generator."""

_HEAD = 2000
"""Characters at the start of a file in which it is looked for."""


def generator() -> str:
    """Return the name of this software with its version."""
    return f"{GENERATOR}, version {version('pytest-deploycheck')}"


def is_generated(text: str) -> bool:
    """Tell if a text names this software as its generator near its start."""
    return GENERATOR in text[:_HEAD]
