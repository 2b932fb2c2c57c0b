"""The health of a service as target groups, alarms and metrics show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.facts.service import LoadBalancer, Service
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.observe.calls import side_by_side
from pytest_deploycheck.observe.ecs.newest import serves_alone_since
from pytest_deploycheck.observe.health.alarms import similar_names
from pytest_deploycheck.observe.health.production import production_action, serving_groups
from pytest_deploycheck.observe.health.sources import HealthSources
from pytest_deploycheck.observe.health.traffic import TrafficQuery
from pytest_deploycheck.observe.problems import attempt

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import ServiceSettings
    from pytest_deploycheck.observe.session import Session

Problems = Mapping[str, Problem]
"""Problems of a service by the names of the facts that they leave open."""

_ACTIONS = {
    "targets": "elasticloadbalancing:DescribeTargetHealth",
    "alarms": "cloudwatch:DescribeAlarms",
    "traffic": "cloudwatch:GetMetricData",
}


def observe_health(
    session: Session,
    service: Service | None,
    settings: ServiceSettings,
    *,
    began: datetime | None,
    alone_since: datetime | None,
    sources: HealthSources,
) -> tuple[Health, Problems]:
    """Return the state of target groups, alarms and metrics, and the problems of what could not be observed.

    Args:
        session: The clients.
        service: The service, or None where it could not be described.
        settings: The settings of the service.
        began: When the newest rollout began; the history of alarms is read from then on.
        alone_since: Since when only its tasks serve; requests are counted from then on.
        sources: Reads alarms, target groups and metrics for all services of the observation.
    """
    balancers = service.load_balancers if service else ()
    groups = target_groups_of(service)
    queries: dict[str, Callable[[], Health]] = {}
    if groups:
        queries["targets"] = lambda: Health(groups=sources.target_groups(groups))
    actions = dict(_ACTIONS)
    production = production_action(balancers)
    if production:
        actions["production"] = production
        queries["production"] = lambda: Health(serving=serving_groups(session.elb(), balancers))
    if settings.alarms:
        queries["alarms"] = lambda: _alarms(session, sources, settings.alarms, began)
    if settings.error_rate and alone_since:
        query, since = TrafficQuery(settings.error_rate, groups), alone_since
        queries["traffic"] = lambda: Health(traffic=sources.traffic.traffic(query, alone_since=since))
    answers = side_by_side(lambda subject: attempt(actions[subject], queries[subject]), list(queries))
    problems = {subject: problem for subject, (_, problem) in zip(queries, answers, strict=True) if problem}
    task_sets = Health(serving=_serving_of_task_sets(balancers))
    return _joined([task_sets, *(part for part, _ in answers if part)]), problems


def _serving_of_task_sets(balancers: Sequence[LoadBalancer]) -> Mapping[str, bool]:
    """Return whether target groups serve production, where the task sets of the service tell it."""
    told = [one for one in balancers if one.alternate and one.production_group]
    return {arn: arn == one.production_group for one in told for arn in one.target_groups}


def _joined(parts: Sequence[Health]) -> Health:
    return Health(
        groups=tuple(group for part in parts for group in part.groups),
        alarms=tuple(alarm for part in parts for alarm in part.alarms),
        no_alarms={name: near for part in parts for name, near in part.no_alarms.items()},
        traffic=next((part.traffic for part in parts if part.traffic), None),
        serving={arn: serves for part in parts for arn, serves in part.serving.items()},
    )


def _alarms(session: Session, sources: HealthSources, names: tuple[str, ...], began: datetime | None) -> Health:
    found = sources.alarms(names, began)
    missing = [name for name in names if name not in {alarm.name for alarm in found}]
    return Health(alarms=found, no_alarms=similar_names(session.cloudwatch(), missing) if missing else {})


def expect_traffic(
    sources: HealthSources, settings: ServiceSettings, service: Service | None, tasks: Sequence[Task] | None
) -> None:
    """Let the metrics of a service be read along with those of others, where they are likely to be needed."""
    since = serves_alone_since(service, None, tasks, now=sources.now)
    if settings.error_rate and since:
        sources.traffic.expect(TrafficQuery(settings.error_rate, target_groups_of(service)), alone_since=since)


def target_groups_of(service: Service | None) -> tuple[str, ...]:
    """Return the target groups of a service, with both groups of a blue/green deployment."""
    balancers = service.load_balancers if service else ()
    return tuple(dict.fromkeys(arn for one in balancers for arn in one.target_groups))
