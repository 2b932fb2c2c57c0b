"""Queries about health: target groups, alarms, metrics."""

from __future__ import annotations
