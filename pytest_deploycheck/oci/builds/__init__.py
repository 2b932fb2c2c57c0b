"""The output of builders: the steps of a build, and the digest that it ended with."""

from __future__ import annotations
