"""The state of the sandbox: what exists in its account."""

from __future__ import annotations
