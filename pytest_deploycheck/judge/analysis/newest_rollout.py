"""How the newest rollout of a service went, whatever image it was to bring."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from pytest_deploycheck.facts.rollout import Deployment, ServiceDeployment, TaskSet
from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import is_related
from pytest_deploycheck.judge.analysis.stages import where_it_is
from pytest_deploycheck.judge.wording import at

CONTROLLERS = frozenset({"ECS", "CODE_DEPLOY", "EXTERNAL"})
"""The deployment controllers that ECS has; of others it is not known what their task sets mean."""


class Outcome(StrEnum):
    """What became of the rollout to the expected image."""

    COMPLETED = "COMPLETED"
    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"
    SUPERSEDED = "SUPERSEDED"
    NOT_STARTED = "NOT_STARTED"
    UNKNOWN = "UNKNOWN"


class NewestRollout(Struct, frozen=True):
    """The newest rollout of the service, whatever image it was to bring.

    Attributes:
        outcome: How it went, as ECS tells it.
        reason: What ECS says of it, in one sentence.
        id: ECS's id of it.
        started_at: When it began (UTC).
        ended_at: When it was over or given up (UTC), or None where it is not, or nothing tells.
        starter: The id by which its tasks name it as what started them, or None where nothing tells.
    """

    outcome: Outcome
    reason: str
    id: str
    started_at: datetime
    ended_at: datetime | None = None
    starter: str | None = None


def newest_rollout(facts: ServiceFacts) -> NewestRollout | None:
    """The newest rollout: from ECS's own record of it, else from the service's deployments, else from its task sets."""
    record = facts.newest_record
    if record:
        return _from_record(record, facts)
    if facts.service is None:
        return None
    if facts.service.primary:
        return _from_deployment(facts.service, facts.service.primary, facts)
    return _from_task_sets(facts.service, facts)


_RECORDED = {
    "SUCCESSFUL": Outcome.COMPLETED,
    "PENDING": Outcome.IN_PROGRESS,
    "IN_PROGRESS": Outcome.IN_PROGRESS,
    "STOP_REQUESTED": Outcome.IN_PROGRESS,
    "STOPPED": Outcome.FAILED,
    "ROLLBACK_REQUESTED": Outcome.ROLLED_BACK,
    "ROLLBACK_IN_PROGRESS": Outcome.ROLLED_BACK,
    "ROLLBACK_SUCCESSFUL": Outcome.ROLLED_BACK,
    "ROLLBACK_FAILED": Outcome.FAILED,
}


def _from_record(record: ServiceDeployment, facts: ServiceFacts) -> NewestRollout:
    outcome = _RECORDED.get(record.status, Outcome.UNKNOWN)
    began = record.started_at or record.created_at
    details = [record.reason, record.rollback_reason or ""]
    details += [f"alarms: {', '.join(record.alarms)}"] if record.alarms else []
    details += where_it_is(record) if outcome is Outcome.IN_PROGRESS else []
    said = "; ".join(dict.fromkeys(detail for detail in details if detail))
    reason = f"ECS says {record.status} of the rollout that began {at(began)}{f': {said}' if said else ''}"
    service = facts.service
    if record.rollback_reason is not None or outcome is Outcome.ROLLED_BACK:
        ended = record.rolled_back_at or record.finished_at
        return NewestRollout(outcome, reason, record.arn, record.created_at, ended, _undone(record, facts))
    primary = service.primary.id if service and service.primary else None
    return NewestRollout(outcome, reason, primary or record.arn, record.created_at, record.finished_at, primary)


def _undone(record: ServiceDeployment, facts: ServiceFacts) -> str | None:
    """The id of the deployment that is rolled back: for a moment the PRIMARY one is not yet the way back from it."""
    service = facts.service
    undone = service.undone(facts.tasks or ()) if service else None
    if undone or service is None or service.primary is None or service.rollback:
        return undone.id if undone else None
    primary = service.primary
    is_before = record.rolled_back_at is None or primary.created_at < record.rolled_back_at
    return primary.id if is_before and record.finished_at is None else None


_ROLLOUT_STATES = {
    "COMPLETED": Outcome.COMPLETED,
    "IN_PROGRESS": Outcome.IN_PROGRESS,
    "FAILED": Outcome.FAILED,
}


def _from_deployment(service: Service, primary: Deployment, facts: ServiceFacts) -> NewestRollout:
    """The rollout that the PRIMARY deployment is, or the way back from which it is."""
    state = primary.rollout_state or _state_in_events(service, primary)
    reason = f"ECS says {state or 'nothing'} of deployment {primary.id}, begun {at(primary.created_at)}"
    said = service.rollback or primary.rollout_reason
    reason = f"{reason}{f': {said}' if said else ''}"
    if service.rollback is None:
        outcome = _ROLLOUT_STATES.get(state, Outcome.UNKNOWN)
        return NewestRollout(outcome, reason, primary.id, primary.created_at, starter=primary.id)
    alarms = f" (alarms of the service: {', '.join(service.alarms)})" if service.alarms else ""
    undone = service.undone(facts.tasks or ())
    return NewestRollout(
        Outcome.ROLLED_BACK,
        f"{reason}{alarms}",
        undone.id if undone else primary.id,
        undone.began_at if undone else primary.created_at,
        ended_at=primary.created_at,
        starter=undone.id if undone else None,
    )


def _state_in_events(service: Service, primary: Deployment) -> str:
    """How a deployment went by the service's events: of others than rolling ones ECS tells no rollout state."""
    for event in service.events:
        if primary.id in event.message:
            for word, state in (("deployment completed", "COMPLETED"), ("deployment failed", "FAILED")):
                if word in event.message:
                    return state
    others = [one for one in service.deployments if one.id != primary.id and one.running + one.pending]
    return "IN_PROGRESS" if others else ""


def _from_task_sets(service: Service, facts: ServiceFacts) -> NewestRollout | None:
    """The rollout that the newest task set is: how far it is, who serves production tells."""
    newest = service.newest_set
    if newest is None or service.controller not in CONTROLLERS:
        return None
    gone = _gone_again(newest, service, facts)
    if gone:
        return gone
    others = sum(one.running + one.pending for one in service.task_sets if one is not newest)
    if newest.status == "PRIMARY" and newest.is_steady and not others:
        outcome, said = Outcome.COMPLETED, "it serves production alone, and is steady"
    elif newest.status == "PRIMARY" and newest.is_steady:
        outcome = Outcome.IN_PROGRESS
        said = f"it serves production, and the old tasks still run: {service.controller} can yet go back to them"
    elif newest.status == "PRIMARY":
        outcome, said = Outcome.IN_PROGRESS, "it serves production, and is not steady yet"
    elif newest.status == "ACTIVE":
        outcome, said = Outcome.IN_PROGRESS, "it does not serve production yet"
    elif newest.status == "DRAINING":
        outcome, said = Outcome.ROLLED_BACK, "it is being stopped, and an older one serves production"
    else:
        outcome, said = Outcome.UNKNOWN, "what that means is not known"
    reason = f"ECS says {newest.status} of task set {newest.id}, begun {at(newest.created_at)}: {said}"
    return NewestRollout(outcome, reason, newest.id, newest.created_at, starter=newest.id)


def _gone_again(newest: TaskSet, service: Service, facts: ServiceFacts) -> NewestRollout | None:
    """A task set that was newer than all there are, and was taken away: its stopped tasks are what is left of it."""
    listed = {one.id for one in service.task_sets}
    left = [
        (task.created_at, task)
        for task in facts.tasks or ()
        if task.stopped_at and task.created_at and task.created_at > newest.created_at
        if task.is_of_service and task.started_by not in listed and _came_after(task, newest, facts)
    ]
    if not left:
        return None
    began, first = min(left, key=lambda pair: pair[0])
    return NewestRollout(
        Outcome.ROLLED_BACK,
        f"task set {first.started_by}, begun {at(began)}, is gone again, and {newest.id} serves production",
        first.started_by,
        began,
        ended_at=max(task.stopped_at for _, task in left if task.stopped_at),
        starter=first.started_by,
    )


def _came_after(task: Task, newest: TaskSet, facts: ServiceFacts) -> bool:
    """Whether a task that stopped is of a later task set than the newest, not one of an older set that was replaced.

    By its task definition; where only a tag was moved and that is the same, by the expected image that went with it.
    """
    if task.task_definition != newest.task_definition:
        return _is_later(task.task_definition, newest.task_definition)
    others = (one.created_at for one in facts.tasks or () if one.started_by == task.started_by)
    if any(created_at and created_at < newest.created_at for created_at in others):
        return False
    return _ran_the_expected_image(task, facts) and not any(
        _ran_the_expected_image(one, facts) for one in facts.running
    )


def _ran_the_expected_image(task: Task, facts: ServiceFacts) -> bool:
    """Whether a task runs the expected image, or did before it stopped."""
    digests = [(judged, one.digest) for judged in facts.judged if (one := task.container(judged.container))]
    return bool(digests) and all(digest and is_related(judged, digest, facts) for judged, digest in digests)


def _is_later(task_definition: str, other: str) -> bool:
    """Whether a task definition is a later revision of the same family than another."""
    family, _, number = task_definition.rpartition(":")
    other_family, _, other_number = other.rpartition(":")
    is_known = number.isdigit() and other_number.isdigit()
    return family == other_family and is_known and int(number) > int(other_number)
