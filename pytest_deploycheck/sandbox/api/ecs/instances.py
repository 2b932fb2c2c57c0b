"""The operations of ECS on container instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.api.ecs.shared import cluster_name, instance_arn, look_up
from pytest_deploycheck.sandbox.api.responses import Json, Operation, invalid
from pytest_deploycheck.sandbox.world.names import last_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.world.ecs.instances import SandboxInstance
    from pytest_deploycheck.sandbox.world.world import World

_MOST = 100


def describe_container_instances(world: World, region: str, request: Json) -> Json:
    """Operation DescribeContainerInstances."""
    cluster = cluster_name(world, region, request)
    wanted = request["containerInstances"]
    if not 1 <= len(wanted) <= _MOST:
        raise invalid(f"Container instances must contain between 1 and {_MOST} elements.")
    arns = [world.account.ecs_arn(region, "container-instance", cluster, last_part(each)) for each in wanted]
    known = {instance_arn(world, instance): instance for instance in world.instances.of(region, cluster)}
    found, failures = look_up(arns, known)
    return {"containerInstances": [_instance(world, instance) for instance in found], "failures": failures}


OPERATIONS: Mapping[str, Operation] = {"DescribeContainerInstances": describe_container_instances}
"""The operations, by name."""


def _instance(world: World, instance: SandboxInstance) -> Json:
    tasks = [task for task in world.tasks(instance.region, instance.cluster) if task.instance is instance]
    return {
        "containerInstanceArn": instance_arn(world, instance),
        "ec2InstanceId": instance.ec2_id,
        "version": 3,
        "versionInfo": {"agentVersion": "1.90.0", "agentHash": "7f1e1d3b", "dockerVersion": "DockerVersion: 25.0.8"},
        "remainingResources": [],
        "registeredResources": [],
        "status": "ACTIVE",
        "agentConnected": True,
        "runningTasksCount": sum(task.desired_status == "RUNNING" for task in tasks),
        "pendingTasksCount": sum(task.last_status == "PENDING" for task in tasks),
        "attributes": [],
        "registeredAt": instance.registered_at,
        "attachments": [],
        "tags": [],
    }
