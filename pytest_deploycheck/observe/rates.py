"""The budget of calls: each waits until the rates of AWS allow it, instead of being throttled and tried again.

No library fits: botocore's adaptive mode holds a whole client to one rate, which it learns by being throttled first;
aiolimiter is for asyncio, and pyrate-limiter counts in windows. AWS has buckets that several operations share, with a
burst beside the rate. Here the rate changes with what is learned, and polls get a share only.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct, field

from pytest_deploycheck.observe.call_bucket import PUBLISHED, CallBucket, CallRate
from pytest_deploycheck.polling import Clock, SystemClock

_FORGIVEN = 5.0
"""Seconds of throttling that a run is granted in addition to its time, however few calls it makes."""

_is_polling: ContextVar[bool] = ContextVar("is_polling", default=False)


@contextmanager
def polling(*, is_on: bool = True) -> Generator[None]:
    """Let the calls inside the block count as polls, which use a quarter of each bucket at the most."""
    token = _is_polling.set(is_on)
    try:
        yield
    finally:
        _is_polling.reset(token)


class RateBudget:
    """The calls that an account allows in each region, shared by all who make them in this process.

    Args:
        share: The part of the rates that this process may use.
        clock: Where the time comes from.
        rates: The rates.
    """

    def __init__(
        self, share: float = 1.0, *, clock: Clock | None = None, rates: tuple[CallRate, ...] = PUBLISHED
    ) -> None:
        self._share = share
        self._clock = clock or SystemClock()
        self._rates = {
            (action, region): rate for rate in rates for action in rate.actions for region in rate.regions or ("",)
        }
        self._buckets: dict[tuple[str, CallRate], CallBucket] = {}
        self._lock = threading.Lock()
        self._held = 0.0
        self._held_until = 0.0
        self._least = 0.0
        self.throttles = 0

    @property
    def held(self) -> float:
        """The seconds during which calls were held back so far; those of calls that waited side by side count once."""
        with self._lock:
            return self._held

    @property
    def granted(self) -> float:
        """The seconds of those that a run is granted in addition to its time.

        That is twice the time that the calls take at the published rates, as others may use these as well, and a few
        seconds: a run ends in time, also where AWS throttles it to the end.
        """
        with self._lock:
            return min(self._held, 2 * self._least + _FORGIVEN)

    def take(self, action: str, region: str, time_left: Callable[[], float] = lambda: math.inf) -> None:
        """Return when a call may be made.

        Args:
            action: The IAM action of the operation.
            region: The region.
            time_left: Seconds for which the call may wait.

        Raises:
            ObservationTimeoutError: It would have to wait longer.
        """
        wait = self._reserve(action, region)
        if wait > 0 and wait > time_left():
            from pytest_deploycheck.observe.problems import (  # noqa: PLC0415  # it loads botocore
                ObservationTimeoutError,
            )

            raise ObservationTimeoutError(operation=action)
        if wait > 0:
            self._clock.sleep(wait)

    def throttled(self, action: str, region: str) -> None:
        """Note that AWS throttled a call."""
        with self._lock:
            self.throttles += 1
            bucket = self._bucket(action, region)
            if bucket:
                bucket.slow_down(self._clock.monotonic())

    def charge(self, other: RateBudget) -> None:
        """Count the calls that another budget allowed, which turns out to be that of the same account."""
        with other._lock:
            taken = {key: bucket.taken for key, bucket in other._buckets.items()}
        with self._lock:
            for (region, rate), calls in taken.items():
                self._bucket_of(rate, region).charge(calls, self._clock.monotonic())

    def _reserve(self, action: str, region: str) -> float:
        with self._lock:
            bucket = self._bucket(action, region)
            if bucket is None:
                return 0.0
            now = self._clock.monotonic()
            wait = bucket.take(now, is_poll=_is_polling.get())
            self._least = max(self._least, bucket.least_seconds)
            end = now + wait
            self._held += max(0.0, end - max(now, self._held_until))
            self._held_until = max(self._held_until, end)
            return wait

    def _bucket(self, action: str, region: str) -> CallBucket | None:
        rate = self._rates.get((action, region)) or self._rates.get((action, ""))
        return self._bucket_of(rate, region) if rate else None

    def _bucket_of(self, rate: CallRate, region: str) -> CallBucket:
        key = (region, rate)
        if key not in self._buckets:
            self._buckets[key] = CallBucket(rate, self._share, self._clock.monotonic())
        return self._buckets[key]


class Budgets(Struct):
    """The budgets of a run, one for each account; environments of the same account share one.

    Attributes:
        share: The part of the rates that this process may use: under pytest-xdist each worker has its own.
        make: Makes a budget.
    """

    share: float = 1.0
    make: Callable[[float], RateBudget] = RateBudget
    _by_account: dict[str, RateBudget] = field(default_factory=dict)
    _all: list[RateBudget] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def unknown(self) -> RateBudget:
        """Return a budget for calls that are made before their account is known."""
        with self._lock:
            return self._made()

    def identified(self, budget: RateBudget, account: str) -> RateBudget:
        """Return the budget of an account, in which the calls count that were made before it was known."""
        with self._lock:
            known = self._by_account.setdefault(account, budget)
        if known is not budget:
            known.charge(budget)
        return known

    def of(self, account: str) -> RateBudget:
        """Return the budget of an account."""
        with self._lock:
            if account not in self._by_account:
                self._by_account[account] = self._made()
            return self._by_account[account]

    def _made(self) -> RateBudget:
        self._all.append(self.make(self.share))
        return self._all[-1]

    @property
    def granted(self) -> float:
        """The seconds that a run is granted in addition to its time, in the account where they are the most."""
        with self._lock:
            return max((budget.granted for budget in self._all), default=0.0)
