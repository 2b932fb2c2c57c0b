"""Queries to CloudWatch Logs."""

from __future__ import annotations
