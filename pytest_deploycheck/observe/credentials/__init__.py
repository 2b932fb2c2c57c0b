"""The credentials of a session, and what keeps them away."""

from __future__ import annotations
