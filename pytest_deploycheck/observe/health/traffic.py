"""The requests that CloudWatch counted, and the errors among them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.facts.health import Traffic
from pytest_deploycheck.observe.calls import batches, member, pages
from pytest_deploycheck.observe.problems import IncompleteAnswerError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricTypeDef
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

    from pytest_deploycheck.observe.session import Session

LONGEST_COUNT = timedelta(hours=3)
"""The longest time over which requests are counted: errors long after a rollout have other causes."""

_GROUPS_PER_CALL = 20
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_TWO_WEEKS = timedelta(days=14)
_METRICS = "cloudwatch:GetMetricData"


def traffic(
    session: Session, groups: Sequence[str], asked: ErrorRate, *, alone_since: datetime, now: datetime
) -> Traffic | None:
    """Return the requests and errors of whole minutes in which only the new tasks served.

    None where nothing counts requests: none of the target groups belongs to an Application Load Balancer.
    """
    series = [dict(asked.dimensions)] if asked.dimensions else _dimensions(session.elb(), groups)
    if not series:
        return None
    since = max(_next_minute(alone_since), _next_minute(now - LONGEST_COUNT))
    counted = f"{asked.metric} of {asked.requests}"
    nothing = Traffic(0, 0, since, max(since, now), asked.max_share, asked.min_requests, counted)
    if since >= now:
        return nothing
    client = session.cloudwatch()
    metrics: list[MetricTypeDef] = [
        {
            "Namespace": asked.namespace,
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in dimensions.items()],
        }
        for name in (asked.requests, asked.metric)
        for dimensions in series
    ]
    sums = _sums(client, metrics, since, now)
    errors = sum(sums[len(series) :])
    return replace(
        nothing,
        requests=sum(sums[: len(series)]),
        errors=errors,
        is_metric_known=bool(errors) or _is_usual(asked) or _has_counted(client, metrics[len(series) :], now),
    )


def _dimensions(client: ElasticLoadBalancingv2Client, groups: Sequence[str]) -> list[dict[str, str]]:
    """Return the dimensions under which an Application Load Balancer counts the requests to target groups."""
    found: list[dict[str, str]] = []
    for batch in batches(groups, _GROUPS_PER_CALL):
        answer = client.describe_target_groups(TargetGroupArns=list(batch))
        for group in member(answer, "TargetGroups", "elasticloadbalancing:DescribeTargetGroups"):
            found += [
                {
                    "TargetGroup": group["TargetGroupArn"].rpartition(":")[2],
                    "LoadBalancer": balancer.partition(":loadbalancer/")[2],
                }
                for balancer in group.get("LoadBalancerArns", ())
                if ":loadbalancer/app/" in balancer
            ]
    return found


def _is_usual(asked: ErrorRate) -> bool:
    """Return whether the metrics are the load balancer's own, which do not exist where there were no errors."""
    usual = ErrorRate(asked.max_share)
    return (asked.namespace, asked.metric, asked.dimensions) == (usual.namespace, usual.metric, usual.dimensions)


def _has_counted(client: CloudWatchClient, metrics: Sequence[MetricTypeDef], now: datetime) -> bool:
    """Return whether any of some metrics has counted anything within the last two weeks."""
    return any(_sums(client, metrics, now - _TWO_WEEKS, now, period=_HOUR))


def _sums(
    client: CloudWatchClient,
    metrics: Sequence[MetricTypeDef],
    since: datetime,
    until: datetime,
    *,
    period: timedelta = _MINUTE,
) -> list[float]:
    """Return the sum of each metric over a window.

    Raises:
        IncompleteAnswerError: The data of a metric is missing or partial.
    """
    queries: list[MetricDataQueryTypeDef] = [
        {
            "Id": f"m{number}",
            "MetricStat": {"Metric": metric, "Period": int(period.total_seconds()), "Stat": "Sum"},
        }
        for number, metric in enumerate(metrics)
    ]
    sums: dict[str, float] = {}
    # The status of a query in the last page that has it: PartialData is made up for by a later page only.
    statuses: dict[str, str] = {}
    for page in pages(
        client.get_metric_data, cursor="NextToken", MetricDataQueries=queries, StartTime=since, EndTime=until
    ):
        for result in member(page, "MetricDataResults", _METRICS):
            statuses[result["Id"]] = result.get("StatusCode", "Complete")
            sums[result["Id"]] = sums.get(result["Id"], 0.0) + sum(result.get("Values", ()))
    for query in queries:
        if statuses.get(query["Id"]) != "Complete":
            name = query["MetricStat"]["Metric"].get("MetricName", query["Id"])
            status = statuses.get(query["Id"], "no result")
            raise IncompleteAnswerError(operation=_METRICS, member=f"data of the metric {name} ({status})")
    return [sums[query["Id"]] for query in queries]


def _next_minute(moment: datetime) -> datetime:
    """Return the start of the first whole minute from a moment on."""
    start = moment.replace(second=0, microsecond=0)
    return start if start == moment else start + _MINUTE
