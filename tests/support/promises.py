"""The settings of promises that are tried on generated examples."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("TRUST_EXAMPLES", "1"))
"""How many times as many examples are tried as in a run of all tests; `make trust` tries many more."""


def promise(examples: int) -> settings:
    """Return the settings with which a promise is tried, always with the same examples."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
