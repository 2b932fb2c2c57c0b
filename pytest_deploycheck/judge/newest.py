"""How the newest rollout of a service went, whatever image it was to bring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pytest_deploycheck.facts.rollout import Deployment, ServiceDeployment
from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.wording import at


class Outcome(StrEnum):
    """What became of the rollout to the image meant."""

    COMPLETED = "COMPLETED"
    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"
    SUPERSEDED = "SUPERSEDED"
    NOT_STARTED = "NOT_STARTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class NewestRollout:
    """The newest rollout of the service, whatever image it was to bring."""

    outcome: Outcome
    reason: str
    id: str
    started_at: datetime


def newest_record(facts: ServiceFacts) -> ServiceDeployment | None:
    """ECS's own record of the newest rollout, where there is one that is up to date."""
    records = facts.service_deployments or ()
    if facts.service:
        return facts.service.newest_record(records)
    return records[0] if records else None


def newest_rollout(facts: ServiceFacts) -> NewestRollout | None:
    """The newest rollout, from ECS's own record of it, else from the service's deployments."""
    primary = facts.service.primary if facts.service else None
    record = newest_record(facts)
    if record:
        return _from_record(record, primary)
    if facts.service and primary:
        return _from_deployment(facts.service, primary)
    return None


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


def _from_record(record: ServiceDeployment, primary: Deployment | None) -> NewestRollout:
    outcome = _RECORDED.get(record.status, Outcome.UNKNOWN)
    began = record.started_at or record.created_at
    details = [record.reason or "", record.rollback_reason or ""]
    details += [f"alarms: {', '.join(record.alarms)}"] if record.alarms else []
    said = "; ".join(dict.fromkeys(detail for detail in details if detail))
    reason = f"ECS says {record.status} of the rollout that began {at(began)}{f': {said}' if said else ''}"
    identifier = primary.id if primary and outcome is not Outcome.ROLLED_BACK else record.arn
    return NewestRollout(outcome, reason, identifier, record.created_at)


_ROLLOUT_STATES = {
    "COMPLETED": Outcome.COMPLETED,
    "IN_PROGRESS": Outcome.IN_PROGRESS,
    "FAILED": Outcome.FAILED,
}


def _from_deployment(service: Service, primary: Deployment) -> NewestRollout:
    outcome = _ROLLOUT_STATES.get(primary.rollout_state or "", Outcome.UNKNOWN)
    rollback = service.rollback
    said = rollback or primary.rollout_reason
    reason = f"ECS says {primary.rollout_state or 'nothing'} of deployment {primary.id}, begun {at(primary.created_at)}"
    return NewestRollout(
        Outcome.ROLLED_BACK if rollback else outcome,
        f"{reason}{f': {said}' if said else ''}",
        primary.id,
        primary.created_at,
    )
