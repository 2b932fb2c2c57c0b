"""The Markdown report: short enough for a pull request, and safe to paste there."""

from __future__ import annotations
