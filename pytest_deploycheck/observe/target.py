"""What the newest rollout was to bring, read off whatever ECS still shows of it."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
from pytest_deploycheck.facts.service import Service
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
    failed = _failed_before_rollback(service, tasks or ())
    if failed:
        return failed
    if service and service.primary:
        return service.primary.task_definition
    if service and service.task_sets:
        return max(service.task_sets, key=lambda one: one.created_at).task_definition
    if service and service.task_definition:
        return service.task_definition
    created = [(task.created_at, task.task_definition) for task in tasks or () if task.created_at]
    return max(created)[1] if created else None


def newest_revision(
    service: Service | None, rollouts: Sequence[ServiceDeployment] | None, revisions: Sequence[Revision]
) -> Revision | None:
    """The service revision that the newest rollout was to bring, where service deployments tell."""
    records = rollouts or ()
    newest = service.newest_record(records) if service else next(iter(records), None)
    return next((one for one in revisions if newest and one.arn == newest.target), None)


def _failed_before_rollback(service: Service | None, tasks: Sequence[Task]) -> str | None:
    """What a rolled-back deployment was to bring, where only `deployments` tells.

    The new PRIMARY brings the old task definition back; the failed deployment is listed for a while, and after that
    its stopped tasks still name it.
    """
    if service is None or service.rollback is None:
        return None
    failed = [one for one in service.deployments if one.rollout_state == "FAILED"]
    if failed:
        return max(failed, key=lambda one: one.created_at).task_definition
    known = {one.id for one in service.deployments}
    crashed = [
        (task.created_at, task.task_definition)
        for task in tasks
        if task.has_crashed and task.created_at and task.started_by not in known
    ]
    return max(crashed)[1] if crashed else None
