"""The code of the service, as it is copied into the image."""

from __future__ import annotations

STARTED = "the shop is running"
