"""Services, tasks and task definitions, as ECS tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.facts.service import ContainerDefinition, LoadBalancer, Service, ServiceEvent, TaskDefinition
from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.observe.calls import batches, member, pages, require_all, utc, utc_or_none
from pytest_deploycheck.observe.ecs.rollouts import deployment, task_set

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

# The most that one call takes, from the API's own documentation.
_SERVICES_PER_CALL = 10
_TASKS_PER_CALL = 100
_INSTANCES_PER_CALL = 100


class FoundServices(Struct, frozen=True):
    """The services that were found, by name, and the names of which there is none or more than one."""

    services: Mapping[str, Service]
    missing: tuple[str, ...]
    ambiguous: tuple[str, ...]


def services(client: ECSClient, cluster: str, names: Sequence[str]) -> FoundServices:
    """Look up services by name or ARN; a deleted one (INACTIVE) counts as missing."""
    described: list[Mapping[str, Any]] = []
    for batch in batches(names, _SERVICES_PER_CALL):
        answer = client.describe_services(cluster=cluster, services=list(batch))
        described += member(answer, "services", "ecs:DescribeServices")
    found: dict[str, Service] = {}
    ambiguous: list[str] = []
    for name in names:
        matches = [one for one in described if name in (one["serviceName"], one["serviceArn"])]
        alive = [one for one in matches if one["status"] != "INACTIVE"]
        if len(alive) > 1:
            ambiguous.append(name)
        elif alive:
            found[name] = _service(alive[0], cluster)
    missing = tuple(name for name in names if name not in found and name not in ambiguous)
    return FoundServices(found, missing, tuple(ambiguous))


def tasks(client: ECSClient, cluster: str, service: str) -> tuple[Task, ...]:
    """The tasks of a service: running, on their way, draining, and stopped within about the last hour.

    A listing of the running ones leaves out those told to stop that still run, so both kinds are asked for.
    """
    arns: dict[str, None] = {}
    running: tuple[str, ...] = ()
    statuses: tuple[Literal["RUNNING", "STOPPED"], ...] = ("RUNNING", "STOPPED")
    for status in statuses:
        for page in pages(client.list_tasks, cluster=cluster, serviceName=service, desiredStatus=status):
            arns.update(dict.fromkeys(member(page, "taskArns", "ecs:ListTasks")))
        if status == "RUNNING":
            running = tuple(arns)
    described: list[Task] = []
    for batch in batches(list(arns), _TASKS_PER_CALL):
        answer = client.describe_tasks(cluster=cluster, tasks=list(batch))
        described += map(_task, member(answer, "tasks", "ecs:DescribeTasks"))
    require_all(running, (task.arn for task in described), "ecs:DescribeTasks")
    return tuple(described)


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


def on_instances(client: ECSClient, cluster: str, tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Tasks with the EC2 instance they run on among their addresses, where they have no address of their own.

    With the network modes `bridge` and `host` a target group knows a task by its instance and a port of it.
    """
    arns = list(dict.fromkeys(task.instance for task in tasks if task.instance and not task.addresses))
    instances: dict[str, str] = {}
    for batch in batches(arns, _INSTANCES_PER_CALL):
        answer = client.describe_container_instances(cluster=cluster, containerInstances=list(batch))
        for one in member(answer, "containerInstances", "ecs:DescribeContainerInstances"):
            instances[one["containerInstanceArn"]] = one.get("ec2InstanceId", "")
    return tuple(
        replace(task, addresses=(instances[task.instance],))
        if not task.addresses and task.instance and instances.get(task.instance)
        else task
        for task in tasks
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
        load_balancers=tuple(map(_load_balancer, _load_balancers(answer))),
        alarms=tuple(_alarms(answer.get("deploymentConfiguration", {}))),
        events=tuple(ServiceEvent(utc(one["createdAt"]), one["message"]) for one in answer.get("events", ())),
    )


def _load_balancers(service: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The load balancers of a service; where another controller runs its rollouts, those of its task sets too.

    The task sets take turns between two target groups for each place in their lists, as do blue/green rollouts of ECS
    itself: then a task is to be healthy in one of the two.
    """
    own = list(service.get("loadBalancers", ()))
    task_sets = service.get("taskSets", ())
    sets = [each["loadBalancers"] for each in task_sets if each.get("loadBalancers")]
    if not sets:
        return own
    primary = [each["loadBalancers"] for each in task_sets if each["status"] == "PRIMARY" and each.get("loadBalancers")]
    found = []
    for place, balancer in enumerate(own or sets[0]):
        groups = [one[place].get("targetGroupArn") for one in (own, *sets) if place < len(one)]
        other = next((arn for arn in groups if arn and arn != balancer.get("targetGroupArn")), None)
        serving = next((one[place].get("targetGroupArn") for one in primary if place < len(one)), None)
        pair = {"advancedConfiguration": {"alternateTargetGroupArn": other}, "productionTargetGroupArn": serving}
        found.append({**balancer, **pair} if other else balancer)
    return found


def _load_balancer(answer: Mapping[str, Any]) -> LoadBalancer:
    advanced = answer.get("advancedConfiguration", {})
    return LoadBalancer(
        container=answer.get("containerName", ""),
        port=answer.get("containerPort"),
        target_group=answer.get("targetGroupArn"),
        alternate=advanced.get("alternateTargetGroupArn"),
        classic=answer.get("loadBalancerName", ""),
        production_rule=advanced.get("productionListenerRule", ""),
        production_group=answer.get("productionTargetGroupArn"),
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


def _task(answer: Mapping[str, Any]) -> Task:
    attributes = {one["name"]: one.get("value") for one in answer.get("attributes", ())}
    return Task(
        arn=answer["taskArn"],
        task_definition=answer["taskDefinitionArn"],
        status=answer["lastStatus"],
        desired_status=answer["desiredStatus"],
        containers=tuple(map(_container, answer.get("containers", ()))),
        started_by=answer.get("startedBy", ""),
        created_at=utc_or_none(answer.get("createdAt")),
        started_at=utc_or_none(answer.get("startedAt")),
        stopped_at=utc_or_none(answer.get("stoppedAt")),
        stop_code=answer.get("stopCode", ""),
        stopped_reason=answer.get("stoppedReason", ""),
        health=answer.get("healthStatus", "UNKNOWN"),
        architecture=attributes.get("ecs.cpu-architecture"),
        os=answer.get("platformFamily") or attributes.get("ecs.os-type"),
        addresses=tuple(_addresses(answer)),
        instance=answer.get("containerInstanceArn"),
    )


def _addresses(task: Mapping[str, Any]) -> Iterable[str]:
    """The private addresses of a task that has its own network interface (awsvpc)."""
    interfaces = [one for each in task.get("containers", ()) for one in each.get("networkInterfaces", ())]
    found = [one.get(key) for one in interfaces for key in ("privateIpv4Address", "ipv6Address")]
    details = [one for each in task.get("attachments", ()) for one in each.get("details", ())]
    found += [one.get("value") for one in details if one.get("name") == "privateIPv4Address"]
    return dict.fromkeys(address for address in found if address)


def _container(answer: Mapping[str, Any]) -> Container:
    return Container(
        name=answer["name"],
        image=answer.get("image", ""),
        digest=answer.get("imageDigest"),
        runtime_id=answer.get("runtimeId"),
        status=answer.get("lastStatus", "UNKNOWN"),
        health=answer.get("healthStatus", "UNKNOWN"),
        exit_code=answer.get("exitCode"),
        reason=answer.get("reason", ""),
        host_ports=tuple(
            (one["containerPort"], one["hostPort"])
            for one in answer.get("networkBindings", ())
            if "containerPort" in one and "hostPort" in one
        ),
    )
