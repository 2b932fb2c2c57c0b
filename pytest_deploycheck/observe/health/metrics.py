"""The sums of CloudWatch's metrics, five hundred a call over all services of an observation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_deploycheck.observe.calls import member, pages
from pytest_deploycheck.observe.problems import IncompleteAnswerError
from pytest_deploycheck.observe.together import Together

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

    from pytest_deploycheck.observe.session import Session

LONGEST_COUNT = timedelta(hours=3)
"""The longest time over which requests are counted: errors long after a rollout have other causes.

The minutes of five hundred metrics over this time are fewer values than an answer of GetMetricData may have.
"""

MOST_PER_CALL = 500
"""Metrics that one call takes."""

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_TWO_WEEKS = timedelta(days=14)
_ACTION = "cloudwatch:GetMetricData"

Sums = Mapping[datetime, float]
"""The sum of a metric in each period that has one, by the start of the period (UTC)."""


class Metric(Struct, frozen=True):
    """A metric of CloudWatch.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        dimensions: Its dimensions, by name.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()


class Metrics:
    """Reads metrics up to one moment; what several services ask for is asked for in one call.

    Args:
        session: The clients.
        now: The end of what is counted (UTC).
    """

    def __init__(self, session: Session, now: datetime) -> None:
        self._since = next_minute(now - LONGEST_COUNT)
        self._doubtful: set[Metric] = set()
        self._minutes: Together[Metric, Sums] = Together(
            _ACTION, lambda metrics: self._read(session.cloudwatch(), metrics, now), MOST_PER_CALL
        )
        self._weeks: Together[Metric, Sums] = Together(
            _ACTION,
            lambda metrics: _sums(session.cloudwatch(), metrics, now - _TWO_WEEKS, now, period=_HOUR),
            MOST_PER_CALL,
        )

    def expect(self, metrics: Iterable[Metric], doubtful: Iterable[Metric] = ()) -> None:
        """Note metrics that are going to be asked for.

        Args:
            metrics: The metrics.
            doubtful: Those of which it is going to be asked if they are there, where they count nothing.
        """
        self._doubtful.update(doubtful)
        self._minutes.expect(metrics)

    def total(self, metrics: Iterable[Metric], since: datetime) -> float:
        """Return the sum of some metrics from the start of a minute on, at most for `LONGEST_COUNT`.

        Raises:
            IncompleteAnswerError: The data of a metric is missing or partial.
        """
        sums = [self._minutes.get(metric) for metric in metrics]
        return sum(value for one in sums for began, value in one.items() if began >= since)

    def has_counted(self, metrics: Sequence[Metric]) -> bool:
        """Return whether any of some metrics has counted anything within the last two weeks."""
        return any(any(self._minutes.get(metric).values()) for metric in metrics) or any(
            any(self._weeks.get(metric).values()) for metric in metrics
        )

    def _read(self, client: CloudWatchClient, metrics: Sequence[Metric], until: datetime) -> Mapping[Metric, Sums]:
        found = _sums(client, metrics, self._since, until, period=_MINUTE)
        self._weeks.expect(
            metric for metric, sums in found.items() if metric in self._doubtful and not any(sums.values())
        )
        return found


def next_minute(moment: datetime) -> datetime:
    """Return the start of the first whole minute from a moment on."""
    start = moment.replace(second=0, microsecond=0)
    return start if start == moment else start + _MINUTE


def _sums(
    client: CloudWatchClient, metrics: Sequence[Metric], since: datetime, until: datetime, *, period: timedelta
) -> Mapping[Metric, Sums]:
    """Return the sums of metrics by period, as many as one call takes, without those whose data is incomplete.

    Raises:
        IncompleteAnswerError: The data of the only metric is missing or partial.
    """
    queries: list[MetricDataQueryTypeDef] = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
                },
                "Period": int(period.total_seconds()),
                "Stat": "Sum",
            },
        }
        for number, metric in enumerate(metrics)
    ]
    sums: dict[str, dict[datetime, float]] = {}
    # The status of a query in the last page that has it: PartialData is made up for by a later page only.
    statuses: dict[str, str] = {}
    for page in pages(
        client.get_metric_data, cursor="NextToken", MetricDataQueries=queries, StartTime=since, EndTime=until
    ):
        for result in member(page, "MetricDataResults", _ACTION):
            statuses[result["Id"]] = result.get("StatusCode", "Complete")
            values = zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True)
            sums.setdefault(result["Id"], {}).update(values)
    if len(metrics) == 1 and statuses.get("m0") != "Complete":
        status = statuses.get("m0", "no result")
        raise IncompleteAnswerError(operation=_ACTION, member=f"data of the metric {metrics[0].name} ({status})")
    return {
        metric: sums[f"m{number}"] for number, metric in enumerate(metrics) if statuses.get(f"m{number}") == "Complete"
    }
