"""`containers-healthy`: the health checks that the task definition declares for its containers."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.analysis.targets import CheckedContainer
from pytest_deploycheck.judge.commands import Commands
from pytest_deploycheck.judge.finding import CONTAINERS_HEALTHY, Finding
from pytest_deploycheck.judge.wording import plural


def judge_containers(analysis: ServiceAnalysis) -> Finding:
    """`containers-healthy`: each container of a new task that has a health check passes it.

    ECS reports UNKNOWN for a container without a health check, and for one whose check has no result yet. Only the task
    definition tells the two apart.
    """
    facts = analysis.facts
    if facts.tasks is None and facts.definition and any(one.has_health_check for one in facts.definition.containers):
        return CONTAINERS_HEALTHY.errs(facts.problems["tasks"])
    checked = analysis.checked_containers
    undefined = [task for task in analysis.new_tasks if facts.definition_of(task) is None]
    if "definition" in facts.problems and any(one.health == "UNKNOWN" for task in undefined for one in task.containers):
        return CONTAINERS_HEALTHY.errs(facts.problems["definition"])
    if not checked:
        return CONTAINERS_HEALTHY.skips("no container of a new task has a health check in the task definition")
    evidence = {"containers": [{"task": task.id, "container": one.name, "health": one.health} for task, one in checked]}
    unhealthy = [(task, one) for task, one in checked if one.health == "UNHEALTHY"]
    if unhealthy:
        return CONTAINERS_HEALTHY.fails(
            f"{len(unhealthy)} of {plural(len(checked), 'container')} UNHEALTHY: {_listed(unhealthy)}",
            cause="The container runs, but its health check fails.",
            remedy="Run the command of the health check in the container, and read its last log lines.",
            command=Commands(facts.service).describe_task(unhealthy[0][0]),
            evidence=evidence,
        )
    waiting = [(task, one) for task, one in checked if one.health != "HEALTHY"]
    if waiting:
        return CONTAINERS_HEALTHY.unproven(
            f"the health check of {plural(len(waiting), 'container')} has no result yet: {_listed(waiting)}",
            remedy="Wait longer (--deploy-wait=10m): startPeriod, interval and retries of the health check determine "
            "how long it takes.",
            evidence=evidence,
        )
    return CONTAINERS_HEALTHY.passes(
        f"{plural(len(checked), 'container')} HEALTHY by the task definition's health check", evidence=evidence
    )


def _listed(containers: Sequence[CheckedContainer]) -> str:
    return ", ".join(f"{one.name} of task {task.id}" for task, one in containers)
