from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.conftest import PROTOCOLS

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox
    from sandbox.conftest import Clients, ProtocolClients

_NUMBERS = count(1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=PROTOCOLS)
def cloudwatch(protocol_client: ProtocolClients, request: pytest.FixtureRequest) -> Any:
    """Return a client of CloudWatch for each protocol in which versions of botocore call it."""
    return protocol_client("cloudwatch", request.param)


@pytest.fixture
def namespace() -> str:
    """Return a namespace no other test uses."""
    return f"shop-{next(_NUMBERS)}"


@pytest.fixture
def noon(aws: Sandbox) -> datetime:
    """Return the beginning of an hour that is over."""
    return aws.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)


def query(namespace: str, stat: str = "Sum", *, period: int = 60, **more: Any) -> dict[str, Any]:
    """Return a query for the metric `errors` of `stage` dev."""
    metric = {
        "Namespace": namespace,
        "MetricName": "errors",
        "Dimensions": [{"Name": "stage", "Value": "dev"}, {"Name": "app", "Value": "shop"}],
    }
    return {"Id": "q", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, **more}


def put(aws: Sandbox, namespace: str, at: datetime, *values: float) -> None:
    """Report values of that metric."""
    for value in values:
        aws.put_metric(namespace, "errors", value, dimensions={"app": "shop", "stage": "dev"}, at=at)


def test_statistics_are_computed_for_each_period(aws: Sandbox, cloudwatch: Any, namespace: str, noon: datetime) -> None:
    """The newest period comes first, periods without data have no point; other dimensions are another metric."""
    put(aws, namespace, noon + 10 * timedelta(seconds=1), 0.5, 3.5)
    put(aws, namespace, noon + 59 * timedelta(seconds=1), 2)
    put(aws, namespace, noon + 3 * MINUTE, 7)
    aws.put_metric(namespace, "errors", 100, dimensions={"app": "shop"}, at=noon)
    expected = {"Sum": 6.0, "SampleCount": 3.0, "Average": 2.0, "Minimum": 0.5, "Maximum": 3.5}
    queries = [query(namespace, stat) | {"Id": stat.lower()} for stat in expected]
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=noon, EndTime=noon + 5 * MINUTE)
    assert "NextToken" not in answer
    for result, (stat, value) in zip(answer["MetricDataResults"], expected.items(), strict=True):
        assert (result["Id"], result["Label"], result["StatusCode"]) == (stat.lower(), "errors", "Complete")
        assert result["Timestamps"] == [noon + 3 * MINUTE, noon]
        assert result["Values"] == [1.0 if stat == "SampleCount" else 7.0, value]


def test_the_window_begins_at_its_minute_and_leaves_its_end_out(
    aws: Sandbox, cloudwatch: Any, namespace: str, noon: datetime
) -> None:
    """StartTime is rounded down and counts, EndTime does not."""
    for minute in range(4):
        put(aws, namespace, noon + minute * MINUTE, minute)
    (result,) = cloudwatch.get_metric_data(
        MetricDataQueries=[query(namespace)],
        StartTime=noon + MINUTE + timedelta(seconds=34),
        EndTime=noon + 3 * MINUTE,
        ScanBy="TimestampAscending",
    )["MetricDataResults"]
    assert result["Values"] == [1.0, 2.0]


def test_periods_are_counted_from_the_start(aws: Sandbox, client: Clients, namespace: str, noon: datetime) -> None:
    """Periods of five minutes begin at the rounded start, not at multiples of five minutes."""
    put(aws, namespace, noon + 2 * MINUTE, 1)
    put(aws, namespace, noon + 6 * MINUTE, 1)
    put(aws, namespace, noon + 7 * MINUTE, 1)
    (result,) = client("cloudwatch").get_metric_data(
        MetricDataQueries=[query(namespace, period=300)],
        StartTime=noon + 2 * MINUTE,
        EndTime=noon + 20 * MINUTE,
        ScanBy="TimestampAscending",
    )["MetricDataResults"]
    assert result["Timestamps"] == [noon + 2 * MINUTE, noon + 7 * MINUTE]
    assert result["Values"] == [2.0, 1.0]


def test_points_are_paged(aws: Sandbox, cloudwatch: Any, namespace: str, noon: datetime) -> None:
    """MaxDatapoints splits results; a result that continues is PartialData, and the rest follows by token."""
    for minute in range(5):
        put(aws, namespace, noon + minute * MINUTE, minute)
    queries = [query(namespace), query(namespace, "Maximum") | {"Id": "r"}, query("none") | {"Id": "s"}]
    asked = {
        "MetricDataQueries": queries,
        "StartTime": noon,
        "EndTime": noon + 5 * MINUTE,
        "MaxDatapoints": 4,
        "ScanBy": "TimestampAscending",
    }
    pages = [cloudwatch.get_metric_data(**asked)]
    while "NextToken" in pages[-1]:
        pages.append(cloudwatch.get_metric_data(**asked, NextToken=pages[-1]["NextToken"]))
    results = [[(one["Id"], one["Values"], one["StatusCode"]) for one in page["MetricDataResults"]] for page in pages]
    assert results == [
        [("q", [0.0, 1.0, 2.0, 3.0], "PartialData")],
        [("q", [4.0], "Complete"), ("r", [0.0, 1.0, 2.0], "PartialData")],
        [("r", [3.0, 4.0], "Complete"), ("s", [], "Complete")],
    ]


def test_queries_may_return_no_data(aws: Sandbox, cloudwatch: Any, namespace: str, noon: datetime) -> None:
    """ReturnData false leaves a query out of the results; a unit that no data have finds none."""
    put(aws, namespace, noon, 1)
    of_seconds = query(namespace) | {"Id": "r"}
    of_seconds["MetricStat"]["Unit"] = "Seconds"
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query(namespace, ReturnData=False), of_seconds], StartTime=noon, EndTime=noon + MINUTE
    )
    assert [(one["Id"], one["Values"]) for one in answer["MetricDataResults"]] == [("r", [])]


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([{"Id": "q", "Expression": "m1 + m2"}], "does not simulate metric-math"),
        ([query("x", "p99")], "does not simulate the statistic p99"),
        ([query("x", period=90)], "multiple of 60"),
        ([query("x") | {"Id": "Q"}], "pattern"),
        ([query("x"), query("x")], "not unique"),
        ([], "length between 1 and 500"),
    ],
)
def test_invalid_and_unsupported_queries_are_refused(
    client: Clients, noon: datetime, queries: list[dict[str, Any]], message: str
) -> None:
    """The error names the problem, and nothing is answered wrongly."""
    with pytest.raises(ClientError, match=message):
        client("cloudwatch").get_metric_data(MetricDataQueries=queries, StartTime=noon, EndTime=noon + MINUTE)


def test_a_window_that_ends_before_it_begins_is_refused(client: Clients, noon: datetime) -> None:
    """The error is that of AWS."""
    with pytest.raises(ClientError, match="must be less than"):
        client("cloudwatch").get_metric_data(MetricDataQueries=[query("x")], StartTime=noon, EndTime=noon)


@pytest.mark.parametrize("points", [0, 100_801])
def test_a_page_of_too_few_or_too_many_points_is_refused(client: Clients, noon: datetime, points: int) -> None:
    """The error names the bounds of AWS."""
    with pytest.raises(ClientError, match="value between 1 and 100800"):
        client("cloudwatch").get_metric_data(
            MetricDataQueries=[query("x")], StartTime=noon, EndTime=noon + MINUTE, MaxDatapoints=points
        )


def test_metrics_can_be_put_with_boto3(cloudwatch: Any, namespace: str, noon: datetime) -> None:
    """A value that is put is returned."""
    dimensions = query(namespace)["MetricStat"]["Metric"]["Dimensions"]
    datum = {"MetricName": "errors", "Dimensions": dimensions, "Value": 2.5, "Timestamp": noon, "Unit": "Count"}
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])
    asked = query(namespace)
    asked["MetricStat"]["Unit"] = "Count"
    (result,) = cloudwatch.get_metric_data(MetricDataQueries=[asked], StartTime=noon, EndTime=noon + MINUTE)[
        "MetricDataResults"
    ]
    assert result["Values"] == [2.5]
    with pytest.raises(ClientError, match="with a Value only"):
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "errors", "Values": [1.0, 2.0]}])
