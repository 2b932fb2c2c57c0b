"""The operations of ECS on tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.api.ecs.shared import cluster_name, instance_arn, launch, look_up
from pytest_deploycheck.sandbox.api.responses import Json, Operation, invalid, page, without_none
from pytest_deploycheck.sandbox.world.errors import AwsError
from pytest_deploycheck.sandbox.world.names import last_part
from pytest_deploycheck.sandbox.world.target_groups import CONTAINER_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxContainer
    from pytest_deploycheck.sandbox.world.ecs.tasks import SandboxTask
    from pytest_deploycheck.sandbox.world.world import World

_MOST = 100
_CPU_NAMES = {"X86_64": "x86_64", "ARM64": "arm64"}


def list_tasks(world: World, region: str, request: Json) -> Json:
    """Operation ListTasks."""
    cluster = cluster_name(world, region, request)
    tasks = world.tasks(region, cluster)
    desired = request.get("desiredStatus", "RUNNING")
    # No task has the desired status PENDING in ECS: a request for it finds nothing.
    tasks = [task for task in tasks if task.desired_status == desired]
    if request.get("serviceName"):
        name = last_part(request["serviceName"])
        if (region, cluster, name) not in world.services:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        tasks = [task for task in tasks if task.group == f"service:{name}"]
    if request.get("family"):
        tasks = [task for task in tasks if task.definition.family == request["family"]]
    if request.get("startedBy"):
        tasks = [task for task in tasks if task.started_by == request["startedBy"]]
    listed, more = page([task.arn for task in tasks if task.is_listed], request, largest=_MOST)
    return {"taskArns": listed, **more}


def describe_tasks(world: World, region: str, request: Json) -> Json:
    """Operation DescribeTasks."""
    cluster = cluster_name(world, region, request)
    if not 1 <= len(request["tasks"]) <= _MOST:
        raise invalid(f"Tasks must contain between 1 and {_MOST} elements.")
    arns = [world.account.ecs_arn(region, "task", cluster, last_part(each)) for each in request["tasks"]]
    found, failures = look_up(arns, {task.arn: task for task in world.tasks(region, cluster)})
    return {"tasks": [_task(world, task) for task in found], "failures": failures}


OPERATIONS: Mapping[str, Operation] = {
    "DescribeTasks": describe_tasks,
    "ListTasks": list_tasks,
}
"""The operations, by name."""


def _task(world: World, task: SandboxTask) -> Json:
    return without_none(
        {
            "taskArn": task.arn,
            "clusterArn": world.account.ecs_arn(task.region, "cluster", task.cluster),
            "taskDefinitionArn": task.definition.arn,
            "attributes": [
                {"name": "ecs.cpu-architecture", "value": _CPU_NAMES[task.definition.settings.architecture]},
            ],
            "availabilityZone": f"{task.region}a",
            "attachments": [_network_interface(task)] if task.has_address else [],
            "connectivity": "CONNECTED" if task.is_running else None,
            "containerInstanceArn": instance_arn(world, task.instance) if task.instance else None,
            "containers": [_container(task, each) for each in task.definition.containers],
            "cpu": str(task.definition.settings.cpu),
            "memory": str(task.definition.settings.memory),
            "createdAt": task.created_at,
            "startedAt": task.started_at,
            "stoppingAt": task.stopped_at,
            "stoppedAt": task.stopped_at,
            "stopCode": task.stop_code,
            "stoppedReason": task.stopped_reason or None,
            "desiredStatus": task.desired_status,
            "lastStatus": task.shown_status or task.last_status,
            "healthStatus": _task_health(task),
            "group": task.group,
            "startedBy": task.started_by or None,
            **launch("EC2" if task.instance else "FARGATE", "1.4.0"),
            "enableExecuteCommand": False,
            "overrides": {"containerOverrides": [{"name": each.name} for each in task.definition.containers]},
            "tags": [],
            "version": 3,
        }
    )


def _container(task: SandboxTask, container: SandboxContainer) -> Json:
    state = task.container_state(container)
    is_up = task.started_at and state.last_status != "PENDING"
    return without_none(
        {
            "containerArn": f"{task.arn.replace(':task/', ':container/')}/{container.name}",
            "taskArn": task.arn,
            "name": container.name,
            "image": container.image,
            "imageDigest": task.digests[container.name] if container.shows_digest else None,
            "runtimeId": task.runtime_id(container) if is_up else None,
            "lastStatus": state.last_status,
            "exitCode": state.exit_code,
            "reason": state.reason or None,
            "healthStatus": task.container_health(container),
            **_network(task, container),
            "cpu": str(container.cpu),
            "memory": str(container.memory) if container.memory else None,
        }
    )


def _network(task: SandboxTask, container: SandboxContainer) -> Json:
    if task.has_address:
        interface = {"attachmentId": _attachment_id(task), "privateIpv4Address": task.private_ip}
        return {"networkBindings": [], "networkInterfaces": [interface]}
    binding = {"bindIP": "0.0.0.0", "containerPort": CONTAINER_PORT, "hostPort": task.host_port, "protocol": "tcp"}  # noqa: S104  # the value that Docker reports; nothing is bound
    is_reached = task.started_at and container is task.definition.containers[0]
    return {"networkBindings": [binding] if is_reached else [], "networkInterfaces": []}


def _task_health(task: SandboxTask) -> str:
    results = {task.container_health(each) for each in task.definition.containers if each.essential}
    return next((health for health in ("UNHEALTHY", "UNKNOWN", "HEALTHY") if health in results), "UNKNOWN")


def _attachment_id(task: SandboxTask) -> str:
    return f"{task.id[:8]}-{task.id[8:12]}-{task.id[12:16]}-{task.id[16:20]}-{task.id[20:]}"


def _network_interface(task: SandboxTask) -> Json:
    return {
        "id": _attachment_id(task),
        "type": "ElasticNetworkInterface",
        "status": "DELETED" if task.stopped_at else "ATTACHED",
        "details": [
            {"name": "networkInterfaceId", "value": f"eni-{task.id[:17]}"},
            {"name": "privateIPv4Address", "value": task.private_ip},
        ],
    }
