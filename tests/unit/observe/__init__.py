"""Unit tests of how AWS is asked, without any AWS."""

from __future__ import annotations
