"""What the events of a service complain of."""

from __future__ import annotations

import re

from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import newest_rollout
from pytest_deploycheck.judge.wording import at
from pytest_deploycheck.redaction import one_line

_COMPLAINT = re.compile(
    r"unable to|(?:is|was) unhealthy|not healthy|throttled|failed to|cannot|insufficient|impaired|deployment failed",
    re.IGNORECASE,
)
"""What the service event messages have in common, by ECS's documentation, that tell of something wrong."""


def events_since(facts: ServiceFacts) -> tuple[ServiceEvent, ...]:
    """The service's events since the newest rollout began, the newest first."""
    newest = newest_rollout(facts)
    if facts.service is None or newest is None:
        return ()
    return tuple(event for event in facts.service.events if event.at >= newest.started_at)


def said_by(facts: ServiceFacts, event: ServiceEvent) -> str:
    """What an event says, without the name of the service, with which ECS begins it."""
    name = facts.service.name if facts.service else ""
    return one_line(event.message.removeprefix(f"(service {name}) "), 500)


def trouble(facts: ServiceFacts) -> str:
    """The newest of the service's events since the rollout began that complains; an empty text where none does."""
    event = next((event for event in events_since(facts) if _COMPLAINT.search(event.message)), None)
    return f"{said_by(facts, event)} ({at(event.at)})" if event else ""
