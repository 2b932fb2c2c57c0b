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
    """The controls of the sandbox for the alarms and metrics of CloudWatch."""

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
        """Create an alarm. Nothing evaluates it: its state is the one that is set.

        As in AWS it starts with insufficient data; the change to `state` is in its history.

        Args:
            name: Its name.
            state: Its state: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
            reason: The reason of the state; default: the usual one of CloudWatch.
            composite: Whether it is a composite alarm, which DescribeAlarms returns on request only.
            rule: The rule of a composite alarm; default: the alarm `NAME-metric` is in ALARM.
            region: The region; default: that of the sandbox.
            at: When it was created; default: a day ago, so that it is older than the rollouts that it watches.

        Raises:
            ValueError: If the alarm exists already.
        """
        world = self._world
        with world.account.lock:
            where = (region or world.account.region, name)
            if where in world.alarms:
                raise ValueError(f"The alarm {name} exists already in {where[0]}")
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
        """Put a value of a metric.

        Args:
            namespace: The namespace, such as `AWS/ApplicationELB`.
            metric: Its name, such as `RequestCount`.
            value: The value.
            dimensions: Its dimensions by name; each combination is a separate metric.
            region: The region; default: that of the sandbox.
            at: The time of the value; default: now.
        """
        world = self._world
        with world.account.lock:
            named = metric_name(region or world.account.region, namespace, metric, dimensions or {})
            world.metrics.put(named, Sample.of(value, world.account.moment(at)))
