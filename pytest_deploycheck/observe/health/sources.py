"""Alarms, target groups and metrics as one observation sees them, asked for once for all services that have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_deploycheck.facts.health import Alarm, TargetGroup
from pytest_deploycheck.observe.calls import side_by_side
from pytest_deploycheck.observe.health.alarms import MOST_PER_CALL, described_alarms, with_histories
from pytest_deploycheck.observe.health.targets import target_group
from pytest_deploycheck.observe.health.traffic import TrafficReader
from pytest_deploycheck.observe.together import Together

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session


class HealthSources:
    """Reads alarms a hundred names and metrics five hundred a call over all services, and each target group once.

    Args:
        session: The clients.
        now: The servers' time (UTC).
        alarms: The names of alarms that are going to be asked for.

    Attributes:
        now: The servers' time (UTC), up to which requests are counted.
        traffic: Counts requests.
    """

    def __init__(self, session: Session, now: datetime, alarms: Iterable[str] = ()) -> None:
        self._session = session
        self.now = now
        self.traffic = TrafficReader(session, now)
        self._alarms: Together[str, Alarm | None] = Together(
            "cloudwatch:DescribeAlarms", lambda names: described_alarms(session.cloudwatch(), names), MOST_PER_CALL
        )
        self._alarms.expect(alarms)
        self._groups: Together[str, TargetGroup] = Together(
            "elasticloadbalancing:DescribeTargetHealth",
            lambda arns: {arn: target_group(session.elb(), arn) for arn in arns},
            1,
        )

    def alarms(self, names: Sequence[str], began: datetime | None) -> tuple[Alarm, ...]:
        """Return the alarms of these names that exist, with the changes of their states since a moment."""
        self._alarms.expect(names)
        found = [alarm for name in dict.fromkeys(names) if (alarm := self._alarms.get(name))]
        return with_histories(self._session.cloudwatch(), found, began)

    def target_groups(self, arns: Sequence[str]) -> tuple[TargetGroup, ...]:
        """Return target groups by their ARNs, each with its targets."""
        return tuple(side_by_side(self._groups.get, arns))
