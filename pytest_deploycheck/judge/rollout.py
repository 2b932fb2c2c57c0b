"""The link `rollout`: did a rollout to the image meant start, and did it complete?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import Judged, Problem, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.finding import ROLLOUT_COMPLETE, Finding
from pytest_deploycheck.judge.matching import Fit, fit, is_related
from pytest_deploycheck.judge.newest import NewestRollout, Outcome, newest_record, newest_rollout
from pytest_deploycheck.judge.wording import at, ecs_command, meant, name_of, plural, pushed, seconds, short


@dataclass(frozen=True, slots=True)
class Rollout:
    """The rollout being verified: the newest one, and what it means for the image meant.

    Attributes:
        outcome: What became of it.
        reason: Why it is judged so, in one sentence.
        id: ECS's id of the deployment, or the ARN of the service deployment; None where there is none.
        started_at: When it began (UTC), or None where that is not known.
        desired: Tasks wanted, or None where the service may not be looked at.
        running: Tasks that run.
        events: The service's events, the newest first.
    """

    outcome: Outcome
    reason: str
    id: str | None = None
    started_at: datetime | None = None
    desired: int | None = None
    running: int = 0
    events: tuple[ServiceEvent, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether waiting longer cannot change the outcome for the better."""
        if self.outcome is Outcome.COMPLETED:
            return self.desired is None or self.running >= self.desired
        return self.outcome is not Outcome.IN_PROGRESS


def judge_rollout(facts: ServiceFacts) -> Rollout:
    """Say what became of the rollout to the image meant.

    ECS tells how the newest rollout ended; whether it was one to the image meant, the digests of the tasks tell.
    """
    newest = newest_rollout(facts)
    outcome, reason = _outcome(facts, newest)
    return Rollout(
        outcome=outcome,
        reason=reason,
        id=newest.id if newest else None,
        started_at=newest.started_at if newest else None,
        desired=facts.service.desired if facts.service else None,
        running=len(facts.running) if facts.tasks is not None else (facts.service.running if facts.service else 0),
        events=facts.service.events if facts.service else (),
    )


def judge_complete(facts: ServiceFacts, *, waited: float) -> Finding:
    """`rollout-complete`: the outcome is COMPLETED.

    Args:
        facts: What was seen of the service.
        waited: Seconds that the rollout was waited for.
    """
    rollout = judge_rollout(facts)
    evidence: dict[str, Any] = {
        "outcome": str(rollout.outcome),
        "id": rollout.id,
        "started_at": rollout.started_at.isoformat() if rollout.started_at else None,
    }
    if rollout.outcome is Outcome.COMPLETED:
        return ROLLOUT_COMPLETE.passes(f"{rollout.outcome}: {rollout.reason}", notes=_notes(facts), evidence=evidence)
    if rollout.outcome is Outcome.UNKNOWN:
        problem = facts.problems.get("service") or facts.problems.get("tasks") or _lookup_problem(facts)
        if problem:
            return ROLLOUT_COMPLETE.errs(problem, evidence=evidence)
        return ROLLOUT_COMPLETE.unproven(
            f"{rollout.outcome}: {rollout.reason}",
            remedy="Look at the service's deployments in the AWS console.",
            evidence=evidence,
        )
    cause, remedy, next_command = _advice(facts, rollout, waited)
    return ROLLOUT_COMPLETE.fails(
        f"{rollout.outcome}: {rollout.reason}",
        cause=cause,
        remedy=remedy,
        command=next_command,
        notes=_notes(facts),
        evidence=evidence,
    )


def _outcome(facts: ServiceFacts, newest: NewestRollout | None) -> tuple[Outcome, str]:
    if newest is None:
        return Outcome.UNKNOWN, _why_no_rollout(facts)
    tasks = fit(facts)
    if _never_started(facts, newest, tasks):
        return Outcome.NOT_STARTED, _never_started_reason(facts, newest)
    if newest.outcome is Outcome.IN_PROGRESS:
        return newest.outcome, newest.reason
    if newest.outcome is not Outcome.COMPLETED:
        if tasks is Fit.ALL and _newest_brought_another(facts):
            return Outcome.COMPLETED, f"the tasks run the image meant; the later rollout {newest.id} did not last"
        return newest.outcome, newest.reason
    if tasks is Fit.NONE and _is_superseded(facts, newest):
        return Outcome.SUPERSEDED, _superseded_reason(facts, newest)
    if tasks is Fit.UNKNOWN and _began_before_push(facts, newest):
        return Outcome.UNKNOWN, f"{_never_started_reason(facts, newest)}, and it is not known what the tasks run"
    if tasks is Fit.UNKNOWN and not _leads_to_the_image_meant(facts):
        return Outcome.UNKNOWN, "a rollout completed, but it is not known whether it was one to the image meant"
    return newest.outcome, newest.reason


def _never_started(facts: ServiceFacts, newest: NewestRollout, tasks: Fit) -> bool:
    """Whether no rollout began since the image was pushed, and the tasks run something else."""
    for judged in facts.judged:
        if judged.meant.absent and judged.meant.image is None and not judged.is_own_reference and tasks is not Fit.ALL:
            return True
    return tasks is Fit.NONE and _began_before_push(facts, newest)


def _began_before_push(facts: ServiceFacts, newest: NewestRollout) -> bool:
    """Whether an image meant was first pushed after the newest rollout began."""
    images = [judged.meant.image for judged in facts.judged]
    return any(image and image.pushed_at and newest.started_at < image.pushed_at for image in images)


def _never_started_reason(facts: ServiceFacts, newest: NewestRollout) -> str:
    judged = _first_judged(facts)
    if judged.meant.absent and judged.meant.image is None:
        return f"no rollout can have brought {name_of(judged.meant.reference)}, as it is not in its registry"
    pushed_at = judged.meant.image.pushed_at if judged.meant.image else None
    return f"the image was pushed {at(pushed_at)}, but the last rollout began {at(newest.started_at)}, before that"


def _is_superseded(facts: ServiceFacts, newest: NewestRollout) -> bool:
    """Whether a later image took the place of the one meant, rather than the one meant never arriving."""
    for judged in facts.judged:
        pushed_at = judged.meant.image.pushed_at if judged.meant.image else None
        if pushed_at is None or judged.is_own_reference or judged.pulled.digest == judged.meant.digest:
            return False
        later = [image for image in _run_by(judged, facts) if image > pushed_at]
        if not later or newest.started_at <= pushed_at:
            return False
    return bool(facts.judged)


def _run_by(judged: Judged, facts: ServiceFacts) -> list[datetime]:
    """When the images that run were pushed, as far as the registry still knows."""
    digests = {container.digest for task in facts.running if (container := task.container(judged.container))}
    images = [image for digest in digests if digest and (image := facts.image_of(digest))]
    return [image.pushed_at for image in images if image.pushed_at]


def _superseded_reason(facts: ServiceFacts, newest: NewestRollout) -> str:
    judged = _first_judged(facts)
    container = next((found for task in facts.running if (found := task.container(judged.container))), None)
    running = facts.image_of(container.digest) if container and container.digest else None
    return (
        f"a rollout that began {at(newest.started_at)} brought a later image"
        f"{f' {short(running.digest)}{pushed(running)}' if running else ''} than {meant(judged.meant)}"
    )


def _leads_to_the_image_meant(facts: ServiceFacts) -> bool:
    """Whether what the task definition names is what was meant, so that its completed rollout is the one meant."""
    return all(
        judged.is_own_reference or (judged.meant.digest is not None and judged.meant.digest == judged.pulled.digest)
        for judged in facts.judged
    )


def _newest_brought_another(facts: ServiceFacts) -> bool:
    """Whether the newest rollout is known to have been one to another image than the one meant."""
    record = newest_record(facts)
    if record is None or record.status in {"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}:
        return False
    brought = _brought(facts, 0)
    return any(
        judged.meant.digest and (digest := brought.get(judged.container)) and not is_related(judged, digest, facts)
        for judged in facts.judged
    )


def _why_no_rollout(facts: ServiceFacts) -> str:
    if facts.service is None:
        return "the service's rollouts may not be looked at"
    if facts.service.controller != "ECS":
        return f"the rollouts of deployment controller {facts.service.controller} are not kept by ECS itself"
    return "ECS lists no deployment of the service"


def _advice(facts: ServiceFacts, rollout: Rollout, waited: float) -> tuple[str, str, str]:
    """Likely cause, what to do, and the next command to type."""
    service = facts.service

    def ecs(operation: str, *arguments: str) -> str:
        return ecs_command(service, operation, *arguments) if service else ""

    name = service.name if service else ""
    look = ecs("describe-services", "--services", name)
    judged = _first_judged(facts) if facts.judged else None
    if rollout.outcome is Outcome.NOT_STARTED:
        if judged and judged.meant.absent:
            return "The image was never pushed.", "Push the image, then roll it out.", ""
        if judged and not _leads_to_the_image_meant(facts):
            return (
                f"The task definition names {name_of(judged.pulled.reference)}, not the image meant.",
                "Register a task definition with the image meant and update the service to it.",
                ecs("update-service", "--service", name, "--task-definition", "FAMILY:REVISION"),
            )
        return (
            "The image was pushed, but the tasks were never restarted.",
            "Start a rollout.",
            ecs("update-service", "--service", name, "--force-new-deployment"),
        )
    if rollout.outcome is Outcome.IN_PROGRESS:
        return (
            _stopped_because(facts) or f"The rollout was still going on after {seconds(waited)}.",
            "Wait longer (--deploy-wait=10m), or see in the events what keeps it.",
            look,
        )
    if rollout.outcome is Outcome.SUPERSEDED:
        return "Somebody deployed again since.", "Verify the later image, or deploy this one again.", look
    return (
        _stopped_because(facts) or "The new tasks did not stay up.",
        "See why the new tasks stopped, mend it, and deploy again; until then the old code serves.",
        ecs("list-tasks", "--service-name", name, "--desired-status", "STOPPED"),
    )


def crashed_tasks(facts: ServiceFacts) -> tuple[Task, ...]:
    """The tasks of the newest rollout that did not stay up, the latest first.

    After a rollback the service's PRIMARY deployment is the one that brought the old code back, and its tasks are not
    the ones to explain.
    """
    newest = newest_rollout(facts)
    primary = facts.service.primary if facts.service else None
    if newest is None:
        return ()
    rolled_back = newest.outcome is Outcome.ROLLED_BACK
    crashed = [
        (task.stopped_at, task)
        for task in facts.tasks or ()
        if task.stopped_at
        and task.has_crashed
        and (task.created_at is None or task.created_at >= newest.started_at or rolled_back)
        and not (rolled_back and primary and task.started_by == primary.id)
    ]
    return tuple(task for _, task in sorted(crashed, key=lambda pair: pair[0], reverse=True))


def _stopped_because(facts: ServiceFacts) -> str:
    """Why the newest of the tasks that did not stay up stopped, in ECS's own words."""
    crashed = crashed_tasks(facts)
    if not crashed:
        return ""
    task = crashed[0]
    containers = [
        f"container {one.name}: {one.reason or 'no reason given'}"
        + (f", exit code {one.exit_code}" if one.exit_code is not None else "")
        for one in task.containers
        if one.reason or one.exit_code
    ]
    said = "; ".join(filter(None, [task.stopped_reason, *containers]))
    return f"{plural(len(crashed), 'new task')} stopped, the last one {task.id}: {task.stop_code} ({said})"


def _notes(facts: ServiceFacts) -> list[str]:
    notes = []
    if "service_deployments" in facts.problems:
        problem = facts.problems["service_deployments"]
        notes.append(f"judged by the service's deployments alone, as {problem.operation} gave {problem.code}")
    if _brought_nothing_new(facts):
        notes.append("nothing new was shipped: the rollout before this one brought the same digest")
    return notes


def _brought_nothing_new(facts: ServiceFacts) -> bool:
    """Whether the last two rollouts brought the same digests, as a build that comes out the same does."""
    newest, previous = (_brought(facts, number) for number in (0, 1))
    return bool(newest) and newest == previous


def _brought(facts: ServiceFacts, number: int) -> dict[str, str | None]:
    """The digests that a rollout was to bring, by container; the newest is number 0. Empty where not known."""
    rollouts = facts.service_deployments or ()
    target = rollouts[number].target if number < len(rollouts) else None
    revision = next((one for one in facts.revisions if one.arn == target), None)
    return {image.container: image.digest for image in revision.images} if revision else {}


def _first_judged(facts: ServiceFacts) -> Judged:
    """The judged container that stands in the way, else the first."""
    absent = [judged for judged in facts.judged if judged.meant.absent]
    return (absent or list(facts.judged))[0]


def _lookup_problem(facts: ServiceFacts) -> Problem | None:
    return next((judged.meant.problem for judged in facts.judged if judged.meant.problem), None)
