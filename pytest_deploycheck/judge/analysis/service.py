"""What the facts of a service mean: derived once, and shared by all its checks and by the report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import Fit, Match, fit, is_new, match_container, match_task
from pytest_deploycheck.judge.analysis.newest_rollout import NewestRollout, newest_rollout
from pytest_deploycheck.judge.analysis.outcome import Ruling, rule
from pytest_deploycheck.judge.analysis.rollback import RollbackTarget, rollback_target
from pytest_deploycheck.judge.analysis.service_events import events_since
from pytest_deploycheck.judge.analysis.stopped_tasks import Stop, failed_tasks, stops


# No slots: the derived values are kept in the instance's dictionary, each from its first use on.
@dataclass(frozen=True)
class ServiceAnalysis:
    """The meaning of one observation of a service.

    Attributes:
        facts: The facts that all else is derived from.
    """

    facts: ServiceFacts

    @cached_property
    def newest(self) -> NewestRollout | None:
        """The newest rollout of the service, whatever image it was to bring; None where none is known."""
        return newest_rollout(self.facts)

    @cached_property
    def ruling(self) -> Ruling:
        """The outcome of the rollout to the expected image, and what it rests on."""
        return rule(self.facts)

    @cached_property
    def fit(self) -> Fit:
        """The running tasks as a whole, compared with the expected image."""
        return fit(self.facts)

    @cached_property
    def new_tasks(self) -> tuple[Task, ...]:
        """The running tasks that count as running the expected image (see `is_new`)."""
        return tuple(task for task in self.facts.running if self.is_new(task))

    @cached_property
    def failed_tasks(self) -> tuple[Task, ...]:
        """The tasks of the newest rollout that did not stay up, the last to stop first."""
        return failed_tasks(self.facts)

    @cached_property
    def stops(self) -> tuple[Stop, ...]:
        """The tasks of the newest rollout that stopped, grouped by reason, the largest group first."""
        return stops(self.facts)

    @cached_property
    def events(self) -> tuple[ServiceEvent, ...]:
        """The service's events since the newest rollout began, the newest first."""
        return events_since(self.facts)

    @cached_property
    def rollback_target(self) -> RollbackTarget | None:
        """The image to roll back to, or None where none is known."""
        return rollback_target(self.facts)

    def is_new(self, task: Task) -> bool:
        """Whether a task, running or stopped, counts as one that runs the expected image."""
        return is_new(task, self.facts)

    def match(self, task: Task) -> Match:
        """A task compared with the expected images of all its judged containers: the first difference counts."""
        return match_task(task, self.facts)

    def container_match(self, judged: Judged, task: Task) -> Match:
        """One container of a task compared with the expected image for it."""
        return match_container(judged, task, self.facts)
