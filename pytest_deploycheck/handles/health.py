"""The health of a service as load balancers and alarms report it, for tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Self, overload

from msgspec import Struct

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.health import Alarm
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.analysis.targets import Registration

DnsNames = Callable[[Collection[str]], tuple[str, ...]]
"""Looks up the DNS names of the load balancers that forward to target groups, by the ARNs of those."""


class TaskTarget(Struct, frozen=True):
    """The health of a new task in a target group.

    Attributes:
        task: The task's id.
        target_group: The target group's name.
        address: The address or the EC2 instance it is registered by, or None where it is not registered.
        port: The port it is registered with, or None.
        state: `healthy`, `initial`, `unhealthy`, `draining`, `unused`, `unavailable` or `not registered`.
        reason: The load balancer's own name for why it is not healthy, such as `Target.Timeout`.
        description: Its sentence for it.
    """

    task: str
    target_group: str
    address: str | None
    port: int | None
    state: str
    reason: str = ""
    description: str = ""

    def __repr__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"<task {self.task} is {self.state} in {self.target_group}{why}>"


class States(frozenset[str]):
    """The states of targets; it remembers whose they are, for the message of a failed comparison.

    Attributes:
        targets: The targets.
    """

    targets: tuple[TaskTarget, ...]

    def __new__(cls, targets: Sequence[TaskTarget]) -> Self:
        """Make the set; it is compared like any other."""
        self = super().__new__(cls, (target.state for target in targets))
        self.targets = tuple(targets)
        return self

    def __repr__(self) -> str:
        return f"target_health.states {{{', '.join(sorted(self))}}}"

    def describe(self, others: Collection[str]) -> list[str]:
        """A line for each target whose state is none of `others`, in the load balancer's words."""
        return [
            f"{target!r}{f': {target.description}' if target.description else ''}"
            for target in self.targets
            if target.state not in others
        ]


class TargetHealth(Sequence[TaskTarget]):
    """The health of each new task in each target group of the service."""

    def __init__(self, targets: Sequence[TaskTarget], dns_names: Callable[[], tuple[str, ...]]) -> None:
        self._targets = tuple(targets)
        self._dns_names = dns_names

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The DNS names of the load balancers that forward to the target groups, looked up when they are asked for.

        Raises:
            UnprovenError: They could not be read.
        """
        return self._dns_names()

    @property
    def dns_name(self) -> str:
        """The DNS name of the load balancer.

        Raises:
            UnprovenError: It could not be read, or there is none or more than one.
        """
        names = self.dns_names
        if len(names) != 1:
            listed = f"{len(names)} load balancers forward to the target groups of the service: {', '.join(names)}"
            raise UnprovenError(f"{listed if names else 'No load balancer forwards to the target groups'}.")
        return names[0]

    @property
    def states(self) -> AbstractSet[str]:
        """The states that there are: `assert target_health.states == {"healthy"}`.

        Raises:
            UnprovenError: There is none, so an assertion on all of them would hold of nothing.
        """
        if not self._targets:
            raise UnprovenError("No task that runs the image stands in a target group, so its health is not known.")
        return States(self._targets)

    @overload
    def __getitem__(self, index: int) -> TaskTarget: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[TaskTarget]: ...

    def __getitem__(self, index: int | slice) -> TaskTarget | Sequence[TaskTarget]:
        return self._targets[index]

    def __len__(self) -> int:
        return len(self._targets)

    def __repr__(self) -> str:
        return f"<{len(self)} targets: {', '.join(map(repr, self))}>"


class AlarmState(Struct, frozen=True):
    """A declared alarm.

    Attributes:
        name: Its name.
        state: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
        since: When it came to that state (UTC), or None where CloudWatch does not say.
        reason: CloudWatch's own sentence for it.
        went_off_at: When it first went off since the rollout began (UTC), or None where it did not.
    """

    name: str
    state: str
    since: datetime | None
    reason: str
    went_off_at: datetime | None

    @property
    def is_quiet(self) -> bool:
        """True if it is OK, and has not gone into ALARM since the rollout began."""
        return self.state == "OK" and self.went_off_at is None

    def __repr__(self) -> str:
        off = f", went off {self.went_off_at:%H:%M:%S} UTC" if self.went_off_at else ""
        why = f": {self.reason}" if self.state != "OK" and self.reason else ""
        return f"<alarm {self.name} is {self.state}{off}{why}>"


class Alarms(Mapping[str, AlarmState]):
    """The declared alarms by their names: `assert alarms["backend-5xx"].is_quiet`."""

    def __init__(self, alarms: Sequence[AlarmState]) -> None:
        self._alarms = {alarm.name: alarm for alarm in alarms}

    def __getitem__(self, name: str) -> AlarmState:
        if name not in self._alarms:
            raise KeyError(f"no alarm {name!r} is declared{did_you_mean(name, self._alarms)}")
        return self._alarms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._alarms)

    def __len__(self) -> int:
        return len(self._alarms)

    def __repr__(self) -> str:
        return f"<{len(self)} alarms: {', '.join(map(repr, self.values()))}>"


def target_health(analysis: ServiceAnalysis, dns_names: DnsNames = lambda _: ()) -> TargetHealth:
    """The health of each new task in each target group of a service.

    Args:
        analysis: The analysis of the service.
        dns_names: Looks up the DNS names of the load balancers that forward to target groups.

    Raises:
        UnprovenError: That could not be looked at.
    """
    for subject in ("service", "tasks", "targets", "instances"):
        _require_seen(analysis.facts, subject)
    service = analysis.facts.service
    groups = tuple(
        dict.fromkeys(arn for one in (service.load_balancers if service else ()) for arn in one.target_groups)
    )
    return TargetHealth(tuple(map(_task_target, analysis.registrations)), lambda: dns_names(groups))


def alarms(facts: ServiceFacts) -> Alarms:
    """The alarms that are declared for a service.

    Raises:
        UnprovenError: They could not be looked at, or one of them does not exist.
    """
    _require_seen(facts, "alarms")
    for name, near in facts.health.no_alarms.items():
        raise UnprovenError(f"There is no alarm {name!r}{did_you_mean(name, near)}")
    return Alarms(tuple(map(_alarm_state, facts.health.alarms)))


def _require_seen(facts: ServiceFacts, subject: str) -> None:
    problem = facts.problems.get(subject)
    if problem:
        raise UnprovenError(f"{problem.message} {problem.remedy}")


def _task_target(one: Registration) -> TaskTarget:
    target = one.target
    return TaskTarget(
        task=one.task.id,
        target_group=one.group.name,
        address=target.id if target else None,
        port=target.port if target else None,
        state=one.state,
        reason="" if one.state == "healthy" else one.reason,
        description=target.description if target else "",
    )


def _alarm_state(alarm: Alarm) -> AlarmState:
    if alarm.changes is None:
        raise UnprovenError(
            f"Whether the alarm {alarm.name!r} went off since the rollout began is not known: its history may not be "
            "read (cloudwatch:DescribeAlarmHistory)."
        )
    change = alarm.first_alarm
    return AlarmState(alarm.name, alarm.state, alarm.since, alarm.reason, change.at if change else None)
