"""The statements of the policy: the actions that apply, on the ARNs of an environment's resources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from pytest_deploycheck.run.policy.actions import ACTIONS, ResourceKind
from pytest_deploycheck.run.policy.resources import ANY, OwnedName, PolicyResources

_SIDS = {
    ResourceKind.SERVICE: "Services",
    ResourceKind.TASK: "Tasks",
    ResourceKind.SERVICE_DEPLOYMENT: "ServiceDeployments",
    ResourceKind.SERVICE_REVISION: "ServiceRevisions",
    ResourceKind.CONTAINER_INSTANCE: "ContainerInstances",
    ResourceKind.CLUSTER_CONDITION: "Listings",
    ResourceKind.REPOSITORY: "Images",
    ResourceKind.LOG_GROUP: "Logs",
    ResourceKind.ALARM: "Alarms",
    ResourceKind.ANY: "WithoutResource",
}


class Statement(Struct, frozen=True):
    """A statement that allows actions.

    Attributes:
        sid: Its name.
        actions: The actions.
        resources: The ARNs, or `*`.
        cluster: The ARN of the cluster on condition of which it allows them, or an empty string.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    cluster: str = ""


def statements(known: PolicyResources) -> tuple[Statement, ...]:
    """Return the least statements that the configured checks need."""
    found = []
    for kind, sid in _SIDS.items():
        actions = sorted(one.name for one in ACTIONS if one.resource is kind and known.applies(one.trigger))
        resources = tuple(dict.fromkeys(_resources(kind, known)))
        if actions and resources:
            condition = _ecs(known, "cluster") if kind is ResourceKind.CLUSTER_CONDITION else ""
            found.append(Statement(sid, tuple(actions), resources, condition))
    return tuple(found)


def _resources(kind: ResourceKind, known: PolicyResources) -> Iterable[str]:
    """Return the ARNs of the resources of one kind."""
    if kind is ResourceKind.SERVICE:
        return [_ecs(known, "service", name) for name in known.services]
    if kind in (ResourceKind.SERVICE_DEPLOYMENT, ResourceKind.SERVICE_REVISION):
        return [_ecs(known, kind.value, name, ANY) for name in known.services]
    if kind in (ResourceKind.TASK, ResourceKind.CONTAINER_INSTANCE):
        return [_ecs(known, kind.value, ANY)]
    if kind is ResourceKind.REPOSITORY:
        return _arns(known, "ecr", "repository/{}", known.repositories)
    if kind is ResourceKind.LOG_GROUP:
        # What comes after the name are its streams.
        return _arns(known, "logs", "log-group:{}:*", known.log_groups)
    if kind is ResourceKind.ALARM:
        places = [OwnedName(known.account, known.region, name) for name in known.alarms]
        return [ANY] if ANY in known.alarms else _arns(known, "cloudwatch", "alarm:{}", places)
    return [ANY]


def _ecs(known: PolicyResources, kind: str, *path: str) -> str:
    return f"arn:{known.partition}:ecs:{known.region}:{known.account}:{'/'.join((kind, known.cluster, *path))}"


def _arns(known: PolicyResources, service: str, pattern: str, places: Sequence[OwnedName]) -> list[str]:
    return [f"arn:{known.partition}:{service}:{one.region}:{one.account}:{pattern.format(one.name)}" for one in places]
