"""The files inside the layers of an image."""

from __future__ import annotations
