"""One verification from options to report, without pytest."""

from __future__ import annotations
