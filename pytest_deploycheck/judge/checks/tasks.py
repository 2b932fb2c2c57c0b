"""The link `tasks`: enough tasks run, and every one of them runs exactly the expected image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.snapshot import Judged, Lookup, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.analysis.matching import Match
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.analysis.stopped_tasks import remedies, why
from pytest_deploycheck.judge.checks.tasks_advice import cause_of_another_image, remedy_for_another_image
from pytest_deploycheck.judge.commands import Commands
from pytest_deploycheck.judge.finding import TASKS_RUN_IMAGE, TASKS_RUNNING, Evidence, Finding
from pytest_deploycheck.judge.wording import at, expected, name_of, plural, pushed, short

_SERVICE_STATUSES = frozenset({"ACTIVE", "DRAINING", "INACTIVE"})


def judge_running(analysis: ServiceAnalysis) -> Finding:
    """`tasks-running`: as many tasks run as are desired, and at least one."""
    facts, service, running = analysis.facts, analysis.facts.service, analysis.running
    if service is None:
        return TASKS_RUNNING.errs(facts.problems["service"])
    evidence: dict[str, Any] = {"desired": service.desired, "running": running, "counted": service.running}
    if service.status == "DRAINING":
        return TASKS_RUNNING.fails(
            f"the service is being deleted ({service.status}); {running} of its tasks still run",
            cause="The service is being deleted by a user or a CloudFormation stack.",
            remedy="Find out what deletes it, and verify again when it exists again.",
            command=Commands(service).describe(),
            evidence=evidence,
        )
    if service.desired == 0:
        return _none_desired(service, running, evidence)
    doubt = _doubt(service, facts)
    if max(running, service.running, running + len(_with_unknown_status(facts))) < service.desired:
        return TASKS_RUNNING.fails(
            f"{running} of {plural(service.desired, 'desired task')} running",
            cause=why(analysis.stops) if analysis.stops else "New tasks cannot start or do not stay up.",
            remedy=remedies(analysis.stops)
            if analysis.stops
            else "Read the events of the service, and find out why its tasks stopped.",
            command=Commands(service).describe(),
            evidence=evidence,
        )
    if doubt:
        return TASKS_RUNNING.unproven(
            doubt,
            remedy="Verify again; if the message stays, look at the tasks in the AWS console.",
            command=Commands(service).describe(),
            evidence=evidence,
        )
    notes = []
    if facts.tasks is None:
        notes.append(f"counted by the service itself, as {facts.problems['tasks'].operation} is denied")
    return TASKS_RUNNING.passes(
        f"{running} of {plural(service.desired, 'desired task')} running", notes=notes, evidence=evidence
    )


def _none_desired(service: Service, running: int, evidence: Evidence) -> Finding:
    seen = f"the desired count of the service is 0; {running} of its tasks run"
    if service.scheduling == "DAEMON":
        return TASKS_RUNNING.fails(
            seen,
            cause="A daemon service runs a task on each container instance that fits, and none does.",
            remedy="Add container instances to the cluster, or check the placement constraints of the service.",
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


def _with_unknown_status(facts: ServiceFacts) -> list[Task]:
    return [task for task in facts.tasks or () if not task.is_status_known]


def _doubt(service: Service, facts: ServiceFacts) -> str:
    """Return the reason why the list of running tasks may be incomplete; empty where it is complete.

    ECS counts a task that was told to stop as running for as long as it runs, so the count may lie in between.
    """
    unknown = _with_unknown_status(facts)
    if service.status not in _SERVICE_STATUSES:
        return f"this version does not know the status {service.status!r} of the service"
    if unknown:
        words = sorted({word for task in unknown for word in (task.status, task.desired_status)} - {"RUNNING"})
        return (
            f"this version does not know the status of {plural(len(unknown), 'task')} ({', '.join(words)}), so it is "
            "not known whether they run"
        )
    if facts.tasks is None:
        return ""
    if not facts.unlisted and len(facts.running) <= service.running:
        return ""
    return f"ECS counts {plural(service.running, 'running task')} of the service, but lists {len(facts.running)}"


def judge_run_image(analysis: ServiceAnalysis) -> Finding:
    """`tasks-run-image`: the judged containers of every running task run the expected image."""
    facts = analysis.facts
    if facts.tasks is None:
        return TASKS_RUN_IMAGE.errs(facts.problems["tasks"])
    doubt = _doubt(facts.service, facts) if facts.service else ""
    if not facts.running:
        return TASKS_RUN_IMAGE.unproven(
            doubt or "no task runs, so none runs the expected image", remedy="See tasks-running."
        )
    if not facts.judged:
        problem = facts.problems.get("definition")
        if problem:
            return TASKS_RUN_IMAGE.errs(problem)
        return TASKS_RUN_IMAGE.unproven("no container with a known image was found in the tasks")
    found = TASKS_RUN_IMAGE.of_all({judged.container: _run_image(judged, analysis) for judged in facts.judged})
    if doubt and found.is_good:
        return TASKS_RUN_IMAGE.unproven(
            f"{doubt}; {found.summary}", remedy="See tasks-running.", notes=found.notes, evidence=found.evidence
        )
    return found


def _run_image(judged: Judged, analysis: ServiceAnalysis) -> Finding:
    facts = analysis.facts
    matches = {task: analysis.matches.container(judged, task) for task in facts.running}
    evidence: dict[str, Any] = {
        "accepted": judged.expected.digest,
        "tasks": [
            {
                "id": task.id,
                "digest": task.digest_of(judged.container),
                "started_at": at(task.started_at),
                "runs": match.value,
            }
            for task, match in matches.items()
        ],
    }
    others = {task: match for task, match in matches.items() if match.is_other}
    if others:
        return TASKS_RUN_IMAGE.fails(
            _difference(judged, others, facts),
            cause=cause_of_another_image(judged, others, analysis),
            remedy=remedy_for_another_image(judged, analysis),
            evidence=evidence,
        )
    idle = {task: match for task, match in matches.items() if match.runs_nothing}
    if idle:
        return _idle(judged, idle, analysis, evidence)
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
    return _unknown(judged, [task for task, match in matches.items() if match is Match.UNKNOWN], analysis, evidence)


def _idle(judged: Judged, idle: Mapping[Task, Match], analysis: ServiceAnalysis, evidence: Evidence) -> Finding:
    """The judged container does not run although its task does, as an essential sidecar keeps the task alive."""
    number = f"{len(idle)} of {plural(len(analysis.facts.running), 'running task')}"
    first = next(iter(idle))
    if Match.STOPPED in idle.values():
        stopped = next(task for task, match in idle.items() if match is Match.STOPPED)
        container = stopped.container(judged.container)
        code = f", exit code {container.exit_code}" if container and container.exit_code is not None else ""
        return TASKS_RUN_IMAGE.fails(
            f"container {judged.container!r} does not run in {number}: it has stopped{code}",
            cause=f"Container {judged.container!r} has stopped, but another container keeps the task running.",
            remedy="Read the last log lines of the container; mark it as essential, so that ECS replaces its task.",
            command=Commands(analysis.facts.service).describe_task(stopped),
            evidence=evidence,
        )
    return TASKS_RUN_IMAGE.fails(
        f"container {judged.container!r} does not run in {number}: it has not started",
        cause="A container that it depends on (dependsOn) may not have started, or its image is still being pulled.",
        remedy="Wait longer (--deploy-wait=10m), or find out what the container waits for.",
        command=Commands(analysis.facts.service).describe_task(first),
        evidence=evidence,
    )


def _unknown(judged: Judged, unknown: list[Task], analysis: ServiceAnalysis, evidence: Evidence) -> Finding:
    """The image of some tasks is not known, and nothing contradicts the expected one."""
    facts = analysis.facts
    ids = ", ".join(task.id for task in unknown)
    run = f"{plural(len(unknown), 'task')} of {len(facts.running)} {'runs' if len(unknown) == 1 else 'run'}"
    if any(task.digest_of(judged.container) for task in unknown):
        return TASKS_RUN_IMAGE.unproven(
            f"it is not known which image of an index {run} in container {judged.container!r} ({ids}): "
            f"{_seen(judged, unknown, facts)}; expected is {_expected_briefly(judged.expected)}",
            remedy="Set runtimePlatform in the task definition, or allow ecr:BatchGetImage to the caller, so that the "
            "image for the platform of the tasks is known.",
            evidence=evidence,
        )
    return TASKS_RUN_IMAGE.unproven(
        f"ECS does not report which digest {run} in container {judged.container!r} ({ids})",
        remedy="Update the ECS agent of the container instances, or name the image by its digest in the task "
        "definition.",
        evidence=evidence,
    )


def _difference(judged: Judged, others: Mapping[Task, Match], facts: ServiceFacts) -> str:
    """The running and the expected image, side by side."""
    platform = "; they run it for another platform" if Match.OTHER_PLATFORM in others.values() else ""
    return f"{_seen(judged, others, facts)}; expected is {_expected_briefly(judged.expected)}{platform}"


def _expected_briefly(lookup: Lookup) -> str:
    """The expected image, without the tags that `image-exists` shows."""
    digest = "" if lookup.reference.digest else f" = {short(lookup.digest)}"
    return f"{name_of(lookup.reference)}{digest}{f' (pushed {at(lookup.pushed_at)})' if lookup.pushed_at else ''}"


def _seen(judged: Judged, tasks: Iterable[Task], facts: ServiceFacts) -> str:
    """The digests that tasks run, with what the registry knows of them."""
    runs = Counter(task.digest_of(judged.container) for task in tasks)
    return ", ".join(
        f"{number} of {plural(len(facts.running), 'task')} {'runs' if number == 1 else 'run'} {short(digest)}"
        f"{pushed(facts.image_of(digest)) if digest else ''}"
        for digest, number in runs.items()
    )
