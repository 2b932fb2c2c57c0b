"""From when on there is something to ask about: when the newest rollout began, and since when it serves alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pytest_deploycheck.facts.rollout import ServiceDeployment
from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.task import Task


def rollout_began(service: Service | None, records: Sequence[ServiceDeployment] | None) -> datetime | None:
    """When the newest rollout began, or None where nothing tells."""
    newest = service.newest_record(records or ()) if service else next(iter(records or ()), None)
    if newest:
        return newest.created_at
    if service is None:
        return None
    if service.primary:
        return service.primary.created_at
    return max((one.created_at for one in service.task_sets), default=None)


def serves_alone_since(
    service: Service | None, records: Sequence[ServiceDeployment] | None, tasks: Sequence[Task] | None
) -> datetime | None:
    """Since when only the tasks of the newest rollout serve, or None where nothing tells.

    What went wrong before that may have been the fault of the old code, and what went well its merit.
    """
    newest = service.newest_record(records or ()) if service else next(iter(records or ()), None)
    if newest and newest.finished_at:
        return newest.finished_at
    return max((task.started_at for task in tasks or () if task.is_running and task.started_at), default=None)
