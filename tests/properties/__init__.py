"""Promises that hold for whatever a service may do."""

from __future__ import annotations
