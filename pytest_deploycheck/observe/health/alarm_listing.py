"""The metric alarms of an account, with what they watch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_deploycheck.observe.calls import member, pages
from pytest_deploycheck.observe.problems import Answered, attempt

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session

_ACTION = "cloudwatch:DescribeAlarms"


class ListedAlarm(Struct, frozen=True):
    """An alarm.

    Attributes:
        name: Its name.
        state: OK, ALARM or INSUFFICIENT_DATA.
        dimensions: The values of the dimensions of its metrics, such as the name of a service.
    """

    name: str
    state: str
    dimensions: frozenset[str] = frozenset()


def listed_alarms(session: Session) -> Answered[tuple[ListedAlarm, ...]]:
    """Return the metric alarms of the account and region, or why they may not be listed."""

    def listed() -> tuple[ListedAlarm, ...]:
        answers = pages(session.cloudwatch().describe_alarms, cursor="NextToken", AlarmTypes=["MetricAlarm"])
        return tuple(_alarm(one) for page in answers for one in member(page, "MetricAlarms", _ACTION))

    return attempt(_ACTION, listed)


def _alarm(one: Mapping[str, Any]) -> ListedAlarm:
    metrics = [query.get("MetricStat", {}).get("Metric", {}) for query in one.get("Metrics", ())]
    return ListedAlarm(one["AlarmName"], one["StateValue"], frozenset(_values([one, *metrics])))


def _values(metrics: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (dimension["Value"] for metric in metrics for dimension in metric.get("Dimensions", ()))
