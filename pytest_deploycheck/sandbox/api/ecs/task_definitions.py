"""The operations of ECS on task definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.api.responses import Json, Operation
from pytest_deploycheck.sandbox.world.errors import AwsError
from pytest_deploycheck.sandbox.world.names import last_part
from pytest_deploycheck.sandbox.world.target_groups import CONTAINER_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.world.ecs.task_definitions import SandboxContainer, SandboxTaskDefinition
    from pytest_deploycheck.sandbox.world.world import World

_PROXY_PROPERTIES = {
    "ProxyIngressPort": "15000",
    "ProxyEgressPort": "15001",
    "AppPorts": str(CONTAINER_PORT),
    "IgnoredUID": "1337",
}


def describe_task_definition(world: World, region: str, request: Json) -> Json:
    """Operation DescribeTaskDefinition: the newest revision if only a family is given."""
    wanted = last_part(request["taskDefinition"])
    here = [each for each in world.definitions.values() if each.region == region]
    fitting = [each for each in here if wanted in {each.family, f"{each.family}:{each.revision}"}]
    if not fitting:
        raise AwsError("ClientException", "Unable to describe task definition.")
    return {"taskDefinition": _definition(fitting[-1]), "tags": []}


OPERATIONS: Mapping[str, Operation] = {"DescribeTaskDefinition": describe_task_definition}
"""The operations, by name."""


def _definition(definition: SandboxTaskDefinition) -> Json:
    settings = definition.settings
    compatibilities = ["EC2", "FARGATE"] if settings.network_mode == "awsvpc" else ["EC2"]
    return {
        "taskDefinitionArn": definition.arn,
        "family": definition.family,
        "revision": definition.revision,
        "status": "ACTIVE",
        "containerDefinitions": [_container_definition(definition, each) for each in definition.containers],
        "volumes": [{"name": name, **volume} for name, volume in definition.volumes.items()],
        "placementConstraints": [],
        "networkMode": settings.network_mode,
        "compatibilities": compatibilities,
        "requiresCompatibilities": compatibilities[-1:],
        "runtimePlatform": {"cpuArchitecture": settings.architecture, "operatingSystemFamily": "LINUX"},
        "cpu": str(settings.cpu),
        "memory": str(settings.memory),
        "registeredAt": definition.registered_at,
        **({"proxyConfiguration": _proxy(settings.proxy)} if settings.proxy else {}),
    }


def _proxy(container: str) -> Json:
    properties = [{"name": name, "value": value} for name, value in _PROXY_PROPERTIES.items()]
    return {"type": "APPMESH", "containerName": container, "properties": properties}


def _container_definition(definition: SandboxTaskDefinition, container: SandboxContainer) -> Json:
    is_reached = container is definition.containers[0]
    host_port = 0 if definition.settings.network_mode == "bridge" else CONTAINER_PORT
    port = {"containerPort": CONTAINER_PORT, "hostPort": host_port, "protocol": "tcp"}
    return {
        "name": container.name,
        "image": container.image,
        "cpu": container.cpu,
        **({"memory": container.memory} if container.memory else {}),
        "essential": container.essential,
        "portMappings": [port] if is_reached else [],
        "environment": [{"name": name, "value": value} for name, value in container.environment.items()],
        "secrets": [{"name": name, "valueFrom": arn} for name, arn in container.secrets.items()],
        "mountPoints": [
            {"sourceVolume": volume, "containerPath": path, "readOnly": False}
            for path, volume in container.mounts.items()
        ],
        "volumesFrom": [],
        **({"versionConsistency": "disabled"} if not container.resolve_once else {}),
        **({"healthCheck": {"command": ["CMD", "true"]}} if container.health != "UNKNOWN" else {}),
        **({"firelensConfiguration": {"type": container.firelens}} if container.firelens else {}),
        **({"logConfiguration": _log_configuration(container)} if container.log_driver else {}),
    }


def _log_configuration(container: SandboxContainer) -> Json:
    options = {"mode": container.mode}
    if container.log_driver == "awslogs":
        options |= {
            "awslogs-group": container.log_group,
            "awslogs-region": container.log_region,
            "awslogs-stream-prefix": container.stream_prefix,
        }
    options |= container.log_options
    return {
        "logDriver": container.log_driver,
        "options": {name: value for name, value in options.items() if value},
    }
