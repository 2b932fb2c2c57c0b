"""The requests that CloudWatch counted, and the errors among them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.facts.health import Traffic
from pytest_deploycheck.observe.calls import member, side_by_side
from pytest_deploycheck.observe.health.metrics import LONGEST_COUNT, Metric, Metrics, next_minute
from pytest_deploycheck.observe.problems import attempt
from pytest_deploycheck.observe.together import Together

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

    from pytest_deploycheck.observe.session import Session

_GROUPS_PER_CALL = 20
_GROUPS = "elasticloadbalancing:DescribeTargetGroups"

Series = tuple[tuple[str, str], ...]
"""The dimensions of a metric, by name."""


class Counted(Struct, frozen=True):
    """The requests to a service that are to be counted.

    Attributes:
        asked: The limit that was declared, with the metrics.
        groups: The ARNs of the target groups of the service.
    """

    asked: ErrorRate
    groups: tuple[str, ...]


class TrafficReader:
    """Reads the metrics of several services in one call, and describes their target groups together.

    Args:
        session: The clients.
        now: The servers' time (UTC), the end of what is counted.
    """

    def __init__(self, session: Session, now: datetime) -> None:
        self._now = now
        self._metrics = Metrics(session, now)
        self._expected: list[Counted] = []
        self._lock = threading.Lock()
        self._series: Together[str, tuple[Series, ...]] = Together(
            _GROUPS, lambda arns: _series(session.elb(), arns), _GROUPS_PER_CALL
        )

    def expect(self, counted: Counted, *, alone_since: datetime) -> None:
        """Note that the requests to a service are going to be counted, from a moment on."""
        if self._since(alone_since) < self._now:
            self._expected.append(counted)
            self._series.expect(() if counted.asked.dimensions else counted.groups)

    def traffic(self, counted: Counted, *, alone_since: datetime) -> Traffic | None:
        """Return the requests and errors of whole minutes in which only the new tasks served.

        None where nothing counts requests: none of the target groups belongs to an Application Load Balancer.
        """
        asked, since = counted.asked, self._since(alone_since)
        is_over = since < self._now
        if is_over:
            self._prepare()
        series = self._series_of(counted)
        if not series:
            return None
        what = f"{asked.metric} of {asked.requests}"
        nothing = Traffic(0, 0, since, max(since, self._now), asked.max_share, asked.min_requests, what)
        if not is_over:
            return nothing
        self._expect(asked, series)
        of_errors = _metrics(asked, asked.metric, series)
        errors = self._metrics.total(of_errors, since)
        return replace(
            nothing,
            requests=self._metrics.total(_metrics(asked, asked.requests, series), since),
            errors=errors,
            is_metric_known=bool(errors) or _is_usual(asked) or self._metrics.has_counted(of_errors),
        )

    def _since(self, alone_since: datetime) -> datetime:
        return max(next_minute(alone_since), next_minute(self._now - LONGEST_COUNT))

    def _series_of(self, counted: Counted) -> tuple[Series, ...]:
        if counted.asked.dimensions:
            return (tuple(counted.asked.dimensions.items()),)
        return tuple(series for arn in counted.groups for series in self._series.get(arn))

    def _prepare(self) -> None:
        """Let the metrics of all services be asked for in one call; a problem is of the service that has it."""
        with self._lock:
            expected, self._expected = self._expected, []
            known = side_by_side(lambda one: attempt(_GROUPS, lambda: self._series_of(one)), expected)
            for counted, (series, _) in zip(expected, known, strict=True):
                self._expect(counted.asked, series or ())

    def _expect(self, asked: ErrorRate, series: Sequence[Series]) -> None:
        of_errors = _metrics(asked, asked.metric, series)
        doubtful = () if _is_usual(asked) else of_errors
        self._metrics.expect([*_metrics(asked, asked.requests, series), *of_errors], doubtful)


def _metrics(asked: ErrorRate, name: str, series: Sequence[Series]) -> list[Metric]:
    return [Metric(asked.namespace, name, dimensions) for dimensions in series]


def _is_usual(asked: ErrorRate) -> bool:
    """Return whether the metrics are the load balancer's own, which do not exist where there were no errors."""
    usual = ErrorRate(asked.max_share)
    return (asked.namespace, asked.metric, asked.dimensions) == (usual.namespace, usual.metric, usual.dimensions)


def _series(client: ElasticLoadBalancingv2Client, arns: Sequence[str]) -> Mapping[str, tuple[Series, ...]]:
    """Return the dimensions under which Application Load Balancers count the requests to each target group."""
    answer = client.describe_target_groups(TargetGroupArns=list(arns))
    return {
        group["TargetGroupArn"]: tuple(
            (
                ("TargetGroup", group["TargetGroupArn"].rpartition(":")[2]),
                ("LoadBalancer", balancer.partition(":loadbalancer/")[2]),
            )
            for balancer in group.get("LoadBalancerArns", ())
            if ":loadbalancer/app/" in balancer
        )
        for group in member(answer, "TargetGroups", _GROUPS)
    }
