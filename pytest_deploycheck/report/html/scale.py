"""The time axis of a picture: later is further right, and long gaps take less room than they lasted."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate, pairwise

_SOON = 20.0
"""Seconds between two moments that already stand clearly apart."""


class TimeScale:
    """Places for moments, between two edges.

    Args:
        moments: All moments that are shown, in any order, at least one.
        left: The place of the first of them.
        right: The place of the last.
    """

    def __init__(self, moments: Iterable[datetime], left: float, right: float) -> None:
        self._moments = sorted(set(moments))
        gaps = [math.log1p((after - before).total_seconds() / _SOON) for before, after in pairwise(self._moments)]
        total = sum(gaps)
        share = (right - left) / total if total else 0.0
        self._places = [left + gap * share for gap in accumulate(gaps, initial=0.0)] if total else [right]

    def __call__(self, moment: datetime) -> float:
        """Return the place of one of the moments."""
        return round(self._places[bisect_left(self._moments, moment)], 1)


def tiers(extents: Sequence[tuple[float, float]]) -> list[int]:
    """Return a tier for each extent, so that those of one tier do not overlap; extents come from left to right."""
    ends: list[float] = []
    chosen = []
    for start, end in extents:
        tier = next((number for number, taken in enumerate(ends) if taken < start), len(ends))
        ends[tier : tier + 1] = [end]
        chosen.append(tier)
    return chosen
