"""The health of a service as load balancers and alarms report it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field


class Target(Struct, frozen=True):
    """The health of one target, as its target group reports it.

    Attributes:
        id: The address or the EC2 instance it is registered by.
        port: The port it is registered with, or None.
        state: initial, healthy, unhealthy, unused, draining, unavailable, or a value yet unknown.
        reason: The load balancer's own name for why it is not healthy, such as `Target.Timeout`.
        description: Its sentence for it.
    """

    id: str
    port: int | None
    state: str
    reason: str = ""
    description: str = ""


class TargetGroup(Struct, frozen=True):
    """A target group and what it says of its targets; `arn` is its ARN."""

    arn: str
    targets: tuple[Target, ...] = ()

    @property
    def name(self) -> str:
        """Its name, which the ARN tells."""
        return self.arn.split("/")[1] if "/" in self.arn else self.arn


class AlarmChange(Struct, frozen=True):
    """A change of an alarm's state.

    Attributes:
        at: When (UTC).
        before: The state it left, or an empty string where that is not told.
        after: The state it came to: OK, ALARM or INSUFFICIENT_DATA.
        reason: CloudWatch's own sentence for it.
    """

    at: datetime
    before: str
    after: str
    reason: str = ""


class Alarm(Struct, frozen=True):
    """A CloudWatch alarm that was declared.

    Attributes:
        name: Its name.
        state: OK, ALARM or INSUFFICIENT_DATA.
        since: When it came to that state (UTC), or None where CloudWatch does not say.
        reason: CloudWatch's own sentence for it.
        is_composite: Whether it is made of other alarms.
        changes: How its state changed since the rollout began, the oldest first; None where that may not be read.
    """

    name: str
    state: str
    since: datetime | None = None
    reason: str = ""
    is_composite: bool = False
    changes: tuple[AlarmChange, ...] | None = ()

    @property
    def first_alarm(self) -> AlarmChange | None:
        """The first change into ALARM since the rollout began; None where there was none, or that is not known."""
        return next((change for change in self.changes or () if change.after == "ALARM"), None)


class Traffic(Struct, frozen=True):
    """The numbers of requests and of failed requests, with the limits that were declared for them.

    Attributes:
        requests: Requests counted.
        errors: Those of them that went wrong.
        since: The start of what was counted (UTC).
        until: The end of what was counted (UTC).
        max_share: The share of errors that is allowed, from 0 to 1.
        min_requests: The number of requests from which on the share says something.
        counted: What was counted, such as the names of the metrics.
        is_metric_known: Whether the metric of errors is known to be there: one that never counted anything may well be
            misspelt.
    """

    requests: float
    errors: float
    since: datetime
    until: datetime
    max_share: float
    min_requests: int
    counted: str = ""
    is_metric_known: bool = True

    @property
    def is_enough(self) -> bool:
        """True if enough requests were counted to compare the share of failed ones."""
        return self.requests >= max(self.min_requests, 1)

    @property
    def share(self) -> float:
        """The share of errors, from 0 to 1; 0 where there were no requests."""
        return self.errors / self.requests if self.requests else 0.0


class Health(Struct, frozen=True):
    """The health of a service as load balancers and alarms report it; its problems explain what is missing.

    Attributes:
        groups: The target groups of the service.
        alarms: The declared alarms that exist.
        no_alarms: The declared names that no alarm has, each with similar names.
        traffic: The numbers of requests and of failed requests, where a limit was declared.
        serving: Whether a target group serves production, by its ARN, for the pairs of groups between which traffic is
            shifted; without those of which that is not known.
    """

    groups: tuple[TargetGroup, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    no_alarms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    traffic: Traffic | None = None
    serving: Mapping[str, bool] = field(default_factory=dict)

    def group(self, arn: str) -> TargetGroup | None:
        """The target group of that ARN, if it was seen."""
        return next((group for group in self.groups if group.arn == arn), None)
