"""The account that the sandbox stands for: its identity, its time and the lock that guards what it owns."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pytest_deploycheck.sandbox.world.names import SandboxReference, parse_reference


@dataclass(slots=True, eq=False)
class Account:
    """The account of the callers. Hold `lock` while reading or changing anything that belongs to it.

    Attributes:
        id: The account's number.
        region: The region that is used where none is named.
        clock_offset: How far the clock of AWS is ahead of this machine's.
        lock: Guards everything that the account owns.
    """

    id: str
    region: str
    clock_offset: timedelta = timedelta(0)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def now(self) -> datetime:
        """Return the time of AWS, in UTC."""
        return datetime.now(UTC) + self.clock_offset

    def moment(self, at: datetime | None) -> datetime:
        """Return `at` in UTC, or the present where it is None.

        Raises:
            ValueError: If it has no time zone.
        """
        if at is None:
            return self.now()
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone: give an aware datetime, such as datetime.now(UTC)")
        return at.astimezone(UTC)

    def soon(self, at: datetime, after: timedelta) -> datetime:
        """Return the moment `after` later than `at`, but never one in the future."""
        return min(at + after, max(at, self.now()))

    def arrival(self, logged: datetime, arrives_in: float) -> datetime:
        """Return when a line becomes visible that was logged at a moment and is delayed by seconds of real time."""
        now = self.now()
        return now + timedelta(seconds=arrives_in) if arrives_in else min(logged, now)

    def reference(self, text: str, region: str = "") -> SandboxReference:
        """Parse an image reference; without a registry host it refers to this account and region."""
        return parse_reference(text, account=self.id, region=region or self.region)

    def arn(self, service: str, region: str, resource: str) -> str:
        """Return the ARN of a resource, given as `kind/name` or `kind:name`."""
        return f"arn:aws:{service}:{region}:{self.id}:{resource}"

    def ecs_arn(self, region: str, kind: str, *path: str) -> str:
        """Return the ARN of an ECS resource: a cluster, a service, a task and so on."""
        return self.arn("ecs", region, f"{kind}/{'/'.join(path)}")
