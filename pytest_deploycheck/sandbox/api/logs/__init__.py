"""The operations of CloudWatch Logs."""

from __future__ import annotations
