"""Services, tasks and what they run on."""

from __future__ import annotations
