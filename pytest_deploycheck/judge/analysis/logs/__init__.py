"""The evaluation of log expectations."""

from __future__ import annotations
