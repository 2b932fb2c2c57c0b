"""The one loop behind every wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")

FIRST_PAUSE = 0.2
"""Seconds before the second look; the pauses grow from here."""

LONGEST_PAUSE = 5.0
"""Seconds between looks once a wait has settled."""

GROWTH = 1.5


class Clock(Protocol):
    """Time as a wait sees it: it passes, and one can let it pass."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class SystemClock:
    """The machine's own monotonic clock."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Waited(Generic[T]):
    """How a wait ended.

    Attributes:
        last: The last observation, whether it settled or not.
        settled: Whether the wait ended because the observation was final.
        elapsed: Seconds from the start of the wait to its end.
    """

    last: T
    settled: bool
    elapsed: float


def wait(
    look: Callable[[], T],
    settled: Callable[[T], bool],
    *,
    timeout: float,
    clock: Clock,
    longest_pause: float = LONGEST_PAUSE,
) -> Waited[T]:
    """Look until the observation is settled or `timeout` seconds have passed.

    It looks at least once, and a last time at the deadline, so that what happened in the final pause counts.

    Args:
        look: Makes one observation.
        settled: Says whether an observation is final, for better or worse.
        timeout: Seconds; 0 looks once.
        clock: Where time comes from.
        longest_pause: Seconds between two looks, at the most.
    """
    start = clock.monotonic()
    pause = FIRST_PAUSE
    while True:
        started_look = clock.monotonic()
        last = look()
        elapsed = clock.monotonic() - start
        if settled(last):
            return Waited(last, settled=True, elapsed=elapsed)
        if started_look - start >= timeout:
            return Waited(last, settled=False, elapsed=elapsed)
        clock.sleep(max(0.0, min(pause, longest_pause, timeout - elapsed)))
        pause *= GROWTH
