"""Tasks as ECS reports them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

STATUSES = frozenset(
    {
        "PROVISIONING",
        "PENDING",
        "ACTIVATING",
        "RUNNING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
        "STOPPED",
        "DELETED",
    }
)
"""The states of a task's life, by the documentation of ECS."""

_FAILURES = frozenset({"TaskFailedToStart", "EssentialContainerExited", "SpotInterruption", "TerminationNotice"})


class Container(Struct, frozen=True):
    """A container of a task.

    Attributes:
        name: Its name within the task.
        image: The image used, as ECS writes it.
        digest: Digest of the image it runs, or None where ECS does not say.
        runtime_id: The container runtime's id for it.
        status: Its last status.
        health: HEALTHY, UNHEALTHY or UNKNOWN; UNKNOWN too where the task definition has no health check.
        exit_code: Its exit code, once stopped.
        reason: Why it stopped or could not start.
        host_ports: Its ports, each with the port of the host that leads to it; empty where it has its own address.
    """

    name: str
    image: str = ""
    digest: str | None = None
    runtime_id: str | None = None
    status: str = "RUNNING"
    health: str = "UNKNOWN"
    exit_code: int | None = None
    reason: str = ""
    host_ports: tuple[tuple[int, int], ...] = ()

    @property
    def image_digest(self) -> str | None:
        """The digest of its image: the one ECS shows, else the one by which its image was pulled; None for neither."""
        pinned = self.image.rpartition("@")[2] if "@sha256:" in self.image else None
        return self.digest or pinned

    def host_port(self, port: int | None) -> int | None:
        """The port under which others reach one of its ports: the host's, where the host leads to it."""
        return next((host for own, host in self.host_ports if own == port), port)


class Task(Struct, frozen=True):
    """A task of a service.

    Attributes:
        arn: Its ARN.
        task_definition: ARN of its task definition.
        status: Its last status, for example RUNNING.
        desired_status: What ECS wants of it; STOPPED for one that is draining.
        containers: Its containers.
        started_by: Id of the deployment that started it.
        created_at: When it was asked for.
        started_at: When it began to run, or None where it has not.
        stopped_at: When it stopped, or None.
        stop_code: The class of reason it stopped for.
        stopped_reason: ECS's own sentence for it.
        health: The health of the task as a whole.
        architecture: CPU architecture it runs on (`x86_64`, `arm64`), or None where ECS does not say.
        os: Operating system it runs on (`Linux`, `WINDOWS_SERVER_2022_CORE`), or None where ECS does not say.
        addresses: What a target group may know it by: its private addresses, or the EC2 instance it runs on.
        instance: ARN of the container instance it runs on, or None on Fargate.
    """

    arn: str
    task_definition: str
    status: str
    desired_status: str
    containers: tuple[Container, ...] = ()
    started_by: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    health: str = "UNKNOWN"
    architecture: str | None = None
    os: str | None = None
    addresses: tuple[str, ...] = ()
    instance: str | None = None

    @property
    def id(self) -> str:
        """The last part of the ARN, as consoles and log streams show it."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def is_of_service(self) -> bool:
        """True if a deployment or task set of a service started it, and not a person or a rule."""
        return self.started_by.startswith("ecs-svc/")

    @property
    def has_failed(self) -> bool:
        """True if it failed: it stopped, or never started, and was not meant to.

        A health check that fails makes the scheduler stop a task, as it does when it replaces one: only the sentence
        tells the two apart.
        """
        if self.stopped_at is None:
            return False
        if self.stop_code == "ServiceSchedulerInitiated":
            return "health check" in self.stopped_reason.lower()
        return self.stop_code in _FAILURES

    @property
    def is_status_known(self) -> bool:
        """True if this version knows the last and the desired status that ECS reports for the task."""
        return {self.status, self.desired_status} <= STATUSES

    @property
    def is_running(self) -> bool:
        """True if it is running and its desired status is to keep running."""
        return self.status == "RUNNING" and self.desired_status == "RUNNING"

    def container(self, name: str) -> Container | None:
        """The container of that name, if there is one."""
        return next((container for container in self.containers if container.name == name), None)

    def digest_of(self, name: str) -> str | None:
        """The digest of the image of the container of that name; None where ECS does not say or there is none."""
        container = self.container(name)
        return container.image_digest if container else None


class DefinedContainer(Struct, frozen=True):
    """The environment of a container, as its task definition sets it; no representation shows a value.

    Attributes:
        environment: The values of its environment variables, by name.
        secrets: The ARN or name from which ECS takes the value of each secret, by the variable's name.
        files: ARNs of the files with further variables.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<settings of a container with the variables {', '.join(self.environment) or 'none'}>"


class DefinedTask(Struct, frozen=True):
    """A task definition, as tests ask for it.

    Attributes:
        arn: Its ARN.
        family: The family it belongs to.
        revision: Its number in the family.
        cpu: The CPU units of a task (1024 are a vCPU), or None where the definition sets none.
        memory: The memory of a task in MiB, or None where the definition sets none.
        containers: The settings of its containers, by name.
    """

    arn: str
    family: str
    revision: int
    cpu: int | None = None
    memory: int | None = None
    containers: Mapping[str, DefinedContainer] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<task definition {self.family}:{self.revision}, cpu {self.cpu}, memory {self.memory}>"
