"""`containers-healthy`: what the health checks of the task definition say of the new tasks' containers."""

from __future__ import annotations

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.facts.task import Container, Task
from pytest_deploycheck.judge.analysis.matching import is_new
from pytest_deploycheck.judge.commands import Commands
from pytest_deploycheck.judge.finding import CONTAINERS_HEALTHY, Finding
from pytest_deploycheck.judge.wording import plural


def judge_containers(facts: ServiceFacts) -> Finding:
    """`containers-healthy`: each container of a new task that has a health check passes it.

    ECS says UNKNOWN of a container without a health check, which is no answer and asks nothing; and of one whose check
    has not come to a result yet. Only the task definition tells the two apart.
    """
    if facts.tasks is None and facts.definition and any(one.has_health_check for one in facts.definition.containers):
        return CONTAINERS_HEALTHY.errs(facts.problems["tasks"])
    checked = _checked(facts)
    untold = [task for task in facts.running if is_new(task, facts) and facts.definition_of(task) is None]
    if "definition" in facts.problems and any(one.health == "UNKNOWN" for task in untold for one in task.containers):
        return CONTAINERS_HEALTHY.errs(facts.problems["definition"])
    if not checked:
        return CONTAINERS_HEALTHY.skips("no container of a new task is known to have a health check of its own")
    evidence = {"containers": [{"task": task.id, "container": one.name, "health": one.health} for task, one in checked]}
    sick = [(task, one) for task, one in checked if one.health == "UNHEALTHY"]
    if sick:
        return CONTAINERS_HEALTHY.fails(
            f"{len(sick)} of {plural(len(checked), 'container')} UNHEALTHY: {_listed(sick)}",
            cause="The container runs, and its own health check says that it does not work.",
            remedy="Run the health check's command in the container, and read its last lines.",
            command=Commands(facts.service).describe_task(sick[0][0]),
            evidence=evidence,
        )
    waiting = [(task, one) for task, one in checked if one.health != "HEALTHY"]
    if waiting:
        return CONTAINERS_HEALTHY.unproven(
            f"the health check of {plural(len(waiting), 'container')} has no result yet: {_listed(waiting)}",
            remedy="Wait longer (--deploy-wait=10m); startPeriod, interval and retries of the check say how long.",
            evidence=evidence,
        )
    return CONTAINERS_HEALTHY.passes(
        f"{plural(len(checked), 'container')} HEALTHY by the task definition's health check", evidence=evidence
    )


def unsettled_containers(facts: ServiceFacts) -> list[str]:
    """What of the containers' health may still change for the better, in words."""
    waiting = [one for _, one in _checked(facts) if one.health != "HEALTHY"]
    return [f"{plural(len(waiting), 'container')} to pass the health check"] if waiting else []


def _checked(facts: ServiceFacts) -> list[tuple[Task, Container]]:
    """The containers of new tasks that have a health check: by their definition, or as ECS knows its result."""
    return [
        (task, container)
        for task in facts.running
        if is_new(task, facts)
        for container in task.containers
        if container.health != "UNKNOWN" or _is_checked(container, task, facts)
    ]


def _is_checked(container: Container, task: Task, facts: ServiceFacts) -> bool:
    definition = facts.definition_of(task)
    own = definition.container(container.name) if definition else None
    return own is not None and own.has_health_check


def _listed(containers: list[tuple[Task, Container]]) -> str:
    return ", ".join(f"{one.name} of task {task.id}" for task, one in containers)
