"""Everything that the checks of a service and its report derive from its facts, each value derived once."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from msgspec import Struct

from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis import awaited, targets
from pytest_deploycheck.judge.analysis.matching import TaskMatches
from pytest_deploycheck.judge.analysis.newest_rollout import NewestRollout, Outcome, newest_rollout
from pytest_deploycheck.judge.analysis.outcome import Ruling, rule
from pytest_deploycheck.judge.analysis.rollback import RollbackTarget, no_target, rollback_target
from pytest_deploycheck.judge.analysis.service_events import events_since, trouble
from pytest_deploycheck.judge.analysis.stopped_tasks import StopGroup, failed_tasks, group_by_reason
from pytest_deploycheck.judge.analysis.targets import CheckedContainer, Registration


class Rollout(Struct, frozen=True):
    """The rollout being verified: the newest one, and its outcome for the expected image.

    Attributes:
        outcome: The outcome.
        reason: The evidence for it, in one sentence.
        id: ECS's id of the deployment, or the ARN of the service deployment; None where there is none.
        started_at: When it began (UTC), or None where that is not known.
        desired: The desired number of tasks, or None where the service could not be read.
        running: The number of running tasks.
        events: The service's events, the newest first.
    """

    outcome: Outcome
    reason: str
    id: str | None = None
    started_at: datetime | None = None
    desired: int | None = None
    running: int = 0
    events: tuple[ServiceEvent, ...] = ()


class ServiceAnalysis(Struct, frozen=True, dict=True):
    """The meaning of one observation of a service.

    Each property is derived when it is first used, and kept.

    Attributes:
        facts: The facts that all else is derived from.
    """

    facts: ServiceFacts

    @cached_property
    def newest(self) -> NewestRollout | None:
        """The newest rollout of the service, whatever image it was to bring; None where none is known."""
        return newest_rollout(self.facts)

    @cached_property
    def matches(self) -> TaskMatches:
        """The tasks, compared with the expected images."""
        return TaskMatches(self.facts)

    @property
    def new_tasks(self) -> tuple[Task, ...]:
        """The running tasks that count as running the expected image (see `TaskMatches.is_new`)."""
        return self.matches.new_tasks

    @cached_property
    def ruling(self) -> Ruling:
        """The outcome of the rollout to the expected image, and what it is based on."""
        return rule(self.facts, self.newest, self.matches.fit)

    @property
    def outcome(self) -> Outcome:
        """The outcome of the rollout to the expected image."""
        return self.ruling.outcome

    @cached_property
    def rollout(self) -> Rollout:
        """The rollout being verified."""
        newest, service = self.newest, self.facts.service
        return Rollout(
            outcome=self.ruling.outcome,
            reason=self.ruling.reason,
            id=newest.id if newest else None,
            started_at=newest.started_at if newest else None,
            desired=service.desired if service else None,
            running=self.running,
            events=service.events if service else (),
        )

    @property
    def running(self) -> int:
        """The number of running tasks: as listed, else by the service's own count."""
        if self.facts.tasks is not None:
            return len(self.facts.running)
        return self.facts.service.running if self.facts.service else 0

    @cached_property
    def failed_tasks(self) -> tuple[Task, ...]:
        """The tasks of the newest rollout that did not stay up, the last to stop first."""
        return failed_tasks(self.facts, self.newest)

    @cached_property
    def stops(self) -> tuple[StopGroup, ...]:
        """The tasks of the newest rollout that did not stay up, grouped by reason, the largest group first."""
        return group_by_reason(self.failed_tasks)

    @cached_property
    def events(self) -> tuple[ServiceEvent, ...]:
        """The service's events since the newest rollout began, the newest first."""
        return events_since(self.facts.service, self.newest)

    @cached_property
    def trouble(self) -> str:
        """The newest of these events that reports something wrong; an empty text where none does."""
        return trouble(self.facts.service, self.events)

    @cached_property
    def registrations(self) -> tuple[Registration, ...]:
        """The new tasks in each target group of the service."""
        return targets.registrations(self.facts, self.new_tasks)

    @cached_property
    def checked_containers(self) -> tuple[CheckedContainer, ...]:
        """The containers of the new tasks that have a health check."""
        return targets.checked_containers(self.facts, self.new_tasks)

    @cached_property
    def awaited(self) -> tuple[str, ...]:
        """The conditions that a wait still waits for; empty where the rollout is settled, for better or worse."""
        return awaited.awaited(
            self.facts, self.outcome, self.matches, registrations=self.registrations, containers=self.checked_containers
        )

    @cached_property
    def rollback_target(self) -> RollbackTarget | None:
        """The image to roll back to, or None where none is known."""
        return rollback_target(self.facts)

    @cached_property
    def no_rollback_target(self) -> str:
        """Advice where there is nothing to roll back to; an empty text where there is, or that is not known."""
        return no_target(self.facts, self.rollback_target)
