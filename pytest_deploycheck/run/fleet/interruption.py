"""The interruption of waits that go on in other threads."""

from __future__ import annotations

from threading import Event, current_thread, main_thread

from pytest_deploycheck.polling import Clock

_SLICE = 0.2
"""Seconds after which a wait notices that it is interrupted."""


class WaitInterruptedError(Exception):
    """The run was interrupted, which ends the waits of all its threads."""


class InterruptibleClock:
    """A clock whose waits end when the run is interrupted: a signal reaches the main thread alone.

    Args:
        clock: The clock that it goes by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._interrupted = Event()

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`.

        Raises:
            WaitInterruptedError: The run was interrupted.
        """
        if current_thread() is main_thread():
            self._clock.sleep(seconds)
            return
        ends = self._clock.monotonic() + seconds
        while (left := ends - self._clock.monotonic()) > 0:
            if self._interrupted.is_set():
                raise WaitInterruptedError
            self._clock.sleep(min(left, _SLICE))

    def interrupt(self) -> None:
        """End every wait."""
        self._interrupted.set()
