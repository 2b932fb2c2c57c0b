"""The rates at which AWS answers the calls of an account in a region."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_deploycheck.sandbox.world.errors import AwsError


class Rate(NamedTuple):
    """A rate that operations share.

    Attributes:
        operations: The operations, such as `ecs:ListTasks`.
        burst: The number of calls at once.
        refill: The number of calls a second.
        regions: The regions in which it holds; none for all.
    """

    operations: tuple[str, ...]
    burst: int
    refill: float
    regions: tuple[str, ...] = ()


PUBLISHED = (
    Rate(("ecs:ListTasks", "ecs:DescribeTasks", "ecs:DescribeContainerInstances"), 100, 20),
    Rate(("ecs:ListServices", "ecs:DescribeServices"), 100, 20),
    Rate(("ecs:ListServiceDeployments", "ecs:DescribeServiceDeployments"), 50, 20),
    Rate(("ecs:DescribeServiceRevisions",), 50, 20),
    Rate(("ecs:DescribeTaskDefinition",), 50, 20),
    Rate(("ecr:BatchGetImage",), 2000, 2000),
    Rate(("ecr:GetDownloadUrlForLayer",), 3000, 3000),
    Rate(("logs:FilterLogEvents",), 25, 25, ("us-east-1",)),
    Rate(
        ("logs:FilterLogEvents",),
        5,
        5,
        ("ap-northeast-3", "ap-southeast-3", "ca-west-1", "eu-central-1", "il-central-1"),
    ),
    Rate(("logs:FilterLogEvents",), 10, 10),
    Rate(("cloudwatch:DescribeAlarms",), 9, 9),
)
"""The rates that AWS publishes; of several for an operation the first that holds in a region."""

_QUERY_SERVICES = ("cloudwatch", "elasticloadbalancing")


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


@dataclass(slots=True)
class RateLimits:
    """Buckets of tokens, one for each rate and region.

    Attributes:
        rates: The rates in force.
        clock: A monotonic clock in seconds.
    """

    rates: tuple[Rate, ...] = ()
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[str, Rate], _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def limit(self, rates: tuple[Rate, ...]) -> None:
        """Put rates in force, with full buckets."""
        with self._lock:
            self.rates = rates
            self._buckets.clear()

    def check(self, operation: str, region: str) -> None:
        """Take a token for a call.

        Raises:
            AwsError: If the bucket is empty.
        """
        rate = next(
            (one for one in self.rates if operation in one.operations and region in (one.regions or (region,))), None
        )
        if rate is None:
            return
        now = self.clock()
        with self._lock:
            bucket = self._buckets.setdefault((region, rate), _Bucket(rate.burst, now))
            bucket.tokens = min(rate.burst, bucket.tokens + (now - bucket.filled_at) * rate.refill)
            bucket.filled_at = now
            if bucket.tokens < 1:
                is_query = operation.startswith(_QUERY_SERVICES)
                raise AwsError("Throttling" if is_query else "ThrottlingException", "Rate exceeded")
            bucket.tokens -= 1
