"""The rates that AWS publishes, and the calls that one of them allows."""

from __future__ import annotations

from msgspec import Struct


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


class CallBucket:
    """The calls of one rate, in one account and region.

    Args:
        rate: The rate.
        share: The part of it that may be used.
        now: The time by a monotonic clock, in seconds.

    Attributes:
        taken: The calls so far.
    """

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

    @property
    def least_seconds(self) -> float:
        """The seconds that the calls so far take at least, at the published rate."""
        return max(0.0, (self.taken - self._tokens.most) / self._full)

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
