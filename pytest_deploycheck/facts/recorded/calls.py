"""The calls of AWS's API that a run made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct


class Calls(Struct, frozen=True):
    """The calls of one operation.

    Attributes:
        operation: The IAM action, for example `ecs:DescribeServices`.
        times: How often it was called; each page of an answer is a call.
        first_at: When it was first called, by this machine's clock (UTC).
        last_at: When it was last called.
    """

    operation: str
    times: int
    first_at: datetime
    last_at: datetime

    def joined(self, other: Calls) -> Calls:
        """Return these calls and those of another process, of the same operation."""
        return Calls(
            self.operation,
            self.times + other.times,
            min(self.first_at, other.first_at),
            max(self.last_at, other.last_at),
        )


def joined(*counts: tuple[Calls, ...]) -> tuple[Calls, ...]:
    """Return the calls of several processes, by operation in the order of their names."""
    every: dict[str, Calls] = {}
    for calls in counts:
        for one in calls:
            known = every.get(one.operation)
            every[one.operation] = known.joined(one) if known else one
    return tuple(every[name] for name in sorted(every))


class CallsMade(Struct, frozen=True):
    """The calls that a process made in an environment, and what the rates of AWS cost it.

    Attributes:
        calls: The calls, by operation.
        held: Seconds during which calls were held back.
        throttles: The calls that AWS throttled all the same.
    """

    calls: tuple[Calls, ...] = ()
    held: float = 0.0
    throttles: int = 0

    def with_workers(self, workers: Sequence[CallsMade]) -> CallsMade:
        """Return them with those of processes that worked side by side, after this one."""
        return CallsMade(
            joined(self.calls, *(one.calls for one in workers)),
            self.held + max((one.held for one in workers), default=0.0),
            self.throttles + sum(one.throttles for one in workers),
        )
