"""The patterns of log expectations: how they are searched for, and what the service can leave out."""

from __future__ import annotations
