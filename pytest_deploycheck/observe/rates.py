"""The budget of calls: each waits until the rates of AWS allow it, instead of being throttled and tried again.

No library fits: botocore's adaptive mode holds a whole client to one rate, which it learns by being throttled first;
aiolimiter is for asyncio, and pyrate-limiter counts in windows. AWS has buckets that several operations share, with a
burst beside the rate. Here the rate changes with what is learned, and polls get a share only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct, field

from pytest_deploycheck.polling import Clock, SystemClock


class CallRate(Struct, frozen=True):
    """A rate that operations share in an account and region.

    Attributes:
        actions: The IAM actions of the operations.
        burst: Calls at once.
        refill: Calls a second.
        regions: The regions in which it holds; none for all that have no rate of their own.
    """

    actions: tuple[str, ...]
    burst: float
    refill: float
    regions: tuple[str, ...] = ()


PUBLISHED = (
    CallRate(("ecs:ListTasks", "ecs:DescribeTasks", "ecs:DescribeContainerInstances"), 100, 20),
    CallRate(("ecs:ListServices", "ecs:DescribeServices"), 100, 20),
    CallRate(("ecs:ListServiceDeployments", "ecs:DescribeServiceDeployments"), 50, 20),
    CallRate(("ecs:DescribeServiceRevisions",), 50, 20),
    CallRate(("ecs:DescribeTaskDefinition",), 50, 20),
    CallRate(("ecr:BatchGetImage",), 2000, 2000),
    CallRate(("ecr:GetDownloadUrlForLayer",), 3000, 3000),
    CallRate(("logs:FilterLogEvents",), 25, 25, ("us-east-1",)),
    CallRate(
        ("logs:FilterLogEvents",),
        5,
        5,
        ("ap-northeast-3", "ap-southeast-3", "ca-west-1", "eu-central-1", "il-central-1"),
    ),
    CallRate(("logs:FilterLogEvents",), 10, 10),
    CallRate(("cloudwatch:DescribeAlarms",), 9, 9),
)
"""The rates that AWS publishes for an account and region, each a bucket of its own."""

_MARGIN = 0.95
"""The part of a rate that is used: calls arrive less evenly than they are made."""

_POLLS = 0.25
"""The part of a bucket that polling may use, so that the deployments of others are not hindered."""

_SLOWEST = 0.05
"""The part of its rate at which a bucket is used at least, however often it is throttled."""

_RECOVERY = 0.1
"""The growth a second of a rate that a throttle had halved."""

_SAME_THROTTLE = 0.5
"""Seconds in which further throttles are those of calls that were under way already."""

_is_polling: ContextVar[bool] = ContextVar("is_polling", default=False)


@contextmanager
def polling(*, is_on: bool = True) -> Generator[None]:
    """Let the calls inside the block count as polls, which use a quarter of each bucket at the most."""
    token = _is_polling.set(is_on)
    try:
        yield
    finally:
        _is_polling.reset(token)


class _Tokens(Struct):
    """A number of calls that may be made at once, which grows with time; below 0 those that have to wait."""

    most: float
    left: float
    filled_at: float

    def fill(self, now: float, refill: float) -> None:
        self.left = min(self.most, self.left + (now - self.filled_at) * refill)
        self.filled_at = now

    def take(self, refill: float) -> float:
        """Take one, and return the seconds until it is there."""
        self.left -= 1
        return max(0.0, -self.left / refill)


class _CallBucket:
    """The calls of one rate, in one account and region."""

    def __init__(self, rate: CallRate, share: float, now: float) -> None:
        self._full = rate.refill * share * _MARGIN
        self._refill = self._full
        # At least one call is left of a small bucket, as some calls take longer on their way than those after them.
        burst = max(1.0, min(rate.burst * _MARGIN, rate.burst - 1) * share)
        self._tokens = _Tokens(burst, burst, now)
        polls = max(1.0, burst * _POLLS)
        self._polls = _Tokens(polls, polls, now)
        self._slowed_at: float | None = None
        self.taken = 0

    def take(self, now: float, *, is_poll: bool) -> float:
        """Take a call out of the bucket, and return the seconds to wait before it is made."""
        self._fill(now)
        self.taken += 1
        wait = self._tokens.take(self._refill)
        return max(wait, self._polls.take(self._refill * _POLLS)) if is_poll else wait

    def charge(self, calls: int, now: float) -> None:
        """Count calls that were made already, out of a bucket of their own."""
        self._fill(now)
        self.taken += calls
        self._tokens.left -= calls

    def slow_down(self, now: float) -> None:
        """Halve the rate, as AWS throttled a call: others use the bucket as well, or the region allows less."""
        self._fill(now)
        if self._slowed_at is not None and now - self._slowed_at < _SAME_THROTTLE:
            return
        self._slowed_at = now
        self._refill = max(self._refill / 2, self._full * _SLOWEST)
        self._tokens.left = min(self._tokens.left, 0.0)

    def _fill(self, now: float) -> None:
        passed = now - self._tokens.filled_at
        self._tokens.fill(now, self._refill)
        self._polls.fill(now, self._refill * _POLLS)
        self._refill = min(self._full, self._refill * (1 + _RECOVERY) ** passed)


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
        self._buckets: dict[tuple[str, CallRate], _CallBucket] = {}
        self._lock = threading.Lock()
        self._held = 0.0
        self._held_until = 0.0
        self.throttles = 0

    @property
    def held(self) -> float:
        """The seconds during which calls were held back so far; those of calls that waited side by side count once."""
        with self._lock:
            return self._held

    def take(self, action: str, region: str) -> None:
        """Return when a call may be made."""
        wait = self._reserve(action, region)
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
                bucket = self._bucket(rate.actions[0], region)
                if bucket:
                    bucket.charge(calls, self._clock.monotonic())

    def _reserve(self, action: str, region: str) -> float:
        with self._lock:
            bucket = self._bucket(action, region)
            if bucket is None:
                return 0.0
            now = self._clock.monotonic()
            wait = bucket.take(now, is_poll=_is_polling.get())
            end = now + wait
            self._held += max(0.0, end - max(now, self._held_until))
            self._held_until = max(self._held_until, end)
            return wait

    def _bucket(self, action: str, region: str) -> _CallBucket | None:
        rate = self._rates.get((action, region)) or self._rates.get((action, ""))
        if rate is None:
            return None
        key = (region, rate)
        if key not in self._buckets:
            self._buckets[key] = _CallBucket(rate, self._share, self._clock.monotonic())
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
    def held(self) -> float:
        """The seconds during which calls were held back, in the account where they were the most."""
        with self._lock:
            return max((budget.held for budget in self._all), default=0.0)

    @property
    def throttles(self) -> int:
        """The calls that AWS throttled all the same."""
        with self._lock:
            return sum(budget.throttles for budget in self._all)
