"""What the newest rollout was to bring, read off whatever ECS still shows of it."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
from pytest_deploycheck.facts.service import Service, newest_record
from pytest_deploycheck.facts.task import Task


def target_definition(
    service: Service | None,
    rollouts: Sequence[ServiceDeployment] | None,
    revisions: Sequence[Revision],
    tasks: Sequence[Task] | None,
) -> str | None:
    """ARN of the task definition that the newest rollout was to bring, even where it was rolled back."""
    revision = newest_revision(service, rollouts, revisions)
    if revision:
        return revision.task_definition
    undone = service.undone(tasks or ()) if service else None
    if undone:
        return undone.task_definition
    if service and service.primary:
        return service.primary.task_definition
    if service and service.newest_set:
        return service.newest_set.task_definition
    if service and service.task_definition:
        return service.task_definition
    created = [(task.created_at, task.task_definition) for task in tasks or () if task.created_at]
    return max(created)[1] if created else None


def newest_revision(
    service: Service | None, rollouts: Sequence[ServiceDeployment] | None, revisions: Sequence[Revision]
) -> Revision | None:
    """The service revision that the newest rollout was to bring, where service deployments tell."""
    newest = newest_record(service, rollouts)
    return next((one for one in revisions if newest and one.arn == newest.target), None)
