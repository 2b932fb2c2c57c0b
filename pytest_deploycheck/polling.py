"""The one loop behind every wait, and the time that a run may take beyond its waits."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


OVERTIME = 20.0
"""Seconds that a run may take in all beyond its stated waits, for what it calls."""


class TimedStep(Struct):
    """A step of a run that calls AWS.

    Attributes:
        wait: Seconds that it may take without using up the overtime.
        began: When it began, by the clock of the run.
        held: Seconds during which calls had been held back when it began.
    """

    wait: float
    began: float
    held: float = 0.0


class Overtime:
    """The seconds that a run may take beyond its stated waits, which all its steps share.

    However slowly AWS answers, a run ends when its waits and the overtime are over: a step that used up the overtime
    leaves the later ones their own waits.

    Args:
        clock: The clock of the run.
        seconds: The overtime.

    Attributes:
        held: Returns the seconds so far during which calls were held back, as AWS allows no more of them, and which are
            granted in addition.
    """

    def __init__(self, clock: Clock, seconds: float = OVERTIME) -> None:
        self._clock = clock
        self._seconds = seconds
        self._step: TimedStep | None = None
        self._limit = math.inf
        self._lock = threading.Lock()
        self.held: Callable[[], float] = lambda: 0.0

    def time_left(self) -> float:
        """Seconds that calls may take from now on; infinite outside of the steps of a run."""
        step = self._step
        ends = step.began + step.wait + self._seconds + self.held() - step.held if step else math.inf
        return min(ends, self._limit) - self._clock.monotonic()

    @contextmanager
    def step(self, wait: float = 0.0) -> Iterator[TimedStep]:
        """Count what the block takes beyond `wait` seconds; inside of another step it is a part of that."""
        step = TimedStep(wait, self._clock.monotonic())
        step.held = self.held()
        with self._lock:
            is_part = self._step is not None
            if not is_part:
                self._step = step
        try:
            yield step
        finally:
            if not is_part:
                self._step = None
                beyond = self._clock.monotonic() - step.began - step.wait - (self.held() - step.held)
                self._seconds -= min(self._seconds, max(0.0, beyond))

    @contextmanager
    def explanation(self) -> Iterator[Callable[[], bool]]:
        """Limit what only explains an answer to half of the time left, and tell whether that is over."""
        left, before = self.time_left(), self._limit
        self._limit = min(before, self._clock.monotonic() + left / 2)
        try:
            yield lambda: self.time_left() <= 0
        finally:
            self._limit = before
