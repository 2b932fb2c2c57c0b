"""How many requests came and how many went wrong, as CloudWatch counts them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.facts.health import Traffic
from pytest_deploycheck.observe.calls import batches, member
from pytest_deploycheck.observe.problems import IncompleteAnswerError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricTypeDef
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

    from pytest_deploycheck.observe.session import Session

LONGEST_COUNT = timedelta(hours=3)
"""How far back requests are counted at the most: what went wrong long after a rollout is not its doing."""

_GROUPS_PER_CALL = 20
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_TWO_WEEKS = timedelta(days=14)
_UNTOLD = frozenset({"InternalError", "Forbidden"})


def traffic(
    session: Session, groups: Sequence[str], asked: ErrorRate, *, alone_since: datetime, now: datetime
) -> Traffic | None:
    """How many requests went wrong, in whole minutes in which nobody but the new tasks served.

    None where nothing counts them: none of the target groups belongs to an Application Load Balancer.
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
    """The dimensions under which an Application Load Balancer counts the requests to target groups."""
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
    """Whether the metrics are the load balancer's own, which has none where nothing went wrong."""
    usual = ErrorRate(asked.max_share)
    return (asked.namespace, asked.metric, asked.dimensions) == (usual.namespace, usual.metric, usual.dimensions)


def _has_counted(client: CloudWatchClient, metrics: Sequence[MetricTypeDef], now: datetime) -> bool:
    """Whether any of some metrics has counted anything within the last two weeks."""
    return any(_sums(client, metrics, now - _TWO_WEEKS, now, period=_HOUR))


def _sums(
    client: CloudWatchClient,
    metrics: Sequence[MetricTypeDef],
    since: datetime,
    until: datetime,
    *,
    period: timedelta = _MINUTE,
) -> list[float]:
    """The sum of each metric over a window."""
    queries: list[MetricDataQueryTypeDef] = [
        {
            "Id": f"m{number}",
            "MetricStat": {"Metric": metric, "Period": int(period.total_seconds()), "Stat": "Sum"},
        }
        for number, metric in enumerate(metrics)
    ]
    sums = {query["Id"]: 0.0 for query in queries}
    pages = client.get_paginator("get_metric_data").paginate(MetricDataQueries=queries, StartTime=since, EndTime=until)
    for page in pages:
        for result in member(page, "MetricDataResults", "cloudwatch:GetMetricData"):
            if result.get("StatusCode") in _UNTOLD:
                raise IncompleteAnswerError(operation="cloudwatch:GetMetricData", member=result["Id"])
            sums[result["Id"]] += sum(result.get("Values", ()))
    return list(sums.values())


def _next_minute(moment: datetime) -> datetime:
    """The start of the first whole minute from a moment on."""
    start = moment.replace(second=0, microsecond=0)
    return start if start == moment else start + _MINUTE
