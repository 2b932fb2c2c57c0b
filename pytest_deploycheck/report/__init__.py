"""Turns findings into what people and CI read. Pure: findings in, strings out."""

from __future__ import annotations
