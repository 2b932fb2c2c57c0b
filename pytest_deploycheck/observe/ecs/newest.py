"""From when on there is something to ask about: when the newest rollout began, and since when it serves alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pytest_deploycheck.facts.rollout import ServiceDeployment
from pytest_deploycheck.facts.service import Service, newest_record
from pytest_deploycheck.facts.task import Task


def rollout_began(
    service: Service | None, records: Sequence[ServiceDeployment] | None, tasks: Sequence[Task] | None
) -> datetime | None:
    """When the newest rollout began, that which was rolled back included; None where nothing tells."""
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
    """Since when only the tasks of the newest rollout serve: `now` while others still do, None where nothing tells.

    What went wrong before that may have been the fault of the old code, and what went well its merit.
    """
    newest = newest_record(service, records)
    starter = service.newest.id if service and service.newest else None
    ended = newest.finished_at if newest else None
    others = [task.stopped_at or now for task in tasks or () if starter and task.started_by != starter]
    own = [
        task.started_at for task in tasks or () if task.is_running and task.started_by == (starter or task.started_by)
    ]
    # Tasks that ECS replaced or added after the rollout change nothing, where it tells when that was through.
    moments = [*others, *([ended] if ended else filter(None, own))]
    return max(moments, default=None)
