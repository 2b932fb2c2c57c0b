"""The newest rollout of a service, derived from whatever ECS still shows: its definition, its start, its traffic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pytest_deploycheck.facts.rollout import Revision, ServiceDeployment
from pytest_deploycheck.facts.service import Service, newest_record
from pytest_deploycheck.facts.snapshot import Judged
from pytest_deploycheck.facts.task import Task

_SLACK = timedelta(seconds=5)
"""How long before its record a rollout's deployment may have been made."""


def target_definition(
    service: Service | None,
    rollouts: Sequence[ServiceDeployment] | None,
    revisions: Sequence[Revision],
    tasks: Sequence[Task] | None,
) -> str | None:
    """Return the ARN of the task definition that the newest rollout deploys, even if it was rolled back."""
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
    """Return the service revision that the newest rollout deploys, where ECS keeps service deployments."""
    newest = newest_record(service, rollouts)
    return next((one for one in revisions if newest and one.arn == newest.target), None)


def rollout_began(
    service: Service | None, records: Sequence[ServiceDeployment] | None, tasks: Sequence[Task] | None
) -> datetime | None:
    """Return when the newest rollout began, even if it was rolled back; None where that is not known."""
    newest = newest_record(service, records)
    if newest:
        return newest.created_at
    if service is None:
        return None
    undone = service.undone(tasks or ())
    if undone:
        return undone.began_at
    return service.newest.created_at if service.newest else None


def serves_alone_since(
    service: Service | None,
    records: Sequence[ServiceDeployment] | None,
    tasks: Sequence[Task] | None,
    *,
    now: datetime,
) -> datetime | None:
    """Return since when only tasks of the newest rollout serve: `now` while others still do, None where not known.

    Requests before that may have been answered by the old code.
    """
    newest = newest_record(service, records)
    starter = service.newest.id if service and service.newest else None
    ended = newest.finished_at if newest else None
    others = [task.stopped_at or now for task in tasks or () if starter and task.started_by != starter]
    own = [
        task.started_at for task in tasks or () if task.is_running and task.started_by == (starter or task.started_by)
    ]
    # Where ECS records when the rollout ended, tasks that it replaced or added later change nothing.
    moments = [*others, *([ended] if ended else filter(None, own))]
    return max(moments, default=None)


def is_as_rolled_out(
    service: Service,
    records: Sequence[ServiceDeployment] | None,
    tasks: Sequence[Task] | None,
    judged: Sequence[Judged],
) -> bool:
    """Return whether nothing contradicts that the newest rollout succeeded, and that its tasks run the expected images.

    Where something does, the rollouts before it may tell why.
    """
    newest = newest_record(service, records)
    primary = service.primary
    if newest is None or newest.status != "SUCCESSFUL" or newest.rollback_reason is not None:
        return False
    if primary is None or service.rollback or len(service.deployments) > 1:
        return False
    is_of_newest = newest.created_at - _SLACK <= primary.created_at <= (newest.finished_at or primary.created_at)
    if not is_of_newest or not tasks or any(task.has_failed for task in tasks):
        return False
    running = [task for task in tasks if task.is_running]
    if len(running) != service.desired or any(task.started_by != primary.id for task in running):
        return False
    return bool(judged) and all(_runs(task, one) for one in judged for task in running)


def _runs(task: Task, judged: Judged) -> bool:
    """Return whether a task shows that it runs the expected image, or a manifest of that index."""
    container = task.container(judged.container)
    image = judged.expected.image
    if container is None or image is None or judged.expected.absent or judged.expected.problem:
        return False
    return container.digest in {image.digest, *(child.digest for child in image.children)}
