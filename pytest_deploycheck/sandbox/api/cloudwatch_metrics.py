"""The operations of CloudWatch on metrics."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pytest_deploycheck.sandbox.api.cloudwatch_alarms import next_token, out_of_bounds, page_start, validation_error
from pytest_deploycheck.sandbox.api.responses import Json, Operation
from pytest_deploycheck.sandbox.world.metrics import STATISTICS, Sample, metric_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_deploycheck.sandbox.world.world import World

_MOST_QUERIES = 500
_MOST_POINTS = 100_800
_MINUTE = 60
_SHORT_PERIODS = (1, 5, 10, 20, 30)
_ID = re.compile("[a-z][a-zA-Z0-9_]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROUNDINGS = ((timedelta(days=63), 3600), (timedelta(days=15), 300))


class Point(NamedTuple):
    """A value of a metric over a period.

    Attributes:
        at: When the period began.
        value: The value.
    """

    at: datetime
    value: float


def get_metric_data(world: World, region: str, request: Json) -> Json:
    """Operation GetMetricData, for metrics and not for expressions."""
    queries = _checked(request)
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    found = {
        query["Id"]: sorted(_points(world, region, query["MetricStat"], request), reverse=newest_first)
        for query in queries
        if query.get("ReturnData", True)
    }
    labels = {query["Id"]: query.get("Label") or query["MetricStat"]["Metric"]["MetricName"] for query in queries}
    return _page(found, labels, request)


def put_metric_data(world: World, region: str, request: Json) -> Json:
    """Operation PutMetricData, for single values."""
    for datum in request.get("MetricData", []):
        if "Value" not in datum:
            raise validation_error("The sandbox takes metric data with a Value only")
        metric = metric_name(region, request["Namespace"], datum["MetricName"], _dimensions(datum))
        at = datum.get("Timestamp") or world.account.now()
        world.metrics.put(metric, Sample.of(datum["Value"], at, datum.get("Unit", "None")))
    return {}


OPERATIONS: Mapping[str, Operation] = {
    "GetMetricData": get_metric_data,
    "PutMetricData": put_metric_data,
}
"""The operations, by name."""


def _checked(request: Json) -> Sequence[Json]:
    queries: Sequence[Json] = request.get("MetricDataQueries") or []
    if not 1 <= len(queries) <= _MOST_QUERIES:
        raise out_of_bounds("metricDataQueries", f"length between 1 and {_MOST_QUERIES}")
    if request["StartTime"] >= request["EndTime"]:
        raise validation_error("The parameter StartTime must be less than the parameter EndTime.")
    if len({query["Id"] for query in queries}) < len(queries):
        raise validation_error("The values for parameter id in MetricDataQueries are not unique.")
    for query in queries:
        if not _ID.fullmatch(query["Id"]):
            raise validation_error(f"The value {query['Id']} for parameter id is not matching the pattern.")
        if "MetricStat" not in query:
            raise validation_error("The sandbox does not simulate metric-math expressions: ask for MetricStat")
        _check(query["MetricStat"])
    return queries


def _check(wanted: Json) -> None:
    if wanted["Stat"] not in STATISTICS:
        raise validation_error(f"The sandbox does not simulate the statistic {wanted['Stat']}")
    period = wanted["Period"]
    if period not in _SHORT_PERIODS and (period <= 0 or period % _MINUTE):
        raise validation_error(f"Period {period} is neither 1, 5, 10, 20, 30 nor a multiple of 60.")


def _points(world: World, region: str, wanted: Json, request: Json) -> list[Point]:
    metric = wanted["Metric"]
    named = metric_name(region, metric.get("Namespace", ""), metric.get("MetricName", ""), _dimensions(metric))
    period = timedelta(seconds=wanted["Period"])
    first = _rounded_down(request["StartTime"], wanted["Period"], world.account.now())
    # AWS counts the periods from the rounded start, so their own grid need not be the clock's.
    periods: dict[datetime, list[Sample]] = {}
    for sample in world.metrics.of(named, wanted.get("Unit")):
        began = first + (sample.at - first) // period * period
        periods.setdefault(began, []).append(sample)
    return [
        Point(began, float(STATISTICS[wanted["Stat"]](samples)))
        for began, samples in periods.items()
        if first <= began < request["EndTime"]
    ]


def _rounded_down(start: datetime, period: int, now: datetime) -> datetime:
    age = now - start
    grid = next((seconds for older, seconds in _ROUNDINGS if age > older), min(period, _MINUTE))
    return start - (start - _EPOCH) % timedelta(seconds=grid)


def _dimensions(metric: Json) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions") or []}


def _page(found: Mapping[str, Sequence[Point]], labels: Mapping[str, str], request: Json) -> Json:
    size = request.get("MaxDatapoints", _MOST_POINTS)
    if not 1 <= size <= _MOST_POINTS:
        raise out_of_bounds("maxDatapoints", f"value between 1 and {_MOST_POINTS}")
    start = page_start(request)
    end = start + size
    results = []
    before = 0
    for name, points in found.items():
        after = before + len(points)
        shown = points[max(0, start - before) : max(0, end - before)]
        if shown or (not points and start <= before < end):
            results.append(
                {
                    "Id": name,
                    "Label": labels[name],
                    "Timestamps": [point.at for point in shown],
                    "Values": [point.value for point in shown],
                    "StatusCode": "PartialData" if after > end else "Complete",
                }
            )
        before = after
    return {"MetricDataResults": results, "Messages": [], **(next_token(end) if before > end else {})}
