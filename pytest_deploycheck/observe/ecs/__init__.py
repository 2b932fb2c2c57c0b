"""Queries to ECS."""

from __future__ import annotations
