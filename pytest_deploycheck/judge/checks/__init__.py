"""The checks: each takes what was derived from the facts of a service and returns a finding."""

from __future__ import annotations
