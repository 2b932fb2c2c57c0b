"""The end of the wait for one expectation, and what the check and the report derive from it."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from pytest_deploycheck.config.settings import Expectation
from pytest_deploycheck.facts.log import LogEvent, LogSight
from pytest_deploycheck.judge.analysis.logs.near_miss import NearMiss, nearest_miss
from pytest_deploycheck.judge.analysis.logs.reading import Reading, matching

_FEW = 2
"""Characters by which a line may differ from the expected text for that to be taken for a typo."""


class ExpectationOutcome(Struct, frozen=True, dict=True):
    """The result of a log expectation at the end of the wait.

    Each property is derived when it is first used, and kept.

    Attributes:
        expectation: The expectation.
        reading: The answer.
        sight: What was read.
        waited: Seconds that were waited.
        elsewhere: Events with its patterns from tasks that run something else; they explain, and never count.
        stands_in: The places where the local source has what is expected.
        cut_short: Whether the wait ended before its time, so that a missing line may still come.
        is_elsewhere_read: Whether there was time to read the logs of tasks that run something else.
    """

    expectation: Expectation
    reading: Reading
    sight: LogSight
    waited: float
    elsewhere: tuple[LogEvent, ...] = ()
    stands_in: tuple[str, ...] = ()
    cut_short: bool = False
    is_elsewhere_read: bool = True

    @cached_property
    def near_misses(self) -> tuple[NearMiss, ...]:
        """The lines most like the expected ones, for each pattern that has one."""
        if self.expectation.kind == "forbid":
            return ()
        found = (nearest_miss(pattern, self.sight.recent) for pattern in self.expectation.patterns)
        return tuple(miss for miss in found if miss)

    @cached_property
    def typo(self) -> NearMiss | None:
        """The nearest miss that differs from the expected text by a character or two only."""
        return next((miss for miss in self.near_misses if miss.differing <= _FEW), None)

    @cached_property
    def old_tasks(self) -> frozenset[str]:
        """Ids of the tasks that run something else and logged it."""
        patterns = self.expectation.patterns
        return frozenset(event.task for pattern in patterns for event in matching(pattern, self.elsewhere))
