"""The operations of ECS."""

from __future__ import annotations
