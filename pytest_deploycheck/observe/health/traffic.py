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

Dimensions = tuple[tuple[str, str], ...]
"""The dimensions of a metric, by name."""


class TrafficQuery(Struct, frozen=True):
    """The service whose requests are asked for, and the metrics that count them.

    Attributes:
        limit: The limit that was declared, with the names and the dimensions of the metrics.
        groups: The ARNs of the target groups of the service.
    """

    limit: ErrorRate
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
        self._expected: list[TrafficQuery] = []
        self._lock = threading.Lock()
        self._of_groups: Together[str, tuple[Dimensions, ...]] = Together(
            _GROUPS, lambda arns: _dimensions_of_groups(session.elb(), arns), _GROUPS_PER_CALL
        )

    def expect(self, query: TrafficQuery, *, alone_since: datetime) -> None:
        """Note that the requests to a service are going to be counted, from a moment on."""
        if self._has_begun(self._first_minute(alone_since)):
            self._expected.append(query)
            self._of_groups.expect(() if query.limit.dimensions else query.groups)

    def traffic(self, query: TrafficQuery, *, alone_since: datetime) -> Traffic | None:
        """Return the requests and errors of whole minutes in which only the new tasks served.

        None where nothing counts requests: none of the target groups belongs to an Application Load Balancer. No
        requests where the first such minute is still to begin.
        """
        limit, since = query.limit, self._first_minute(alone_since)
        has_begun = self._has_begun(since)
        if has_begun:
            self._prepare()
        dimensions = self._dimensions(query)
        if not dimensions:
            return None
        what = f"{limit.metric} of {limit.requests}"
        no_requests = Traffic(0, 0, since, max(since, self._now), limit.max_share, limit.min_requests, what)
        if not has_begun:
            return no_requests
        self._expect(limit, dimensions)
        of_errors = _metrics(limit, limit.metric, dimensions)
        errors = self._metrics.total(of_errors, since)
        return replace(
            no_requests,
            requests=self._metrics.total(_metrics(limit, limit.requests, dimensions), since),
            errors=errors,
            is_metric_known=bool(errors) or _is_of_load_balancer(limit) or self._metrics.has_counted(of_errors),
        )

    def _first_minute(self, alone_since: datetime) -> datetime:
        """Return the start of the first whole minute that counts, at most `LONGEST_COUNT` ago."""
        return max(next_minute(alone_since), next_minute(self._now - LONGEST_COUNT))

    def _has_begun(self, minute: datetime) -> bool:
        """Return whether a minute has begun, so that CloudWatch may have counted requests in it."""
        return minute < self._now

    def _dimensions(self, query: TrafficQuery) -> tuple[Dimensions, ...]:
        """Return the dimensions of the metrics that count the requests: as declared, or of each target group."""
        if query.limit.dimensions:
            return (tuple(query.limit.dimensions.items()),)
        return tuple(dimensions for arn in query.groups for dimensions in self._of_groups.get(arn))

    def _prepare(self) -> None:
        """Let the metrics of all services be asked for in one call; a problem is of the service that has it."""
        with self._lock:
            expected, self._expected = self._expected, []
            known = side_by_side(lambda one: attempt(_GROUPS, lambda: self._dimensions(one)), expected)
            for query, (dimensions, _) in zip(expected, known, strict=True):
                self._expect(query.limit, dimensions or ())

    def _expect(self, limit: ErrorRate, dimensions: Sequence[Dimensions]) -> None:
        of_errors = _metrics(limit, limit.metric, dimensions)
        doubtful = () if _is_of_load_balancer(limit) else of_errors
        self._metrics.expect([*_metrics(limit, limit.requests, dimensions), *of_errors], doubtful)


def _metrics(limit: ErrorRate, name: str, dimensions: Sequence[Dimensions]) -> list[Metric]:
    return [Metric(limit.namespace, name, one) for one in dimensions]


def _is_of_load_balancer(limit: ErrorRate) -> bool:
    """Return whether the metrics are the load balancer's own, which do not exist where there were no errors."""
    own = ErrorRate(limit.max_share)
    return (limit.namespace, limit.metric, limit.dimensions) == (own.namespace, own.metric, own.dimensions)


def _dimensions_of_groups(
    client: ElasticLoadBalancingv2Client, arns: Sequence[str]
) -> Mapping[str, tuple[Dimensions, ...]]:
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
