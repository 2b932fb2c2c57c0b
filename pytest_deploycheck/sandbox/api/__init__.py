"""How AWS answers for the sandbox's world."""

from __future__ import annotations
