"""The newest rollout of a service and its outcome, whatever image it was to bring."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from pytest_deploycheck.facts.rollout import Deployment, ServiceDeployment, TaskSet
from pytest_deploycheck.facts.service import Service, ServiceEvent
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import is_related
from pytest_deploycheck.judge.analysis.rollout_stage import stage_in_words
from pytest_deploycheck.judge.wording import at

CONTROLLERS = frozenset({"ECS", "CODE_DEPLOY", "EXTERNAL"})
"""The deployment controllers that ECS has; of others it is not known what their task sets mean."""


class Outcome(StrEnum):
    """The outcome of the rollout to the expected image."""

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
        outcome: Its outcome, as ECS reports it.
        reason: What ECS reports, in one sentence.
        id: ECS's id of it.
        started_at: When it began (UTC).
        ended_at: When it ended or was given up (UTC), or None where it is still going on or that is not known.
        starter: The id that its tasks have as `startedBy`, or None where that is not known.
    """

    outcome: Outcome
    reason: str
    id: str
    started_at: datetime
    ended_at: datetime | None = None
    starter: str | None = None

    def is_same(self, known_as: str | None, started_at: datetime | None) -> bool:
        """Return True if it is the rollout of this id, or of this start.

        The time in ECS's record and in its list of deployments may differ by seconds, and either may be denied for
        once, which leaves another id.
        """
        return self.id == known_as or self.started_at == started_at


def newest_rollout(facts: ServiceFacts) -> NewestRollout | None:
    """Return the newest rollout: by ECS's record of it, else by the service's deployments, else by its task sets."""
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
    details += stage_in_words(record) if outcome is Outcome.IN_PROGRESS else []
    said = "; ".join(dict.fromkeys(detail for detail in details if detail))
    reason = f"ECS reports {record.status} for the rollout that began {at(began)}{f': {said}' if said else ''}"
    service = facts.service
    if record.rollback_reason is not None or outcome is Outcome.ROLLED_BACK:
        ended = record.rolled_back_at or record.finished_at
        return NewestRollout(outcome, reason, record.arn, record.created_at, ended, _undone(record, facts))
    primary = service.primary if service else None
    starter = primary.id if primary else None
    state = primary.rollout_state if primary else None
    if outcome is Outcome.COMPLETED and state in _CONTRADICTIONS:
        # The record may be of the rollout before, where another began between the two calls.
        outcome, reason = _CONTRADICTIONS[state], f"{reason}; it reports {state} for deployment {starter}"
    return NewestRollout(outcome, reason, starter or record.arn, record.created_at, record.finished_at, starter)


_CONTRADICTIONS = {"IN_PROGRESS": Outcome.IN_PROGRESS, "FAILED": Outcome.UNKNOWN}
"""What is known where a rollout is recorded as successful and its PRIMARY deployment has another state."""


def _undone(record: ServiceDeployment, facts: ServiceFacts) -> str | None:
    """The id of the deployment that is rolled back; for a moment it is still the PRIMARY one."""
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
    """The rollout that the newest deployment is; where the PRIMARY one is a rollback, the rollout that it undid."""
    later = service.later_than_primary
    if later:
        return _later_than_primary(service, primary, later)
    state = primary.rollout_state or _state_in_events(service, primary)
    reason = f"ECS reports {state or 'no state'} for deployment {primary.id}, which began {at(primary.created_at)}"
    said = service.rollback or primary.rollout_reason
    reason = f"{reason}{f': {said}' if said else ''}"
    if service.rollback is None:
        gone = _gone_again(primary, service, facts)
        if gone:
            return gone
        outcome = _ROLLOUT_STATES.get(state, Outcome.UNKNOWN)
        ended = _end_in_events(service, primary)
        ended_at = ended.at if ended and outcome is not Outcome.IN_PROGRESS else None
        return NewestRollout(outcome, reason, primary.id, primary.created_at, ended_at, starter=primary.id)
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


def _later_than_primary(service: Service, primary: Deployment, later: Deployment) -> NewestRollout:
    """A rollout newer than the PRIMARY deployment: an earlier one took its place again, as some emulators roll back."""
    state = later.rollout_state or _state_in_events(service, later)
    said = f": {later.rollout_reason}" if later.rollout_reason else ""
    reason = f"ECS reports {state or 'no state'} for deployment {later.id}, which began {at(later.created_at)}{said}"
    if state in {"FAILED", "COMPLETED"}:
        back = f"{reason}; deployment {primary.id}, which began {at(primary.created_at)}, is PRIMARY again"
        return NewestRollout(Outcome.ROLLED_BACK, back, later.id, later.created_at, starter=later.id)
    outcome = _ROLLOUT_STATES.get(state, Outcome.UNKNOWN)
    return NewestRollout(outcome, reason, later.id, later.created_at, starter=later.id)


_ENDS = {"deployment completed": "COMPLETED", "deployment failed": "FAILED"}
"""The rollout states that events of a service report, by the words of their messages."""


def _end_in_events(service: Service, deployment: Deployment) -> ServiceEvent | None:
    """Return the newest event that reports the end of a deployment: the deployment itself has no time of it."""
    about = (event for event in service.events if deployment.id in event.message)
    return next((event for event in about if any(words in event.message for words in _ENDS)), None)


def _state_in_events(service: Service, primary: Deployment) -> str:
    """The state of a deployment by the service's events: ECS keeps a rollout state for rolling deployments only."""
    ended = _end_in_events(service, primary)
    if ended:
        return next(state for words, state in _ENDS.items() if words in ended.message)
    others = [one for one in service.deployments if one.id != primary.id and one.running + one.pending]
    return "IN_PROGRESS" if others else ""


def _from_task_sets(service: Service, facts: ServiceFacts) -> NewestRollout | None:
    """The rollout that the newest task set is; its progress shows in which task set serves production."""
    newest = service.newest_set
    if newest is None or service.controller not in CONTROLLERS:
        return None
    gone = _gone_again(newest, service, facts)
    if gone:
        return gone
    others = sum(one.running + one.pending for one in service.task_sets if one is not newest)
    if newest.status == "PRIMARY" and newest.is_steady and not others:
        outcome, said = Outcome.COMPLETED, "it alone serves production, and is steady"
    elif newest.status == "PRIMARY" and newest.is_steady:
        outcome = Outcome.IN_PROGRESS
        said = f"it serves production, and the old tasks still run, so that {service.controller} can roll back to them"
    elif newest.status == "PRIMARY":
        outcome, said = Outcome.IN_PROGRESS, "it serves production, but is not steady yet"
    elif newest.status == "ACTIVE":
        outcome, said = Outcome.IN_PROGRESS, "it does not serve production yet"
    elif newest.status == "DRAINING":
        outcome, said = Outcome.ROLLED_BACK, "it is being stopped, and an older one serves production"
    else:
        outcome, said = Outcome.UNKNOWN, "this version does not know that status"
    reason = f"ECS reports {newest.status} for task set {newest.id}, which began {at(newest.created_at)}: {said}"
    return NewestRollout(outcome, reason, newest.id, newest.created_at, starter=newest.id)


def _gone_again(newest: Deployment | TaskSet, service: Service, facts: ServiceFacts) -> NewestRollout | None:
    """A rollout that was newer than all that ECS lists, and was removed: only its stopped tasks are left of it."""
    listed = {one.id for one in service.listed}
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
        f"{first.started_by}, which began {at(began)}, was removed again, and {newest.id} serves production",
        first.started_by,
        began,
        ended_at=max(task.stopped_at for _, task in left if task.stopped_at),
        starter=first.started_by,
    )


def _came_after(task: Task, newest: Deployment | TaskSet, facts: ServiceFacts) -> bool:
    """Return True if a stopped task belongs to a later rollout than the newest listed one, not to an older one.

    Its task definition tells; where that is the same, as only a tag was moved, the image that it ran does.
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
    """Return True if a task runs the expected image, or did before it stopped."""
    digests = [(judged, one.image_digest) for judged in facts.judged if (one := task.container(judged.container))]
    return bool(digests) and all(digest and is_related(judged, digest, facts) for judged, digest in digests)


def _is_later(task_definition: str, other: str) -> bool:
    """Return True if a task definition is a later revision of the same family than another."""
    family, _, number = task_definition.rpartition(":")
    other_family, _, other_number = other.rpartition(":")
    is_known = number.isdigit() and other_number.isdigit()
    return family == other_family and is_known and int(number) > int(other_number)
