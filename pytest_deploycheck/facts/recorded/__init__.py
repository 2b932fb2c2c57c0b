"""The facts that a report records beside the observation: calls of the API, and what single checks read."""

from __future__ import annotations
