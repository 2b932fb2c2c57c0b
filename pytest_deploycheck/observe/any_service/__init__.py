"""Clients of any AWS service that send only operations which are named like reads."""

from __future__ import annotations
