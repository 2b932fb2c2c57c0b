"""Commands of the AWS CLI about a service; empty texts where the service could not be read."""

from __future__ import annotations

import shlex

from msgspec import Struct

from pytest_deploycheck.facts.rollout import ServiceDeployment
from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.wording import ecs_command


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
        return ecs_command(self.service, "describe-tasks", "--tasks", task.id) if self.service else ""

    def update(self, *arguments: str) -> str:
        """Return the command that updates the service, which begins a rollout."""
        return self._about("update-service", "--service", after=arguments)

    def _about(self, operation: str, flag: str, *, after: tuple[str, ...] = ()) -> str:
        if self.service is None:
            return ""
        return ecs_command(self.service, operation, flag, self.service.name, *after)


def resume(record: ServiceDeployment) -> str:
    """Return the command that continues a rollout that is paused at a hook; empty where it is not paused."""
    hook = record.pauses[0].hook if record.pauses else ""
    return _on_record(record, "continue-service-deployment", "--hook-id", hook) if hook else ""


def stop_rollout(record: ServiceDeployment) -> str:
    """Return the command that stops a rollout in progress, and rolls back to the one before."""
    return _on_record(record, "stop-service-deployment", "--stop-type", "ROLLBACK")


def _on_record(record: ServiceDeployment, operation: str, *arguments: str) -> str:
    words = ["aws", "ecs", operation, "--service-deployment-arn", record.arn]
    return shlex.join([*words, *arguments, "--region", record.arn.split(":")[3]])
