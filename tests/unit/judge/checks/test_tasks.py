from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.judging import judge_complete, judge_exists, judge_rollout, judge_run_image, judge_running
from support.worlds import (
    DEFINITION,
    FOR_AMD64,
    FOR_ARM64,
    INDEX_CHILDREN,
    LATER,
    NEW,
    OLD,
    OLD_DEFINITION,
    OLD_ROLLOUT,
    PUSHED,
    SIDECAR,
    STARTED,
    WAYS,
    Way,
    child_image,
    clock,
    completed,
    container,
    crashed,
    definition,
    denied,
    deployment,
    draining,
    facts,
    found,
    gone,
    image,
    judged,
    never_restarted,
    old_image,
    old_task,
    record,
    reference,
    revision,
    rolling,
    service,
    task,
)

from pytest_deploycheck.facts.image import Child, Reference
from pytest_deploycheck.facts.service import ContainerDefinition
from pytest_deploycheck.facts.snapshot import Lookup, ServiceFacts
from pytest_deploycheck.judge.finding import Finding, Status


def words(finding: Finding) -> str:
    """All that a finding says."""
    return "\n".join([finding.summary, finding.cause, finding.remedy, finding.command, *finding.notes])


@pytest.mark.parametrize("way", WAYS)
def test_all_is_well(way: Way) -> None:
    """Every running task runs the expected digest and the rollout completed: both checks of the tasks pass."""
    world = completed(way)
    assert judge_running(world).status is Status.PASS
    finding = judge_run_image(world)
    assert (finding.id, finding.link, finding.status) == ("tasks-run-image", "tasks", Status.PASS)
    assert NEW[:19] in finding.summary


@pytest.mark.parametrize("way", WAYS)
def test_tasks_that_were_never_restarted_run_the_old_image(way: Way) -> None:
    """The tag was pushed again and no rollout began: tasks-run-image fails with both digests side by side."""
    finding = judge_run_image(never_restarted(way))
    assert finding.status is Status.FAIL
    assert OLD[:19] in finding.summary
    assert NEW[:19] in finding.summary
    assert "never restarted" in finding.cause
    assert finding.remedy


@pytest.mark.parametrize("way", WAYS)
def test_a_scale_out_after_the_push_still_brings_the_old_image(way: Way) -> None:
    """A task that started after the push runs the digest its rollout fixed: a later start proves nothing."""
    late = old_task("two", started_at=PUSHED + timedelta(minutes=30))
    finding = judge_run_image(never_restarted(way, tasks=[old_task("one"), late]))
    assert finding.status is Status.FAIL
    assert "2 of 2" in finding.summary
    assert judge_rollout(never_restarted(way, tasks=[late])).outcome == "NOT_STARTED"


@given(
    pushed=st.datetimes(timezones=st.just(UTC)),
    started=st.datetimes(timezones=st.just(UTC)),
    of=st.sampled_from([OLD, NEW]),
)
def test_digests_decide_and_times_never_do(pushed: datetime, started: datetime, of: str) -> None:
    """If the digest is known no time of push or start changes the answer."""
    lookup = found(pushed_at=pushed)
    world = completed(judged=[judged(lookup)], tasks=[task("one", of, started_at=started)])
    assert judge_run_image(world).status is (Status.PASS if of == NEW else Status.FAIL)


def pinned_to_the_old_image(way: Way) -> ServiceFacts:
    """The definition pins the old digest; `latest` moved on to the expected image; the rollout began after the push."""
    latest, pinned = reference("latest"), reference(None, pinned=OLD)
    return completed(
        way,
        judged=[
            judged(found(named=latest, tags=("latest",)), pulled=found(OLD, named=pinned, pushed_at=clock("08:00")))
        ],
        tasks=[task("one", OLD), task("two", OLD)],
        revisions=[revision(of=OLD)],
        running_images=[old_image()],
        definitions=[definition(DEFINITION, named=str(pinned))],
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_digest_pinned_by_the_task_definition_is_named(way: Way) -> None:
    """The task definition pins an old digest, so no push reaches the tasks: they fail, the rollout itself completed."""
    world = pinned_to_the_old_image(way)
    finding = judge_run_image(world)
    assert finding.status is Status.FAIL
    assert "pinned by the task definition" in words(finding)
    assert judge_rollout(world).outcome == "COMPLETED"
    assert judge_complete(world, waited=0).status is Status.PASS


@pytest.mark.parametrize("way", WAYS)
def test_a_host_that_prefers_its_cached_image_is_found_out(way: Way) -> None:
    """A rollout after the push that brought the cached old image completed as a rollout, and the tasks fail."""
    world = completed(
        way,
        judged=[judged(found(named=reference("latest"), tags=("latest",)))],
        tasks=[task("one", OLD), task("two")],
        running_images=[old_image()],
        definitions=[definition(named=str(reference("latest")))],
    )
    assert judge_rollout(world).outcome == "COMPLETED"
    finding = judge_run_image(world)
    assert finding.status is Status.FAIL
    assert "cached" in finding.cause
    both = replace(world, tasks=(task("one", OLD), task("two", OLD)))
    assert judge_rollout(both).outcome == "COMPLETED"
    assert judge_run_image(both).status is Status.FAIL


@pytest.mark.parametrize("way", WAYS)
def test_the_same_digest_as_before_passes_and_is_noted(way: Way) -> None:
    """A reproducible build came out the same and was rolled out again: all passes, noting that nothing new shipped."""
    before = clock("07:00")
    world = completed(
        way,
        judged=[judged(found(pushed_at=before))],
        revisions=[revision(), revision(1, NEW, brings=OLD_DEFINITION)],
    )
    findings = [judge_exists(world), judge_complete(world, waited=0), judge_run_image(world)]
    assert [finding.status for finding in findings] == [Status.PASS] * 3
    if way == "service deployments":  # only they tell what ran before
        assert any("nothing new was shipped" in note for finding in findings for note in finding.notes)


@pytest.mark.parametrize("way", WAYS)
def test_another_digest_is_no_claim_that_the_content_changed(way: Way) -> None:
    """A new digest may hold identical files: the checks pass and none says that the content changed."""
    world = completed(way, running_images=[old_image()])
    for finding in (judge_exists(world), judge_complete(world, waited=0), judge_run_image(world)):
        assert finding.status is Status.PASS
        assert "chang" not in words(finding)
        assert "new code" not in words(finding)


@pytest.mark.parametrize("architecture", ["x86_64", "X86_64", "amd64"])
def test_a_task_that_shows_the_child_runs_the_expected_index(architecture: str) -> None:
    """The index is expected and the task shows its manifest for the task's platform: that is the expected image."""
    world = completed(
        judged=[judged(found(children=INDEX_CHILDREN))],
        tasks=[task("one", FOR_AMD64, architecture=architecture), task("two", architecture=architecture)],
    )
    assert judge_run_image(world).status is Status.PASS
    assert judge_complete(world, waited=0).status is Status.PASS


def test_a_task_that_shows_the_index_runs_the_expected_child() -> None:
    """The child is expected and the task shows the index that holds it for its platform: that is the expected image."""
    expected = found(FOR_AMD64, named=reference(None, pinned=FOR_AMD64))
    index = image(NEW, children=INDEX_CHILDREN, named=reference(None, pinned=NEW))
    world = completed(
        judged=[judged(expected)],
        tasks=[task("one", architecture="x86_64"), task("two", architecture="x86_64")],
        running_images=[index],
    )
    assert judge_run_image(world).status is Status.PASS


@pytest.mark.parametrize("tells", ["task", "definition"])
def test_the_child_of_another_platform_fails(tells: str) -> None:
    """A task on amd64 that shows the arm64 manifest does not run the image it should; the platform is named."""
    world = completed(
        judged=[judged(found(children=INDEX_CHILDREN))],
        tasks=[task("one", FOR_ARM64, architecture="x86_64" if tells == "task" else None)],
        definitions=[definition(architecture="X86_64")],
        service=service(deployment(), desired=1, running=1),
        running_images=[child_image(FOR_ARM64)],
    )
    finding = judge_run_image(world)
    assert finding.status is Status.FAIL
    assert "platform" in words(finding)


def test_an_index_of_other_images_is_no_match() -> None:
    """A digest that the expected index does not list is another image."""
    world = completed(judged=[judged(found(children=(Child(FOR_AMD64, None),)))], tasks=[task("one", LATER)])
    assert judge_run_image(world).status is Status.FAIL


def test_an_index_whose_manifests_cannot_be_read_is_unproven() -> None:
    """The children of an index that may not be read are not known: unproven, neither pass nor fail."""
    closed = image(children=INDEX_CHILDREN)
    world = completed(
        judged=[judged(Lookup(reference(), image=replace(closed, manifest=None)))], tasks=[task("one", FOR_AMD64)]
    )
    assert judge_run_image(world).status is Status.UNPROVEN


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", ["IN_PROGRESS", "COMPLETED"])
def test_old_and_new_side_by_side_fail(way: Way, state: str) -> None:
    """Old and new tasks run together, while the rollout goes on or after it completed: tasks-run-image fails."""
    mixed = [task("one"), old_task("two")]
    world = (
        rolling(way, *mixed) if state == "IN_PROGRESS" else completed(way, tasks=mixed, running_images=[old_image()])
    )
    finding = judge_run_image(world)
    assert finding.status is Status.FAIL
    assert "1 of 2" in finding.summary
    assert OLD[:19] in finding.summary
    assert judge_rollout(world).outcome == state


@pytest.mark.parametrize("way", WAYS)
def test_draining_old_tasks_do_not_count(way: Way) -> None:
    """An old task that was told to stop is on its way out: it neither breaks tasks-run-image nor counts as running."""
    world = completed(way, tasks=[task("one"), task("two"), draining("old-one")])
    assert judge_run_image(world).status is Status.PASS
    short = completed(way, tasks=[task("one"), draining("old-one")])
    assert judge_running(short).status is Status.FAIL


@pytest.mark.parametrize("way", WAYS)
def test_a_service_scaled_to_zero_is_never_a_pass(way: Way) -> None:
    """With a desired count of 0 tasks-running fails and tasks-run-image is unproven, however stable ECS calls it."""
    world = completed(way, service=service(deployment(), desired=0, running=0), tasks=[])
    running = judge_running(world)
    assert running.status is Status.FAIL
    assert running.remedy
    assert judge_run_image(world).status is Status.UNPROVEN


def test_a_service_scaled_to_zero_whose_tasks_still_run_fails() -> None:
    """A desired count of 0 fails tasks-running even while the last task is on its way out."""
    world = completed(service=service(deployment(), desired=0, running=1), tasks=[task("one")])
    assert judge_running(world).status is Status.FAIL


@pytest.mark.parametrize("names", [[], ["one"]])
def test_fewer_tasks_than_desired_fail(names: list[str]) -> None:
    """No task, or fewer than desired: tasks-running fails with both numbers."""
    finding = judge_running(completed(tasks=[task(name) for name in names]))
    assert (finding.id, finding.status) == ("tasks-running", Status.FAIL)
    assert f"{len(names)} of 2" in finding.summary
    assert finding.remedy


def test_more_tasks_than_desired_pass() -> None:
    """While ECS starts new tasks before it stops old ones there are more than desired: enough is enough."""
    assert judge_running(completed(tasks=[task(name) for name in ("one", "two", "three")])).status is Status.PASS


def test_pending_tasks_do_not_run() -> None:
    """A task that is only on its way is not counted as running."""
    pending = task("two", None, started_at=None, status="PENDING")
    assert judge_running(completed(tasks=[task("one"), pending])).status is Status.FAIL


@pytest.mark.parametrize("way", WAYS)
def test_an_unchanged_sidecar_is_no_fault(way: Way) -> None:
    """The app is new and its sidecar as old as ever: the app's container is judged, and passes."""
    both = [container(), container("proxy", SIDECAR)]
    world = completed(
        way,
        tasks=[task("one", containers=both), task("two", containers=both)],
        definitions=[definition(others=(ContainerDefinition("proxy", "proxy:1", essential=False),))],
    )
    assert judge_run_image(world).status is Status.PASS


def test_a_managed_sidecar_without_a_digest_is_ignored() -> None:
    """ECS tells no digest of the sidecars it adds itself: they do not make the app unproven."""
    both = [container(), container("ecs-service-connect-agent", None)]
    assert judge_run_image(completed(tasks=[task("one", containers=both)])).status is Status.PASS


@pytest.mark.parametrize("way", WAYS)
def test_an_app_without_a_digest_is_unproven(way: Way) -> None:
    """ECS does not tell what the app's container of one task runs: unproven, and the task is named."""
    finding = judge_run_image(completed(way, tasks=[task("one"), task("two", None)]))
    assert finding.status is Status.UNPROVEN
    assert "two" in finding.summary


def test_what_started_before_the_push_cannot_run_the_image() -> None:
    """Without a digest one thing is certain: a task that started before the image was first pushed runs another."""
    finding = judge_run_image(
        completed(tasks=[task("one"), task("two", None, started_at=PUSHED - timedelta(minutes=1))])
    )
    assert finding.status is Status.FAIL
    unknown = completed(
        judged=[judged(found(pushed_at=None))], tasks=[task("one", None, started_at=PUSHED - timedelta(minutes=1))]
    )
    assert judge_run_image(unknown).status is Status.UNPROVEN


def test_a_known_other_image_outweighs_an_unknown_one() -> None:
    """One task that runs another image fails the check, even where another task's digest is not known."""
    assert judge_run_image(completed(tasks=[task("one", OLD), task("two", None)])).status is Status.FAIL


def test_two_judged_containers_must_both_run_their_image() -> None:
    """If several containers are judged one that runs another image fails the check, and is named."""
    worker = found(LATER, named=reference("v2", repository="worker"))
    good = [container(), container("worker", LATER)]
    bad = [container(), container("worker", OLD)]
    expected = [judged(), judged(worker, container="worker")]
    assert judge_run_image(completed(judged=expected, tasks=[task("one", containers=good)])).status is Status.PASS
    finding = judge_run_image(completed(judged=expected, tasks=[task("one", containers=bad)]))
    assert finding.status is Status.FAIL
    assert "worker" in finding.summary


def test_health_that_nothing_checks_is_neutral() -> None:
    """Without a health check the health of a task is UNKNOWN: that takes nothing from a pass."""
    world = completed(tasks=[task("one", health="UNKNOWN"), task("two", health="UNKNOWN")])
    assert judge_running(world).status is Status.PASS
    assert judge_run_image(world).status is Status.PASS


@pytest.mark.parametrize("action", ["ecs:ListTasks", "ecs:DescribeTasks"])
def test_tasks_that_may_not_be_described(action: str) -> None:
    """Denied tasks make tasks-run-image an error naming the action; the service's own count answers tasks-running."""
    world = completed(tasks=None, problems={"tasks": denied(action)})
    finding = judge_run_image(world)
    assert finding.status is Status.ERROR
    assert action in finding.summary
    running = judge_running(world)
    assert running.status is Status.PASS
    assert any(action in note for note in running.notes)


def test_the_services_own_count_can_fail_too() -> None:
    """If tasks may not be listed, a service that counts fewer than desired fails tasks-running all the same."""
    world = completed(tasks=None, service=service(deployment(), running=1), problems={"tasks": denied("ecs:ListTasks")})
    assert judge_running(world).status is Status.FAIL


def test_a_service_that_may_not_be_described() -> None:
    """The desired number of tasks needs ecs:DescribeServices: denied, tasks-running is an error naming it."""
    world = completed(service=None, problems={"service": denied("ecs:DescribeServices")})
    finding = judge_running(world)
    assert finding.status is Status.ERROR
    assert "ecs:DescribeServices" in finding.summary
    assert judge_run_image(world).status is Status.PASS


def test_a_digest_that_may_not_be_looked_up_is_an_error() -> None:
    """With the registry denied there is nothing to compare the tasks with: an error naming the action."""
    lookup = Lookup(reference(), problem=denied("ecr:DescribeImages"))
    finding = judge_run_image(completed(judged=[judged(lookup)]))
    assert finding.status is Status.ERROR
    assert "ecr:DescribeImages" in finding.summary


def test_a_digest_in_the_reference_needs_no_registry() -> None:
    """An image named by its digest is compared even where the registry may not be asked."""
    lookup = Lookup(reference(None, pinned=NEW), problem=denied("ecr:DescribeImages"))
    assert judge_run_image(completed(judged=[judged(lookup)])).status is Status.PASS
    assert judge_run_image(completed(judged=[judged(lookup)], tasks=[task("one", OLD)])).status is not Status.PASS


@pytest.mark.parametrize(
    "lookup", [gone("tag"), Lookup(Reference("docker.io", "library/nginx", "1.27"))], ids=["absent", "Docker Hub"]
)
def test_a_digest_that_nothing_tells_is_unproven(lookup: Lookup) -> None:
    """If the expected digest is not known, tasks-run-image is unproven: it is not a pass, and no guess."""
    assert judge_run_image(completed(judged=[judged(lookup)])).status is Status.UNPROVEN


def test_no_container_to_judge_is_no_pass() -> None:
    """If no container's image is known, a denied task definition is an error, and else it is unproven."""
    blind = completed(judged=[], problems={"definition": denied("ecs:DescribeTaskDefinition")})
    assert judge_run_image(blind).status is Status.ERROR
    assert judge_run_image(completed(judged=[])).status is Status.UNPROVEN


def test_what_tasks_run_is_shown_with_its_times() -> None:
    """The failure shows what runs and what was expected side by side, each with when it was pushed."""
    finding = judge_run_image(never_restarted())
    assert "08:00:00" in finding.summary
    assert "11:00:00" in finding.summary
    assert [entry["digest"] for entry in finding.evidence["tasks"]] == [OLD, OLD]


def test_a_task_of_an_older_rollout_that_runs_the_image_passes() -> None:
    """A retag back to what already runs needs no rollout: the tasks run the expected image since before the retag."""
    world = facts(
        service=service(deployment("ecs-svc/1", began=OLD_ROLLOUT)),
        records=[record(1, began=OLD_ROLLOUT)],
        revisions=[revision(1)],
        tasks=[task("one", started_at=STARTED), task("two", started_at=STARTED)],
        judged=[judged(found(pushed_at=clock("01:00")))],
    )
    assert judge_run_image(world).status is Status.PASS
    assert judge_complete(world, waited=0).status is Status.PASS


def test_each_task_resolves_the_tag_by_itself() -> None:
    """Without version consistency tasks of one rollout may differ, and neither a push nor a restart is to blame."""
    opted_out = replace(
        definition(), containers=tuple(replace(one, version_consistency=False) for one in definition().containers)
    )
    world = completed(tasks=[task("one"), task("two", OLD)], running_images=[old_image()], definitions=[opted_out])
    finding = judge_run_image(world)
    assert finding.status is Status.FAIL
    assert "versionConsistency" in finding.cause


def test_a_host_that_keeps_its_image() -> None:
    """ECS resolved the tag to the expected image and the tasks run another: the hosts' image cache is the cause."""
    world = completed(tasks=[task("one", OLD), task("two", OLD)], running_images=[old_image()])
    finding = judge_run_image(world)
    assert finding.status is Status.FAIL
    assert "ECS_IMAGE_PULL_BEHAVIOR" in finding.cause


def test_a_service_that_is_being_deleted() -> None:
    """Its tasks may still run as many as were wanted: it fails, and says why."""
    world = completed()
    assert world.service is not None
    finding = judge_running(replace(world, service=replace(world.service, status="DRAINING")))
    assert finding.status is Status.FAIL
    assert "being deleted" in finding.summary


def test_a_daemon_without_a_fitting_instance() -> None:
    """A daemon service that wants no task has no instance for one: nobody scaled it, and no count can be set."""
    world = completed(service=service(deployment(), desired=0, scheduling="DAEMON"))
    finding = judge_running(world)
    assert finding.status is Status.FAIL
    assert "container instance" in finding.cause
    assert "--desired-count" not in finding.command


def test_too_few_tasks_come_with_why_they_stopped() -> None:
    """One of two tasks of a completed rollout ran out of memory: that is the cause, with its remedy."""
    finding = judge_running(completed(tasks=[task("one"), crashed()]))
    assert finding.status is Status.FAIL
    assert "more memory than its limit" in finding.cause
    assert "memory" in finding.remedy
