"""The redaction of foreign text: no control characters, no credentials, no commands to CI, a bounded length."""

from __future__ import annotations

from pytest_deploycheck.redaction.masking import mask
from pytest_deploycheck.redaction.showing import LONGEST_SHOWN, clean, clean_lines, one_line

__all__ = ["LONGEST_SHOWN", "clean", "clean_lines", "mask", "one_line"]
