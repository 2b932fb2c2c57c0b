"""The retries of requests that fail temporarily: their number, and the waits between them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.registry.errors import BlobError, PassingError

T = TypeVar("T")


class Retries(Struct, frozen=True):
    """The number of attempts and the waits between them.

    Attributes:
        attempts: The largest number of attempts.
        backoff: Seconds before the second attempt, about; each further pause is twice as long.
        longest: Seconds of such a pause, at the most.
        longest_told: Seconds that a server may ask to wait; a longer wait is not begun.
        sleep: Waits for some seconds.
    """

    attempts: int = 5
    backoff: float = 0.5
    longest: float = 10.0
    longest_told: float = 30.0
    sleep: Callable[[float], None] = time.sleep


class Patience:
    """The attempts at one request.

    Args:
        retries: Their number and the waits between them.
        time_left: Seconds that they may take from now on.
    """

    def __init__(self, retries: Retries, time_left: Callable[[], float]) -> None:
        self._retries = retries
        self._time_left = time_left
        self._failures = 0

    def wait(self, failure: PassingError) -> None:
        """Wait until the next attempt.

        Raises:
            BlobError: The attempts or the time are used up, or the server asks for a longer wait than is allowed.
        """
        self._failures += 1
        if failure.after is not None and failure.after > self._retries.longest_told:
            raise BlobError(failure.problem)
        if self._failures >= self._retries.attempts:
            raise BlobError(_after_all(failure, self._failures))
        pause = min(self._retries.longest, self._retries.backoff * 2 ** (self._failures - 1))
        # Workers that were throttled together must not retry together.
        pause *= random.uniform(0.5, 1)  # noqa: S311
        pause = max(pause, failure.after or 0)
        if pause >= self._time_left():
            raise BlobError(_after_all(failure, self._failures))
        self._retries.sleep(pause)


def persist(attempt: Callable[[], T], retries: Retries, time_left: Callable[[], float]) -> T:
    """Return the result of `attempt`, which is repeated while it fails with a `PassingError` and there is time.

    Raises:
        BlobError: It failed permanently, or too often.
    """
    patience = Patience(retries, time_left)
    while True:
        try:
            return attempt()
        except PassingError as error:
            failure = error
        # Outside of the handler, so that the temporary failure is not the context of the final error.
        patience.wait(failure)


def _after_all(failure: PassingError, attempts: int) -> Problem:
    if attempts == 1:
        return failure.problem
    return replace(failure.problem, message=f"{failure.problem.message} ({attempts} attempts)")
