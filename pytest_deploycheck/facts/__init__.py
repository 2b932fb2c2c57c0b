"""The facts that were observed: frozen values without I/O, which turn into plain JSON and back without loss."""

from __future__ import annotations
