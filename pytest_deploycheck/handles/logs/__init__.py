"""The log tail that a test holds."""

from __future__ import annotations
