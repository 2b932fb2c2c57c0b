"""Log groups and their events."""

from __future__ import annotations
