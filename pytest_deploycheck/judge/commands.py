"""The commands that findings propose, as one types them into a shell."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

from msgspec import Struct

from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.facts.log import LogStream
from pytest_deploycheck.facts.rollout import ServiceDeployment
from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.task import Task

_PARTS_OF_ARN = 6


def aws_command(*words: str, region: str) -> str:
    """Return a command of the AWS CLI; where the region is not known, it is left to the reader's own settings."""
    return shlex.join(["aws", *words, *(["--region", region] if region else [])])


def region_of(arn: str) -> str:
    """Return the region of a resource by its ARN; empty for what is no ARN."""
    parts = arn.split(":", _PARTS_OF_ARN - 1)
    return parts[3] if len(parts) == _PARTS_OF_ARN else ""


class Commands(Struct, frozen=True):
    """Commands of the AWS CLI about a service; each is an empty text where the service is not known."""

    service: Service | None

    def describe(self) -> str:
        """Return the command that shows the service, its deployments and its events."""
        return self._about("describe-services", "--services")

    def stopped_tasks(self) -> str:
        """Return the command that lists the tasks that stopped."""
        return self._about("list-tasks", "--service-name", after=("--desired-status", "STOPPED"))

    def describe_task(self, task: Task) -> str:
        """Return the command that shows one task."""
        return self._on_cluster("describe-tasks", "--tasks", task.id)

    def update(self, *arguments: str) -> str:
        """Return the command that updates the service, which begins a rollout."""
        return self._about("update-service", "--service", after=arguments)

    def _about(self, operation: str, flag: str, *, after: tuple[str, ...] = ()) -> str:
        return self._on_cluster(operation, flag, self.service.name, *after) if self.service else ""

    def _on_cluster(self, operation: str, *arguments: str) -> str:
        if self.service is None:
            return ""
        cluster, region = self.service.cluster, region_of(self.service.arn)
        return aws_command("ecs", operation, "--cluster", cluster, *arguments, region=region)


def resume(record: ServiceDeployment) -> str:
    """Return the command that continues a rollout that is paused at a hook; empty where it is not paused."""
    hook = record.pauses[0].hook if record.pauses else ""
    return _on_record(record, "continue-service-deployment", "--hook-id", hook) if hook else ""


def stop_rollout(record: ServiceDeployment) -> str:
    """Return the command that stops a rollout in progress, and rolls back to the one before."""
    return _on_record(record, "stop-service-deployment", "--stop-type", "ROLLBACK")


def _on_record(record: ServiceDeployment, operation: str, *arguments: str) -> str:
    region = region_of(record.arn)
    return aws_command("ecs", operation, "--service-deployment-arn", record.arn, *arguments, region=region)


def copy_image(source: Reference, target: Reference) -> str:
    """Return the command that copies an image to where a task definition looks, without building it again."""
    tag = target.tag or source.tag or "TAG"
    return shlex.join(["docker", "buildx", "imagetools", "create", "--tag", f"{target.place}:{tag}", str(source)])


def show_logs(stream: LogStream, since: datetime) -> str:
    """Return the command that shows the log group of a stream since a moment."""
    start = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return aws_command("logs", "tail", stream.group, "--since", start, region=stream.region)


def on_registry(registry: Registry, operation: str, *arguments: str) -> str:
    """Return a command on a registry in ECR."""
    where = ["--registry-id", registry.account]
    return aws_command("ecr", operation, *arguments, *where, region=registry.region)
