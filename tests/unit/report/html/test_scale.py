from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.report.html.scale import TimeScale, tiers

START = datetime(2025, 11, 26, tzinfo=UTC)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=20))
def test_later_is_further_right(seconds: list[int]) -> None:
    """Whatever the moments: their order is that of their places, which stay between the edges."""
    moments = [START + timedelta(seconds=one) for one in seconds]
    scale = TimeScale(moments, 10, 500)
    places = [scale(moment) for moment in sorted(moments)]
    assert places == sorted(places)
    assert all(10 <= place <= 500 for place in places)
    assert places[-1] == 500


def test_a_day_does_not_hide_a_minute() -> None:
    """Two minutes beside a day still take a part of the picture that is seen."""
    old, push, now = START, START + timedelta(days=1), START + timedelta(days=1, minutes=2)
    scale = TimeScale([old, push, now], 0, 1000)
    assert scale(now) - scale(push) > 100
    assert TimeScale([now], 0, 1000)(now) == 1000


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30)), max_size=12))
def test_labels_do_not_overlap(found: list[tuple[float, float]]) -> None:
    """Labels of one tier do not overlap, and no tier is used without need."""
    extents = sorted((start, start + length) for start, length in found)
    chosen = tiers(extents)
    for tier in set(chosen):
        mine = [extent for extent, number in zip(extents, chosen, strict=True) if number == tier]
        assert all(end < start for (_, end), (start, _) in pairwise(mine))
    assert set(chosen) == set(range(len(set(chosen))))
