"""Services and task definitions, as ECS tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.facts.service import ContainerDefinition, LoadBalancer, Service, ServiceEvent, TaskDefinition
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.calls import member, side_by_side, utc, utc_or_none
from pytest_deploycheck.observe.ecs.rollouts import deployment, task_set
from pytest_deploycheck.observe.problems import attempt, code_of
from pytest_deploycheck.observe.together import Together

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

ACTION = "ecs:DescribeServices"

SERVICES_PER_CALL = 10
"""The most that one call takes, from the API's own documentation."""


class FoundServices(Struct, frozen=True):
    """The services that were found, by name, and why the others were not.

    Attributes:
        services: The services.
        missing: The names of which there is none.
        ambiguous: The names of which there is more than one.
        problems: Why others could not be described, by name.
    """

    services: Mapping[str, Service]
    missing: tuple[str, ...]
    ambiguous: tuple[str, ...]
    problems: Mapping[str, Problem] = field(default_factory=dict)


def services(
    client: ECSClient, cluster: str, names: Sequence[str], show: Callable[[Service], object] = lambda _: None
) -> FoundServices:
    """Look up services by name or ARN; a deleted one (INACTIVE) counts as missing.

    Args:
        client: The client.
        cluster: Name or ARN of the cluster.
        names: The names or ARNs.
        show: Is called with each service as soon as it is described, from any thread.
    """
    gone: list[Exception] = []

    def ask(batch: Sequence[str]) -> Mapping[str, tuple[Service, ...]]:
        if gone:
            # There is no cluster to have any of them.
            raise gone[0]
        try:
            answer = client.describe_services(cluster=cluster, services=list(batch))
        except ClientError as error:
            if code_of(error) == "ClusterNotFoundException":
                gone.append(error)
            raise
        described = member(answer, "services", ACTION)
        found = {name: tuple(_service(one, cluster) for one in described if _is_named(one, name)) for name in batch}
        for one in chain.from_iterable(found.values()):
            show(one)
        return found

    together = Together(ACTION, ask, SERVICES_PER_CALL)
    together.expect(names)
    answers = side_by_side(lambda name: attempt(ACTION, lambda: together.get(name)), names)
    found: dict[str, Service] = {}
    missing: list[str] = []
    ambiguous: list[str] = []
    problems: dict[str, Problem] = {}
    for name, (matches, problem) in zip(names, answers, strict=True):
        if matches is None:
            problems |= {name: problem} if problem else {}
        elif len(matches) > 1:
            ambiguous.append(name)
        elif matches:
            found[name] = matches[0]
        else:
            missing.append(name)
    return FoundServices(found, tuple(missing), tuple(ambiguous), problems)


def _is_named(described: Mapping[str, Any], name: str) -> bool:
    return name in (described["serviceName"], described["serviceArn"]) and described["status"] != "INACTIVE"


def task_definition(client: ECSClient, arn: str) -> TaskDefinition:
    """A task definition by its ARN; it never changes under one ARN."""
    answer = client.describe_task_definition(taskDefinition=arn)
    definition = member(answer, "taskDefinition", "ecs:DescribeTaskDefinition")
    return TaskDefinition(
        arn=definition["taskDefinitionArn"],
        containers=tuple(
            _container_definition(
                one,
                definition["containerDefinitions"],
                proxy=definition.get("proxyConfiguration", {}).get("containerName"),
            )
            for one in definition["containerDefinitions"]
        ),
        architecture=definition.get("runtimePlatform", {}).get("cpuArchitecture"),
        os=definition.get("runtimePlatform", {}).get("operatingSystemFamily"),
    )


def _service(answer: Mapping[str, Any], cluster: str) -> Service:
    return Service(
        arn=answer["serviceArn"],
        name=answer["serviceName"],
        cluster=cluster,
        status=answer["status"],
        desired=answer["desiredCount"],
        running=answer["runningCount"],
        pending=answer["pendingCount"],
        task_definition=answer.get("taskDefinition", ""),
        controller=answer.get("deploymentController", {}).get("type", "ECS"),
        scheduling=answer.get("schedulingStrategy", "REPLICA"),
        created_at=utc_or_none(answer.get("createdAt")),
        deployments=tuple(map(deployment, answer.get("deployments", ()))),
        task_sets=tuple(map(task_set, answer.get("taskSets", ()))),
        load_balancers=_load_balancers(answer),
        alarms=tuple(_alarms(answer.get("deploymentConfiguration", {}))),
        events=tuple(ServiceEvent(utc(one["createdAt"]), one["message"]) for one in answer.get("events", ())),
        service_deployment=answer.get("currentServiceDeployment", ""),
        service_revisions=tuple(one["arn"] for one in answer.get("currentServiceRevisions", ()) if one.get("arn")),
    )


def _load_balancers(service: Mapping[str, Any]) -> tuple[LoadBalancer, ...]:
    """The load balancers of a service; where another controller runs its rollouts, those of its task sets too.

    The task sets take turns between two target groups for each place in their lists, as do blue/green rollouts of ECS
    itself: then a task is to be healthy in one of the two.
    """
    own = list(service.get("loadBalancers", ()))
    task_sets = service.get("taskSets", ())
    sets = [each["loadBalancers"] for each in task_sets if each.get("loadBalancers")]
    if not sets:
        return tuple(map(_load_balancer, own))
    primary = [each["loadBalancers"] for each in task_sets if each["status"] == "PRIMARY" and each.get("loadBalancers")]
    found = []
    for place, balancer in enumerate(map(_load_balancer, own or sets[0])):
        groups = [one[place].get("targetGroupArn") for one in (own, *sets) if place < len(one)]
        other = next((arn for arn in groups if arn and arn != balancer.target_group), None)
        serving = next((one[place].get("targetGroupArn") for one in primary if place < len(one)), None)
        found.append(replace(balancer, alternate=other, production_group=serving) if other else balancer)
    return tuple(found)


def _load_balancer(answer: Mapping[str, Any]) -> LoadBalancer:
    advanced = answer.get("advancedConfiguration", {})
    return LoadBalancer(
        container=answer.get("containerName", ""),
        port=answer.get("containerPort"),
        target_group=answer.get("targetGroupArn"),
        alternate=advanced.get("alternateTargetGroupArn"),
        classic=answer.get("loadBalancerName", ""),
        production_rule=advanced.get("productionListenerRule", ""),
    )


def _alarms(configuration: Mapping[str, Any]) -> Sequence[str]:
    alarms = configuration.get("alarms", {})
    names: Sequence[str] = alarms.get("alarmNames", ())
    return names if alarms.get("enable", True) else ()


def _container_definition(
    answer: Mapping[str, Any], siblings: Sequence[Mapping[str, Any]], *, proxy: str | None
) -> ContainerDefinition:
    log = answer.get("logConfiguration", {})
    return ContainerDefinition(
        name=answer["name"],
        image=answer["image"],
        essential=answer.get("essential", True),
        log_driver=log.get("logDriver"),
        log_options=dict(log.get("options", {})),
        has_health_check="healthCheck" in answer,
        version_consistency=answer.get("versionConsistency") != "disabled",
        mounts=tuple(dict.fromkeys(_mounts(answer, siblings))),
        serves_others="firelensConfiguration" in answer or answer["name"] == proxy,
    )


def _mounts(container: Mapping[str, Any], siblings: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Yield the paths at which a container mounts volumes, of its own, of other containers and in memory."""
    lenders = {one.get("sourceContainer") for one in container.get("volumesFrom", ())}
    for one in (container, *(other for other in siblings if other.get("name") in lenders)):
        yield from (mount["containerPath"] for mount in one.get("mountPoints", ()) if mount.get("containerPath"))
    for one in container.get("linuxParameters", {}).get("tmpfs", ()):
        yield one["containerPath"]
