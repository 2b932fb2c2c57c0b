"""Controls of alarms and metrics."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.world.alarms import AlarmState, SandboxAlarm
from pytest_deploycheck.sandbox.world.metrics import Sample, metric_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.world import World

_A_DAY = timedelta(days=1)


class MonitoringControls:
    """The part of the sandbox that is about CloudWatch's alarms and metrics."""

    _world: World

    def create_alarm(
        self,
        name: str,
        *,
        state: AlarmState = "OK",
        reason: str = "",
        composite: bool = False,
        rule: str = "",
        region: str = "",
        at: datetime | None = None,
    ) -> SandboxAlarm:
        """Make an alarm. Nothing evaluates it: it says what it is told to.

        As in AWS it begins with insufficient data, and its history tells how it came to its state at once.

        Args:
            name: Its name.
            state: What it says: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
            reason: Why, for people; default: what CloudWatch says of such a state.
            composite: Whether it is a composite alarm, which CloudWatch tells of only when it is asked to.
            rule: The rule of a composite alarm; default: the alarm `NAME-metric` is in ALARM.
            region: Where; default: the sandbox's region.
            at: When; default: a day ago, as an alarm is older than the rollout it watches.

        Raises:
            ValueError: If there is such an alarm already.
        """
        world = self._world
        with world.account.lock:
            where = (region or world.account.region, name)
            if where in world.alarms:
                raise ValueError(f"There is an alarm {name} in {where[0]} already")
            when = world.account.moment(at or world.account.now() - _A_DAY)
            rule = (rule or f'ALARM("{name}-metric")') if composite else ""
            alarm = SandboxAlarm(world.account, name, where[0], when, composite, rule)
            if reason or state != alarm.state:
                alarm.set_state(state, reason, at=when)
            world.alarms[where] = alarm
            return alarm

    def put_metric(
        self,
        namespace: str,
        metric: str,
        value: float,
        *,
        dimensions: Mapping[str, str] | None = None,
        region: str = "",
        at: datetime | None = None,
    ) -> None:
        """Report a value of a metric.

        Args:
            namespace: Such as `AWS/ApplicationELB`.
            metric: Its name, such as `RequestCount`.
            value: The value.
            dimensions: Names and values of its dimensions; each combination is a metric of its own.
            region: Where; default: the sandbox's region.
            at: Of which moment; default: now.
        """
        world = self._world
        with world.account.lock:
            named = metric_name(region or world.account.region, namespace, metric, dimensions or {})
            world.metrics.put(named, Sample.of(value, world.account.moment(at)))
