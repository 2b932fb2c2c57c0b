"""`containers-healthy`: what the health checks of the task definition say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.judging import judge_containers, still_awaited
from support.worlds import (
    OLD_DEFINITION,
    WAYS,
    Way,
    completed,
    container,
    definition,
    denied,
    draining,
    old_task,
    task,
)
from support.worlds_health import checked_definition, sidecar_definition

from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.finding import Status


def checked(*health: str, way: Way = "service deployments") -> ServiceFacts:
    """New tasks whose container has a health check, each with what it says."""
    tasks = [task(f"task-{index}", containers=[container(health=one)]) for index, one in enumerate(health)]
    return completed(way, tasks=tasks, definitions=[checked_definition(), definition(OLD_DEFINITION)])


@pytest.mark.parametrize("way", WAYS)
def test_every_container_healthy_passes(way: Way) -> None:
    """Each container with a check of its own passes it."""
    world = checked("HEALTHY", "HEALTHY", way=way)
    finding = judge_containers(world)
    assert (finding.id, finding.link, finding.status) == ("containers-healthy", "health", Status.PASS)
    assert still_awaited(world) == []


def test_one_sick_container_fails() -> None:
    """One of two is UNHEALTHY: it fails, naming container and task, with the command that shows it."""
    world = checked("HEALTHY", "UNHEALTHY")
    finding = judge_containers(world)
    assert finding.status is Status.FAIL
    assert "1 of 2 containers" in finding.summary
    assert "app of task task-1" in finding.summary
    assert "task-1" in finding.command
    assert finding.remedy
    assert still_awaited(world) == ["1 container to pass the health check"]


def test_a_check_without_a_result_yet_is_unproven() -> None:
    """UNKNOWN of a container that has a check: it has not come to a result, and is waited for."""
    world = checked("HEALTHY", "UNKNOWN")
    finding = judge_containers(world)
    assert finding.status is Status.UNPROVEN
    assert "task-1" in finding.summary
    assert finding.remedy
    assert len(still_awaited(world)) == 1


def test_unknown_without_a_check_is_neutral() -> None:
    """UNKNOWN of a container without a check is no answer: it is skipped, and nothing waits for it."""
    world = completed()
    assert judge_containers(world).status is Status.SKIP
    assert still_awaited(world) == []


def test_a_container_without_a_check_does_not_stand_in_the_way_of_one_with() -> None:
    """A sidecar without a check beside a healthy application: only the application is asked."""
    base = checked_definition()
    whole = replace(base, containers=(*base.containers, sidecar_definition()))
    both = task("one", containers=[container(health="HEALTHY"), container("sidecar", health="UNKNOWN")])
    finding = judge_containers(completed(tasks=[both], definitions=[whole]))
    assert finding.status is Status.PASS
    assert "1 container" in finding.summary


def test_old_tasks_are_let_alone() -> None:
    """The health of old or draining tasks is no concern of the new code."""
    sick = [container(of=None, health="UNHEALTHY")]
    old = [old_task("old", containers=[replace(one, digest="sha256:" + "a" * 64) for one in sick]), draining("gone")]
    world = checked("HEALTHY")
    assert judge_containers(replace(world, tasks=(*(world.tasks or ()), *old))).status is Status.PASS


def test_ecs_may_know_a_result_where_the_definition_is_denied() -> None:
    """A result is a result, also where the task definition may not be read: UNHEALTHY fails."""
    sick = task("one", containers=[container(health="UNHEALTHY")])
    assert judge_containers(completed(tasks=[sick], definitions=[])).status is Status.FAIL


def test_denied_tasks_are_an_error_where_there_is_a_check() -> None:
    """With a health check defined and the tasks hidden it is an error that names the action; without one, a skip."""
    problems = {"tasks": denied("ecs:DescribeTasks")}
    world = completed(tasks=None, problems=problems, definitions=[checked_definition()])
    finding = judge_containers(world)
    assert finding.status is Status.ERROR
    assert "ecs:DescribeTasks" in finding.summary
    assert judge_containers(completed(tasks=None, problems=problems)).status is Status.SKIP
