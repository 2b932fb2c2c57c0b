"""The link `tasks`: does every running task of the service run exactly the expected image?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.snapshot import Judged, Lookup, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import Match, architecture_of, match_container
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.analysis.outcome import brought_by, rule
from pytest_deploycheck.judge.analysis.stopped_tasks import remedies, stops, why
from pytest_deploycheck.judge.commands import Commands
from pytest_deploycheck.judge.finding import TASKS_RUN_IMAGE, TASKS_RUNNING, Evidence, Finding
from pytest_deploycheck.judge.wording import at, expected, name_of, plural, pushed, short


def judge_running(facts: ServiceFacts) -> Finding:
    """`tasks-running`: as many tasks run as are desired, and at least one."""
    service = facts.service
    if service is None:
        return TASKS_RUNNING.errs(facts.problems["service"])
    running = len(facts.running) if facts.tasks is not None else service.running
    evidence: dict[str, Any] = {"desired": service.desired, "running": running}
    if service.status == "DRAINING":
        return TASKS_RUNNING.fails(
            f"the service is being deleted ({service.status}); {running} of its tasks still run",
            cause="Somebody, or a stack, deletes the service.",
            remedy="See who deletes it; verify again when it stands.",
            command=Commands(service).describe(),
            evidence=evidence,
        )
    if service.desired == 0:
        return _none_wanted(service, running, evidence)
    if running < service.desired:
        found = stops(facts)
        return TASKS_RUNNING.fails(
            f"{running} of {plural(service.desired, 'desired task')} running",
            cause=why(found) if found else "New tasks cannot start or do not stay up.",
            remedy=remedies(found) if found else "Read the service's events and why its tasks stopped.",
            command=Commands(service).describe(),
            evidence=evidence,
        )
    notes = []
    if facts.tasks is None:
        notes.append(f"by the service's own count, as {facts.problems['tasks'].operation} is denied")
    return TASKS_RUNNING.passes(
        f"{running} of {plural(service.desired, 'desired task')} running", notes=notes, evidence=evidence
    )


def _none_wanted(service: Service, running: int, evidence: Evidence) -> Finding:
    seen = f"the service wants no task at all (desired count 0); {running} running"
    if service.scheduling == "DAEMON":
        return TASKS_RUNNING.fails(
            seen,
            cause="A daemon service has a task on each container instance that fits, and none does.",
            remedy="Add container instances to the cluster, or see the service's placement constraints.",
            command=Commands(service).describe(),
            evidence=evidence,
        )
    return TASKS_RUNNING.fails(
        seen,
        cause="The service was scaled to zero.",
        remedy="Set the desired count, then verify again.",
        command=Commands(service).update("--desired-count", "1"),
        evidence=evidence,
    )


def judge_run_image(facts: ServiceFacts) -> Finding:
    """`tasks-run-image`: the judged containers of every running task run the expected image."""
    if facts.tasks is None:
        return TASKS_RUN_IMAGE.errs(facts.problems["tasks"])
    if not facts.running:
        return TASKS_RUN_IMAGE.unproven("no task runs, so none runs the image", remedy="See tasks-running.")
    if not facts.judged:
        problem = facts.problems.get("definition")
        if problem:
            return TASKS_RUN_IMAGE.errs(problem)
        return TASKS_RUN_IMAGE.unproven("no container with a known image was found in the tasks")
    return TASKS_RUN_IMAGE.of_all({judged.container: _run_image(judged, facts) for judged in facts.judged})


def _run_image(judged: Judged, facts: ServiceFacts) -> Finding:
    matches = {task: match_container(judged, task, facts) for task in facts.running}
    evidence: dict[str, Any] = {
        "accepted": judged.expected.digest,
        "tasks": [
            {"id": task.id, "digest": _digest(judged, task), "started_at": at(task.started_at), "runs": match.value}
            for task, match in matches.items()
        ],
    }
    others = {task: match for task, match in matches.items() if match.is_other}
    if others:
        return TASKS_RUN_IMAGE.fails(
            _difference(judged, others, facts),
            cause=_cause(judged, others, facts),
            remedy=_remedy(judged, facts),
            evidence=evidence,
        )
    if all(match is Match.EXPECTED for match in matches.values()):
        who = f"all {len(matches)} running tasks run" if len(matches) > 1 else "the only running task runs"
        return TASKS_RUN_IMAGE.passes(f"{who} {expected(judged.expected)}", evidence=evidence)
    if judged.expected.digest is None:
        if judged.expected.problem:
            return TASKS_RUN_IMAGE.errs(judged.expected.problem, evidence=evidence)
        return TASKS_RUN_IMAGE.unproven(
            f"the digest of {name_of(judged.expected.reference)} is not known, so there is nothing to compare the "
            f"tasks with: {_seen(judged, facts.running, facts)}",
            remedy="See image-exists.",
            evidence=evidence,
        )
    silent = [task for task, match in matches.items() if match is Match.UNKNOWN]
    return TASKS_RUN_IMAGE.unproven(
        f"ECS does not say which digest {plural(len(silent), 'task')} of {len(matches)} run in container "
        f"{judged.container!r} ({', '.join(task.id for task in silent)})",
        remedy="Update the ECS agent of the container instances, or name the image by its digest in the task "
        "definition.",
        evidence=evidence,
    )


def _difference(judged: Judged, others: dict[Task, Match], facts: ServiceFacts) -> str:
    """What runs and what was expected, side by side."""
    platform = "; they run it for another platform" if Match.OTHER_PLATFORM in others.values() else ""
    return f"{_seen(judged, others, facts)}; expected is {_expected_briefly(judged.expected)}{platform}"


def _expected_briefly(lookup: Lookup) -> str:
    """The expected image, without the tags that `image-exists` shows."""
    pushed_at = lookup.image.pushed_at if lookup.image else None
    return f"{name_of(lookup.reference)} = {short(lookup.digest)}{f' (pushed {at(pushed_at)})' if pushed_at else ''}"


def _seen(judged: Judged, tasks: Iterable[Task], facts: ServiceFacts) -> str:
    """What tasks run, and what the registry says of it."""
    runs = Counter(_digest(judged, task) for task in tasks)
    return ", ".join(
        f"{number} of {plural(len(facts.running), 'task')} {'runs' if number == 1 else 'run'} {short(digest)}"
        f"{pushed(facts.image_of(digest)) if digest else ''}"
        for digest, number in runs.items()
    )


_BY_OUTCOME = {
    Outcome.IN_PROGRESS: "The rollout is not through: old tasks still run.",
    Outcome.ROLLED_BACK: "The rollout was rolled back, so the old code serves.",
    Outcome.SUPERSEDED: "A later image was deployed since.",
}
"""Why tasks run another image, where the outcome of the rollout says it all."""


def _cause(judged: Judged, others: dict[Task, Match], facts: ServiceFacts) -> str:
    outcome = rule(facts).outcome
    if set(others.values()) == {Match.STOPPED}:
        return f"Container {judged.container!r} has stopped, though its task still runs."
    pinned = judged.pulled.reference.digest
    if Match.OTHER_PLATFORM in others.values():
        architectures = {architecture_of(task, facts) or "an unknown architecture" for task in others}
        return f"The tasks run on {', '.join(sorted(architectures))}, the digest is of another platform."
    if pinned and pinned != judged.expected.digest:
        return f"The digest is pinned by the task definition ({short(pinned)}), so no push and no restart changes it."
    if outcome is Outcome.NOT_STARTED:
        return _cause_without_rollout(judged, others, facts)
    return _BY_OUTCOME.get(outcome) or _cause_despite_rollout(judged, facts)


def _cause_without_rollout(judged: Judged, others: dict[Task, Match], facts: ServiceFacts) -> str:
    """Why tasks run another image where no rollout began since the image was pushed."""
    if not _resolves_once(judged, facts):
        return _EACH_BY_ITSELF.format(judged.container)
    if _started_after_push(judged, others):
        return "ECS fixed the tag's digest when the last rollout began; tasks that started after the push still get it."
    return "The image was pushed, but the tasks were never restarted."


def _cause_despite_rollout(judged: Judged, facts: ServiceFacts) -> str:
    """Why tasks run another image though a rollout began since the image was pushed."""
    if judged.expected.digest != judged.pulled.digest and not judged.is_own_reference:
        return f"The task definition names {name_of(judged.pulled.reference)}, which is not the expected image."
    if not _resolves_once(judged, facts):
        return _EACH_BY_ITSELF.format(judged.container)
    if brought_by(facts, 0).get(judged.container) == judged.expected.digest:
        return (
            "ECS resolved the tag to the expected image, and the tasks run another: their hosts keep an image of that "
            "tag (ECS_IMAGE_PULL_BEHAVIOR = once or prefer-cached)."
        )
    return (
        "The rollout began after the push and still brought another image: a host with a cached image "
        "(ECS_IMAGE_PULL_BEHAVIOR), or a tag that moved while it rolled out."
    )


_EACH_BY_ITSELF = (
    "Container {!r} has versionConsistency disabled: each task resolves the tag by itself when it starts, so tasks of "
    "one rollout may differ."
)


def _resolves_once(judged: Judged, facts: ServiceFacts) -> bool:
    """Whether ECS fixes the digest once for all tasks of a rollout, which a task definition may opt out of."""
    container = facts.definition.container(judged.container) if facts.definition else None
    return container is None or container.version_consistency


def _remedy(judged: Judged, facts: ServiceFacts) -> str:
    outcome = rule(facts).outcome
    if outcome is Outcome.IN_PROGRESS:
        return "Wait for the rollout that is going on."
    if outcome in (Outcome.FAILED, Outcome.ROLLED_BACK):
        return "Mend what made the new tasks stop (see rollout-complete); the same image would fail again."
    if judged.expected.digest != judged.pulled.digest:
        return (
            f"Register a task definition with {name_of(judged.expected.reference)} and update the service to it; a new "
            f"rollout alone starts {name_of(judged.pulled.reference)} again."
        )
    return "Start a rollout: aws ecs update-service --force-new-deployment."


def _started_after_push(judged: Judged, others: dict[Task, Match]) -> bool:
    pushed_at = judged.expected.image.pushed_at if judged.expected.image else None
    return bool(pushed_at) and any(task.started_at and pushed_at and task.started_at > pushed_at for task in others)


def _digest(judged: Judged, task: Task) -> str | None:
    container = task.container(judged.container)
    return container.digest if container else None
