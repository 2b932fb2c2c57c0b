"""The images of tasks: stopped and pending containers, counts that disagree, unknown words, digests, platforms."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from support.judging import judge_complete, judge_rollout, judge_run_image, judge_running, progress, rule, still_awaited
from support.worlds import (
    FOR_AMD64,
    NEW,
    OLD,
    OLD_DEFINITION,
    PUSHED,
    WAYS,
    Way,
    clock,
    completed,
    container,
    crashed,
    definition,
    deployment,
    digest,
    draining,
    found,
    image,
    judged,
    old_task,
    reference,
    rolling,
    service,
    task,
)

from pytest_deploycheck.facts.image import Child, Platform
from pytest_deploycheck.facts.service import ContainerDefinition, ServiceEvent
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.finding import Status

SIDECAR_RUNS = container("sidecar", digest("d"))


def beside_a_sidecar(**app: Any) -> ServiceFacts:
    """Two tasks whose judged container is in some state, while a sidecar keeps them running."""
    return completed(tasks=[task(name, containers=[container(**app), SIDECAR_RUNS]) for name in ("one", "two")])


# Containers that do not run (row 55).


@pytest.mark.parametrize("exit_code", [0, 1, 137, None])
def test_a_stopped_container_runs_nothing(exit_code: int | None) -> None:
    """The judged container has stopped while its task runs: tasks-run-image fails, whatever the exit code."""
    finding = judge_run_image(beside_a_sidecar(status="STOPPED", exit_code=exit_code))
    assert finding.status is Status.FAIL
    assert "container 'app' does not run in 2 of 2 running tasks: it has stopped" in finding.summary
    assert finding.remedy


def test_a_stopped_container_is_not_reported_to_run_another_image() -> None:
    """The rollout itself brought the expected image: only the tasks fail."""
    world = beside_a_sidecar(status="STOPPED", exit_code=0)
    assert "another image" not in judge_run_image(world).summary
    assert judge_complete(world, waited=0).status is Status.PASS


@pytest.mark.parametrize("status", ["PENDING", "PULLED", "CREATED"])
def test_a_pending_container_is_waited_for_and_fails(status: str) -> None:
    """The judged container has not started while its task runs: it is waited for, and fails after the wait."""
    world = beside_a_sidecar(status=status)
    assert still_awaited(world) == ["2 containers to start"]
    finding = judge_run_image(world)
    assert finding.status is Status.FAIL
    assert "it has not started" in finding.summary


def test_a_pending_container_of_a_rollout_in_progress_is_waited_for() -> None:
    """While the rollout is going on, a new task whose container is pending counts as one that is still to run."""
    pending = task("two", containers=[container(status="PENDING")])
    world = rolling("service deployments", task("one"), pending)
    assert still_awaited(world) == ["1 of 2 new tasks to run"]


def test_one_stopped_container_of_two_tasks_fails() -> None:
    """One task serves and the other does not: still a failure, which names the number."""
    stopped = task("two", containers=[container(status="STOPPED", exit_code=0), SIDECAR_RUNS])
    finding = judge_run_image(completed(tasks=[task("one"), stopped]))
    assert finding.status is Status.FAIL
    assert "in 1 of 2 running tasks" in finding.summary


def test_a_stopped_sidecar_is_not_judged() -> None:
    """An init container that has done its work takes nothing from the judged container."""
    stopped = container("sidecar", digest("d"), status="STOPPED", exit_code=0)
    world = completed(tasks=[task(name, containers=[container(), stopped]) for name in ("one", "two")])
    assert judge_run_image(world).status is Status.PASS


def migrated(of: str = NEW, *, essential: bool = False, **stopped: Any) -> ServiceFacts:
    """Two tasks with a migration that is judged too, as it has the same repository, and that has stopped."""
    init = container("init", of, status="STOPPED", **{"exit_code": 0, **stopped})
    return completed(
        tasks=[task(name, containers=[container(), init]) for name in ("one", "two")],
        judged=[judged(), judged(container="init")],
        definitions=[definition(others=[ContainerDefinition("init", f"{reference()}", essential=essential)])],
    )


def test_an_init_container_of_the_same_image_has_done_its_work() -> None:
    """A migration that ended with exit code 0 beside the application is no failure, and its image is still compared."""
    assert judge_run_image(migrated()).status is Status.PASS
    assert judge_run_image(migrated(OLD)).status is Status.FAIL


@pytest.mark.parametrize("world", [migrated(exit_code=1), migrated(exit_code=None), migrated(essential=True)])
def test_a_container_that_failed_or_is_essential_has_not_done_its_work(world: ServiceFacts) -> None:
    """Any other exit code is a failure, and so is an essential container that does not run."""
    assert "container 'init' does not run" in judge_run_image(world).summary


def test_a_judged_container_alone_must_run() -> None:
    """A container that has ended leaves nothing that runs the image, unless an essential one is judged beside it."""
    world = migrated()
    alone = replace(world, judged=(judged(container="init"),))
    assert judge_run_image(alone).status is Status.FAIL


# The service's own count (row 58).


@pytest.mark.parametrize("check", [judge_running, judge_run_image])
def test_a_task_that_is_not_listed_is_unproven(check: Any) -> None:
    """The service counts three running tasks and ECS lists two: what the third runs is not known."""
    world = completed(service=service(deployment(), desired=2), counted=3)
    finding = check(world)
    assert finding.status is Status.UNPROVEN
    assert "ECS counts 3 running tasks of the service, but lists 2" in finding.summary


@pytest.mark.parametrize("check", [judge_running, judge_run_image])
def test_an_empty_list_of_tasks_that_are_counted_is_unproven(check: Any) -> None:
    """The list is empty while the service counts its tasks: an incomplete answer, not a service without tasks."""
    finding = check(completed(tasks=[], counted=2))
    assert finding.status is Status.UNPROVEN
    assert "ECS counts 2 running tasks" in finding.summary


def test_more_tasks_than_counted_are_unproven() -> None:
    """The count is behind the list: which of the two is right is not known."""
    assert judge_running(completed(counted=1)).status is Status.UNPROVEN


def test_too_few_tasks_by_both_counts_fail() -> None:
    """The count and the list disagree, and both are below the desired count: that is a failure."""
    world = completed(service=service(deployment(), desired=4), counted=3)
    assert judge_running(world).status is Status.FAIL


def test_another_image_fails_whatever_the_count_is() -> None:
    """A failure that was seen stays one if something else was not seen."""
    world = completed(tasks=[task("one"), old_task("two")], counted=3)
    assert judge_run_image(world).status is Status.FAIL


def test_tasks_that_are_told_to_stop_may_be_counted() -> None:
    """ECS may count a task that was told to stop for as long as it runs: no doubt."""
    for counted in (2, 3):
        world = completed(tasks=[task("one"), task("two"), draining("old")], counted=counted)
        assert judge_running(world).status is Status.PASS


# Words that this version does not know (row 59).


@pytest.mark.parametrize("words", [{"status": "HIBERNATING"}, {"desired_status": "PAUSED"}])
@pytest.mark.parametrize("check", [judge_running, judge_run_image])
def test_an_unknown_status_of_tasks_is_unproven(check: Any, words: dict[str, Any]) -> None:
    """The tasks are in a state that this version does not know: they are not said not to run."""
    finding = check(completed(tasks=[task("one", **words), task("two", **words)]))
    assert finding.status is Status.UNPROVEN
    assert next(iter(words.values())) in finding.summary


def test_an_unknown_status_of_one_task_is_unproven() -> None:
    """One task runs the expected image, and it is not known whether the other runs."""
    world = completed(tasks=[task("one"), task("two", status="HIBERNATING")])
    assert judge_running(world).status is Status.UNPROVEN
    assert judge_run_image(world).status is Status.UNPROVEN


def test_an_unknown_status_of_the_container_is_unproven() -> None:
    """The task runs, and its container is in a state that this version does not know."""
    assert judge_run_image(beside_a_sidecar(status="HIBERNATING")).status is Status.UNPROVEN


def test_an_unknown_status_of_the_service_is_unproven() -> None:
    """The service is in a state that this version does not know."""
    world = completed()
    assert world.service is not None
    assert judge_running(replace(world, service=replace(world.service, status="FROZEN"))).status is Status.UNPROVEN


# Digests in references, and none at all (row 27).


def pinned_container(of: str) -> Any:
    """A container that was pulled by a digest, which ECS does not show as `imageDigest`."""
    return replace(container(of=None), image=f"{reference().place}:v2@{of}")


def test_the_digest_of_the_reference_counts_where_ecs_shows_none() -> None:
    """The container was pulled by the expected digest: it runs it."""
    world = completed(tasks=[task(name, containers=[pinned_container(NEW)]) for name in ("one", "two")])
    assert judge_run_image(world).status is Status.PASS
    assert judge_rollout(world).outcome == "COMPLETED"


def test_another_digest_of_the_reference_fails() -> None:
    """The container was pulled by another digest: that is known, and fails."""
    world = completed(tasks=[task(name, containers=[pinned_container(OLD)]) for name in ("one", "two")])
    finding = judge_run_image(world)
    assert finding.status is Status.FAIL
    assert OLD[:19] in finding.summary


def test_the_digest_that_ecs_shows_comes_first() -> None:
    """If ECS shows a digest, that is what runs, whatever the reference says."""
    shown = replace(pinned_container(OLD), digest=NEW)
    world = completed(tasks=[task(name, containers=[shown]) for name in ("one", "two")])
    assert judge_run_image(world).status is Status.PASS


@pytest.mark.parametrize(("started", "status"), [("10:59", Status.FAIL), ("11:06", Status.UNPROVEN)])
def test_without_a_digest_only_the_start_before_the_push_is_certain(started: str, status: Status) -> None:
    """No digest at all: a task that started before the image was pushed cannot run it, of others nothing is known."""
    assert clock("10:59") < PUSHED
    world = completed(tasks=[task(name, None, started_at=clock(started)) for name in ("one", "two")])
    finding = judge_run_image(world)
    assert finding.status is status
    if status is Status.UNPROVEN:
        assert "another" not in finding.summary


# Platforms (rows 11 and 53).

WINDOWS, LINUX = Platform("windows", "amd64"), Platform("linux", "amd64")
FOR_WINDOWS = digest("3")
MIXED = (Child(FOR_WINDOWS, WINDOWS), Child(FOR_AMD64, LINUX))


def of_os(*children: Child, expects: str = NEW, runs: str = NEW, os: str | None = "LINUX") -> ServiceFacts:
    """Tasks of one operating system, an index, and what is expected and runs of it."""
    lookup = found(expects, children=children if expects == NEW else ())
    index = image(NEW, named=reference(None, pinned=NEW), children=children)
    return completed(
        judged=[judged(lookup)],
        tasks=[task(name, runs, architecture="x86_64", os=os) for name in ("one", "two")],
        running_images=[index],
        definitions=[definition(), definition(OLD_DEFINITION)],
    )


@pytest.mark.parametrize("os", ["LINUX", "Linux", "linux"])
def test_the_child_of_another_operating_system_fails(os: str) -> None:
    """The Windows image of an index is expected, and Linux tasks run the index: they run its Linux image."""
    finding = judge_run_image(of_os(*MIXED, expects=FOR_WINDOWS, os=os))
    assert finding.status is Status.FAIL
    assert "linux/amd64" in finding.cause


@pytest.mark.parametrize("os", ["WINDOWS_SERVER_2022_CORE", "Windows_Server_2019_Full", "windows"])
def test_the_child_of_the_operating_system_of_the_tasks_passes(os: str) -> None:
    """Windows tasks run the index, of which they run the expected Windows image."""
    assert judge_run_image(of_os(*MIXED, expects=FOR_WINDOWS, os=os)).status is Status.PASS


def test_a_task_that_shows_the_child_of_another_operating_system_fails() -> None:
    """The index is expected, and a Linux task shows its Windows image."""
    assert judge_run_image(of_os(*MIXED, runs=FOR_WINDOWS)).status is Status.FAIL


def test_two_children_of_one_platform_are_unproven() -> None:
    """The one of the two that the tasks run is not known; neither is called another image."""
    twins = (Child(FOR_AMD64, LINUX), Child(digest("4"), Platform("linux", "amd64", "v3")))
    finding = judge_run_image(of_os(*twins, expects=FOR_AMD64))
    assert finding.status is Status.UNPROVEN
    assert "which image of an index" in finding.summary


def test_two_children_of_one_platform_are_told_apart_by_the_digest_that_runs() -> None:
    """A task that shows the digest of one of the two runs just that."""
    twins = (Child(FOR_AMD64, LINUX), Child(digest("4"), Platform("linux", "amd64", "v3")))
    assert judge_run_image(of_os(*twins, runs=FOR_AMD64)).status is Status.PASS


def test_an_unknown_operating_system_leaves_it_open() -> None:
    """Nothing tells the operating system of the tasks: which image of the index they run is not known."""
    assert judge_run_image(of_os(*MIXED, expects=FOR_WINDOWS, os=None)).status is Status.UNPROVEN


# Rollbacks as emulators do them.


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", ["FAILED", "COMPLETED"])
def test_an_older_deployment_that_is_primary_again_is_a_rollback(way: Way, state: str) -> None:
    """A later deployment ended, well or not, and the earlier one is PRIMARY again: ROLLED_BACK, not NOT_STARTED."""
    world = completed(
        way,
        service=service(
            deployment("ecs-svc/1", began=clock("08:05"), brings=OLD_DEFINITION),
            deployment("ecs-svc/2", status="ACTIVE", state=state, failed=3),
        ),
        records=[],
        tasks=[old_task("one"), old_task("two"), crashed()],
    )
    assert rule(world).outcome == "ROLLED_BACK"
    assert "ecs-svc/1" in rule(world).reason
    assert "PRIMARY again" in rule(world).reason
    assert "exit code 137" in judge_complete(world, waited=0).cause


@pytest.mark.parametrize(("state", "outcome"), [("IN_PROGRESS", "IN_PROGRESS"), ("SOMETHING_NEW", "UNKNOWN")])
def test_a_later_deployment_that_has_not_ended_is_no_rollback(state: str, outcome: str) -> None:
    """An earlier deployment is PRIMARY while a later one is going on, or in a state that is not known."""
    world = completed(
        "deployments alone",
        service=service(
            deployment("ecs-svc/1", began=clock("08:05"), brings=OLD_DEFINITION),
            deployment("ecs-svc/2", status="ACTIVE", state=state),
        ),
        tasks=[old_task("one"), old_task("two")],
    )
    assert rule(world).outcome == outcome


def test_a_rollout_that_was_removed_again_is_known_from_its_tasks() -> None:
    """With the task definition of before, its stopped tasks ran the expected image and no running task does."""
    gone = task(
        "gone",
        by="ecs-svc/9",
        started_at=clock("11:20"),
        status="STOPPED",
        desired_status="STOPPED",
        stopped_at=clock("11:21"),
        definition=OLD_DEFINITION,
    )
    old = service(deployment("ecs-svc/1", began=clock("08:05"), brings=OLD_DEFINITION))
    world = completed("deployments alone", service=old, tasks=[old_task("one"), old_task("two"), gone])
    assert rule(world).outcome == "ROLLED_BACK"
    assert "ecs-svc/9, which began 2025-11-26 11:20:00 UTC, was removed again" in rule(world).reason


def test_tasks_are_counted_by_their_rollout_and_their_state() -> None:
    """Running, pending and draining tasks of the new rollout and of those before it, and none that is gone."""
    pending = old_task("three", status="PENDING", started_at=None)
    stopped = old_task("five", status="STOPPED", desired_status="STOPPED")
    tasks = (task("one"), old_task("two"), pending, draining("four"), stopped)
    counted = progress(rolling("service deployments", *tasks))
    assert (counted.new_running, counted.new_pending) == (1, 0)
    assert (counted.old_running, counted.old_draining) == (1, 1)
    more = [task(name, status="PENDING", started_at=None) for name in ("six", "seven")]
    assert progress(rolling("service deployments", *tasks, *more)).new_pending == 2


def test_tasks_are_new_by_their_rollout_and_else_by_their_image() -> None:
    """Tasks of the newest rollout are new, whatever they run; if none is known, those are that run the image."""
    others = [task("one", OLD), task("two", OLD), old_task("three", NEW)]
    counted = progress(rolling("service deployments", *others))
    assert (counted.new_running, counted.old_running) == (2, 1)
    tasks = [task("one"), task("two"), old_task("three")]
    counted = progress(completed("deployments alone", service=None, tasks=tasks))
    assert (counted.new_running, counted.old_running) == (2, 1)


def test_the_progress_names_the_newest_event_of_the_rollout() -> None:
    """The newest of the events since the rollout began, without the service's name; of none, an empty text."""
    events = [
        ServiceEvent(clock(at), f"(service shop) {said}") for at, said in (("11:08", "newer"), ("11:06", "older"))
    ]
    for said, newest in ((events, "newer"), (events[1:], "older"), ([], "")):
        world = rolling(
            "service deployments", task("one"), service=service(deployment(state="IN_PROGRESS"), events=said)
        )
        assert progress(world).last_event == newest
