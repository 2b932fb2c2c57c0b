"""The events of a service since its newest rollout began, and the trouble that they report."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_deploycheck.facts.service import Service, ServiceEvent
from pytest_deploycheck.judge.analysis.newest_rollout import NewestRollout
from pytest_deploycheck.judge.wording import at
from pytest_deploycheck.redaction import one_line

_COMPLAINT = re.compile(
    r"unable to|(?:is|was) unhealthy|not healthy|throttled|failed to|cannot|insufficient|impaired|deployment failed",
    re.IGNORECASE,
)
"""Words of the service event messages, by the documentation of ECS, that report something wrong."""


def events_since(service: Service | None, newest: NewestRollout | None) -> tuple[ServiceEvent, ...]:
    """Return the service's events since its newest rollout began, the newest first."""
    if service is None or newest is None:
        return ()
    return tuple(event for event in service.events if event.at >= newest.started_at)


def message_of(service: Service | None, event: ServiceEvent) -> str:
    """Return the message of an event, without the name of the service, with which ECS begins it."""
    name = service.name if service else ""
    return one_line(event.message.removeprefix(f"(service {name}) "), 500)


def trouble(service: Service | None, events: Sequence[ServiceEvent]) -> str:
    """Return the first of some events that reports something wrong, with its time; an empty text where none does."""
    event = next((event for event in events if _COMPLAINT.search(event.message)), None)
    return f"{message_of(service, event)} ({at(event.at)})" if event else ""
