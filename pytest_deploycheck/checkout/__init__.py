"""The local tree: files, ignore rules, git."""

from __future__ import annotations
