"""The values that several checks need, derived once from the facts of a service."""

from __future__ import annotations
