"""The methods by which a user of the sandbox changes its state."""

from __future__ import annotations
