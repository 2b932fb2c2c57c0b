"""The calls of AWS's API that a run made."""

from __future__ import annotations

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
