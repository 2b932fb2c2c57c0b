"""The discovery of services in a cluster, by a pattern of their names or by their tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.config.suggestions import nearest
from pytest_deploycheck.errors import ConfigurationError, EnvironmentUnusableError
from pytest_deploycheck.observe.calls import batches, member, pages, require_all, side_by_side
from pytest_deploycheck.observe.ecs.inventory import SERVICES_PER_PAGE, last_part
from pytest_deploycheck.observe.ecs.services import SERVICES_PER_CALL
from pytest_deploycheck.observe.problems import attempt

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

    from pytest_deploycheck.config.settings import Discovery, EnvironmentSettings

_ENDING = frozenset({"DRAINING", "INACTIVE"})
"""The states of services that are being deleted, and are not found."""

_DELETED = "MISSING"
"""The reason by which ECS tells that a service does not exist any more."""

_SHOWN = 12
"""The names of services that a message lists."""


def discover(client: ECSClient, environment: EnvironmentSettings, *, region: str) -> tuple[str, ...]:
    """Return the names of the services that `discover` of an environment finds, sorted.

    Args:
        client: The client of the environment.
        environment: The environment; without `discover` nothing is found.
        region: Its region, for messages.

    Raises:
        ConfigurationError: Nothing is found; the message names the services of the cluster.
        EnvironmentUnusableError: The cluster does not exist, or its services cannot be listed.
    """
    if environment.discover is None:
        return ()
    wanted = environment.discover
    names = _asked(environment, "ecs:ListServices", lambda: _listed(client, environment.cluster))
    candidates = [name for name in names if wanted.names is None or fnmatchcase(name, wanted.names)]
    described = _asked(environment, "ecs:DescribeServices", lambda: _described(client, environment.cluster, candidates))
    found = sorted(one["serviceName"] for one in described if one["status"] not in _ENDING and _has_tags(one, wanted))
    if not found:
        raise ConfigurationError(
            f"env.{environment.name}.discover: found no service by {wanted} in the cluster {environment.cluster!r} "
            f"({region}). {_there_are(names, wanted)}",
            f"Check `discover`, `cluster` and `region` of [env.{environment.name}], and the credentials' account.",
        )
    return tuple(found)


def _asked(environment: EnvironmentSettings, action: str, query: Any) -> Any:
    """Return what a query gives; its problem ends the discovery."""
    found, problem = attempt(action, query)
    if problem is None:
        return found
    raise EnvironmentUnusableError(
        f"The services of the environment {environment.name!r} cannot be discovered in the cluster "
        f"{environment.cluster!r}: {problem.message}",
        problem.remedy
        if problem.code != "ClusterNotFoundException"
        else f"Check `cluster` and `region` of [env.{environment.name}], and the credentials' account.",
    )


def _listed(client: ECSClient, cluster: str) -> list[str]:
    listed: dict[str, None] = {}
    for page in pages(client.list_services, cluster=cluster, maxResults=SERVICES_PER_PAGE):
        arns = member(page, "serviceArns", "ecs:ListServices")
        listed.update((last_part(arn), None) for arn in arns)
    return list(listed)


def _described(client: ECSClient, cluster: str, names: Sequence[str]) -> list[Mapping[str, Any]]:
    def describe(batch: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        answer = client.describe_services(cluster=cluster, services=list(batch), include=["TAGS"])
        services: Sequence[Mapping[str, Any]] = member(answer, "services", "ecs:DescribeServices")
        failures = [one for one in answer.get("failures", ()) if one.get("reason") == _DELETED]
        deleted = [last_part(one.get("arn", "")) for one in failures]
        # A service that was listed and is not described would be left out of the run in silence.
        require_all(batch, [*(one["serviceName"] for one in services), *deleted], "ecs:DescribeServices")
        return services

    answers = side_by_side(describe, list(batches(names, SERVICES_PER_CALL)))
    return [one for answer in answers for one in answer]


def _has_tags(service: Mapping[str, Any], wanted: Discovery) -> bool:
    tags = {tag["key"]: tag.get("value", "") for tag in service.get("tags", ())}
    return all(key in tags and fnmatchcase(tags[key], pattern) for key, pattern in wanted.tags.items())


def _there_are(names: Iterable[str], wanted: Discovery) -> str:
    """Return the sentence on the services there are, that which is nearest to the pattern first."""
    ordered = sorted(names)
    if not ordered:
        return "The cluster has no services."
    close = nearest(wanted.names, ordered) if wanted.names else None
    ordered.sort(key=lambda name: name != close)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return f"It has: {', '.join(ordered[:_SHOWN])}{more}."
