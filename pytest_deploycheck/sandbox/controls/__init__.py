"""What a user of the sandbox calls to change its world."""

from __future__ import annotations
