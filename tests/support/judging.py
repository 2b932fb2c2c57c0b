"""The checks and what they derive, carried out on the facts of a service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.facts.timeline import Moment
from pytest_deploycheck.judge import progress as progressing
from pytest_deploycheck.judge import timeline as moments
from pytest_deploycheck.judge.analysis.newest_rollout import NewestRollout
from pytest_deploycheck.judge.analysis.outcome import Ruling
from pytest_deploycheck.judge.analysis.rollback import RollbackTarget
from pytest_deploycheck.judge.analysis.service import Rollout, ServiceAnalysis
from pytest_deploycheck.judge.analysis.stopped_tasks import StopGroup
from pytest_deploycheck.judge.checks import alarms, containers, error_rate, image, rollout, targets, tasks
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.judge.progress import Progress


def judge_exists(facts: ServiceFacts) -> Finding:
    """`image-exists`."""
    return image.judge_exists(ServiceAnalysis(facts))


def judge_tag(facts: ServiceFacts, *, strict_tags: bool = True) -> Finding:
    """`image-tag`."""
    return image.judge_tag(ServiceAnalysis(facts), strict_tags=strict_tags)


def judge_repository(facts: ServiceFacts) -> Finding:
    """`image-repository`."""
    return image.judge_repository(ServiceAnalysis(facts))


def judge_pushed(facts: ServiceFacts, after: datetime | None) -> Finding:
    """`image-pushed`."""
    return image.judge_pushed(ServiceAnalysis(facts), after)


def judge_complete(facts: ServiceFacts, *, waited: float, verify: str = "") -> Finding:
    """`rollout-complete`."""
    return rollout.judge_complete(ServiceAnalysis(facts), waited=waited, verify=verify)


def judge_still_newest(before: ServiceFacts, now: ServiceFacts, finding: Finding) -> Finding:
    """`rollout-complete` at the end of a run."""
    return rollout.judge_still_newest(ServiceAnalysis(before), ServiceAnalysis(now), finding)


def judge_running(facts: ServiceFacts) -> Finding:
    """`tasks-running`."""
    return tasks.judge_running(ServiceAnalysis(facts))


def judge_run_image(facts: ServiceFacts) -> Finding:
    """`tasks-run-image`."""
    return tasks.judge_run_image(ServiceAnalysis(facts))


def judge_targets(facts: ServiceFacts) -> Finding:
    """`targets-healthy`."""
    return targets.judge_targets(ServiceAnalysis(facts))


def judge_containers(facts: ServiceFacts) -> Finding:
    """`containers-healthy`."""
    return containers.judge_containers(ServiceAnalysis(facts))


def judge_alarms(facts: ServiceFacts, declared: Sequence[str]) -> Finding:
    """`alarms-ok`."""
    return alarms.judge_alarms(ServiceAnalysis(facts), declared)


def judge_error_rate(facts: ServiceFacts, declared: ErrorRate | None) -> Finding:
    """`error-rate`."""
    return error_rate.judge_error_rate(ServiceAnalysis(facts), declared)


def newest_rollout(facts: ServiceFacts) -> NewestRollout | None:
    """Return the newest rollout of a service."""
    return ServiceAnalysis(facts).newest


def rule(facts: ServiceFacts) -> Ruling:
    """Return the outcome of the rollout to the expected image, and what it is based on."""
    return ServiceAnalysis(facts).ruling


def judge_rollout(facts: ServiceFacts) -> Rollout:
    """Return the rollout that is verified."""
    return ServiceAnalysis(facts).rollout


def still_awaited(facts: ServiceFacts) -> list[str]:
    """Return the conditions that a wait still waits for."""
    return list(ServiceAnalysis(facts).awaited)


def failed_tasks(facts: ServiceFacts) -> tuple[Task, ...]:
    """Return the tasks of the newest rollout that did not stay up."""
    return ServiceAnalysis(facts).failed_tasks


def stops(facts: ServiceFacts) -> tuple[StopGroup, ...]:
    """Return the tasks of the newest rollout that stopped, by reason."""
    return ServiceAnalysis(facts).stops


def rollback_target(facts: ServiceFacts) -> RollbackTarget | None:
    """Return the image to roll back to."""
    return ServiceAnalysis(facts).rollback_target


def no_target(facts: ServiceFacts) -> str:
    """Return the advice for a service with nothing to roll back to."""
    return ServiceAnalysis(facts).no_rollback_target


def progress(facts: ServiceFacts) -> Progress:
    """Return the progress of a rollout."""
    return progressing.progress(ServiceAnalysis(facts))


def timeline(facts: ServiceFacts, findings: Iterable[Finding] = ()) -> tuple[Moment, ...]:
    """Return the events in the life of a service."""
    return moments.timeline(ServiceAnalysis(facts), findings)
