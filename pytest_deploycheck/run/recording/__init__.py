"""The record of a run, from which it can be judged again without contacting anything."""

from __future__ import annotations
