"""Turns facts into findings: pure functions, a module for each link of the chain, and one for the verdict."""

from __future__ import annotations
