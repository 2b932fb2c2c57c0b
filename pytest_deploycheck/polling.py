"""The one loop behind every wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Pace(Struct, frozen=True):
    """The pace of a wait: it polls quickly at first, and less often the longer it lasts.

    Attributes:
        shortest: Seconds between two polls at the start.
        longest: Seconds between two polls, at the most.
        share: The part of the time waited so far that a pause takes between those bounds.
    """

    shortest: float
    longest: float
    share: float

    def pause(self, elapsed: float) -> float:
        """Return the seconds until the next poll, after a wait of `elapsed` seconds."""
        return min(self.longest, max(self.shortest, self.share * elapsed))


PATIENT = Pace(shortest=0.2, longest=5.0, share=0.5)
"""The pace of waits that take minutes, such as for a rollout."""


class Clock(Protocol):
    """The clock of a wait."""

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


class Waited(Struct, Generic[T], frozen=True):
    """The end of a wait.

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
    pace: Pace = PATIENT,
    rest: Callable[[float], bool] | None = None,
) -> Waited[T]:
    """Poll until the observation is settled or `timeout` seconds have passed.

    It polls at least once, and a last time at the deadline, so that what happened in the final pause counts.

    Args:
        look: Makes one observation.
        settled: Returns whether an observation is final, for better or worse.
        timeout: Seconds; 0 polls once.
        clock: The clock.
        pace: The pace.
        rest: Passes the seconds between two polls; returns whether something called for a poll before they were over,
            and then the polls are quick again. Default: the clock's own sleep.
    """
    start = quick_since = clock.monotonic()
    while True:
        started_look = clock.monotonic()
        last = look()
        elapsed = clock.monotonic() - start
        if settled(last):
            return Waited(last, settled=True, elapsed=elapsed)
        if started_look - start >= timeout:
            return Waited(last, settled=False, elapsed=elapsed)
        pause = max(0.0, min(pace.pause(clock.monotonic() - quick_since), timeout - elapsed))
        if rest is None:
            clock.sleep(pause)
        elif rest(pause):
            quick_since = clock.monotonic()
