from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from support.judging import judge_complete, judge_rollout, still_awaited
from support.worlds import (
    BREAKER,
    LATER,
    LATER_ROLLOUT,
    NEW,
    NO_RECORDS,
    OLD,
    OLD_DEFINITION,
    OLD_ROLLOUT,
    PULL_ERROR,
    PUSHED,
    ROLLOUT,
    WAYS,
    Way,
    clock,
    completed,
    crashed,
    denied,
    deployment,
    failed,
    found,
    gone,
    judged,
    later_image,
    never_pulled,
    never_restarted,
    old_image,
    old_task,
    record,
    reference,
    revision,
    rolled_back,
    rolling,
    service,
    superseded,
    task,
)

from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import Lookup, ServiceFacts
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.judge.finding import Finding, Status


def words(finding: Finding) -> str:
    """All that a finding says."""
    return "\n".join([finding.summary, finding.cause, finding.remedy, finding.command, *finding.notes, finding.details])


def outcome(world: ServiceFacts) -> str:
    """The outcome of the rollout, which the check must tell as well."""
    finding = judge_complete(world, waited=300)
    said = str(judge_rollout(world).outcome)
    assert finding.evidence.get("outcome") == said
    return said


@pytest.mark.parametrize("way", WAYS)
def test_a_completed_rollout_passes(way: Way) -> None:
    """It began after the push, completed, and all tasks run its image: COMPLETED, the only outcome that passes."""
    world = completed(way)
    finding = judge_complete(world, waited=12)
    assert (finding.id, finding.link, finding.status) == ("rollout-complete", "rollout", Status.PASS)
    assert outcome(world) == "COMPLETED"
    rollout = judge_rollout(world)
    assert not still_awaited(world)
    assert (rollout.id, rollout.started_at) == ("ecs-svc/2", ROLLOUT)
    assert (rollout.desired, rollout.running) == (2, 2)


def test_an_answer_from_deployments_alone_says_so() -> None:
    """If service deployments are denied the degraded answer names the action; the full answer has no such note."""
    degraded = judge_complete(completed("deployments alone"), waited=0)
    assert any(NO_RECORDS.operation in note for note in degraded.notes)
    assert judge_complete(completed("service deployments"), waited=0).notes == ()
    broken = judge_complete(rolled_back("deployments alone"), waited=0)
    assert any(NO_RECORDS.operation in note for note in broken.notes)


@pytest.mark.parametrize("way", WAYS)
def test_a_push_that_nobody_rolled_out(way: Way) -> None:
    """The tag was pushed again after the last rollout: NOT_STARTED, with both times and the command that helps."""
    world = never_restarted(way)
    assert outcome(world) == "NOT_STARTED"
    finding = judge_complete(world, waited=0)
    assert finding.status is Status.FAIL
    assert "11:00:00" in finding.summary
    assert "08:05:00" in finding.summary
    assert "never restarted" in finding.cause
    assert "update-service" in finding.command
    assert "--force-new-deployment" in finding.command
    assert not still_awaited(world)


@pytest.mark.parametrize("way", WAYS)
def test_a_named_image_that_was_never_deployed(way: Way) -> None:
    """v2 was pushed and named, the service still runs v1 by its definition: NOT_STARTED."""
    world = never_restarted(way, judged=[judged(pulled=found(OLD, named=reference("v1"), pushed_at=clock("08:00")))])
    assert outcome(world) == "NOT_STARTED"
    finding = judge_complete(world, waited=0)
    assert finding.status is Status.FAIL
    assert "v1" in words(finding)
    assert finding.remedy


@pytest.mark.parametrize("way", WAYS)
def test_an_image_that_was_never_pushed_cannot_have_been_rolled_out(way: Way) -> None:
    """The image named is not in the registry and the tasks run another: its rollout never started."""
    pulled = found(OLD, named=reference("v1"), pushed_at=clock("08:00"))
    world = never_restarted(way, judged=[judged(gone("tag"), pulled=pulled)])
    assert outcome(world) == "NOT_STARTED"


@pytest.mark.parametrize("way", WAYS)
def test_an_old_rollout_is_no_proof_for_a_newer_image(way: Way) -> None:
    """A rollout that completed before the image was pushed did not bring it: with the tasks unknown that is no pass."""
    unseen = never_restarted(way, tasks=None, running_images=[], problems={"tasks": denied("ecs:ListTasks")})
    untold = never_restarted(
        way, tasks=[old_task("one", None, started_at=PUSHED + timedelta(minutes=5))], running_images=[]
    )
    for world in (unseen, untold):
        assert judge_complete(world, waited=0).status is not Status.PASS


@pytest.mark.parametrize("way", WAYS)
def test_a_rollout_that_goes_on_is_waited_for_and_then_fails(way: Way) -> None:
    """Old and new tasks while ECS still rolls out: not settled, and at the end of the wait a failure, IN_PROGRESS."""
    world = rolling(way, task("one"), old_task("two"))
    assert outcome(world) == "IN_PROGRESS"
    assert still_awaited(world)
    finding = judge_complete(world, waited=300)
    assert finding.status is Status.FAIL
    assert "300 s" in words(finding)
    assert "--deploy-wait" in finding.remedy


@pytest.mark.parametrize("way", WAYS)
def test_a_bake_time_or_a_pause_is_in_progress(way: Way) -> None:
    """All tasks run the image and ECS still bakes or pauses the rollout: IN_PROGRESS, not COMPLETED."""
    world = rolling(way, task("one"), task("two"))
    assert outcome(world) == "IN_PROGRESS"
    assert judge_complete(world, waited=0).status is Status.FAIL


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS"])
def test_green_with_a_small_share_of_the_traffic_is_in_progress(status: str) -> None:
    """New tasks are healthy while most traffic still goes to the old: IN_PROGRESS as long as ECS says so."""
    world = rolling(
        "service deployments",
        task("one"),
        task("two"),
        old_task("three"),
        old_task("four"),
        records=[record(status=status)],
        service=service(deployment(state=None, reason=""), running=4),
    )
    assert outcome(world) == "IN_PROGRESS"


@pytest.mark.parametrize("way", WAYS)
def test_a_rollback_by_the_circuit_breaker(way: Way) -> None:
    """The service is stable again on the old tasks: ROLLED_BACK all the same, with ECS's own words."""
    world = rolled_back(way)
    assert outcome(world) == "ROLLED_BACK"
    finding = judge_complete(world, waited=0)
    assert finding.status is Status.FAIL
    assert "circuit breaker" in finding.summary
    assert finding.remedy
    assert not still_awaited(world)


@pytest.mark.parametrize("way", WAYS)
def test_a_rollback_with_the_same_task_definition(way: Way) -> None:
    """The tag moved under one task definition: the rollback has its ARN too, and is told apart by the deployment."""
    latest = judged(found(named=reference("latest"), tags=("latest",)))
    world = rolled_back(
        way,
        service=service(deployment("ecs-svc/3", began=clock("11:10"), reason=BREAKER)),
        tasks=[task(name, OLD, by="ecs-svc/3", started_at=clock("11:11")) for name in ("one", "two")],
        judged=[latest],
        revisions=[revision(), revision(1, OLD)],
    )
    assert outcome(world) == "ROLLED_BACK"
    assert judge_complete(world, waited=0).status is Status.FAIL


@pytest.mark.parametrize("listed", [True, False], ids=["failed one listed", "failed one gone"])
def test_a_rollback_known_by_events(listed: bool) -> None:  # noqa: FBT001 - a case of the test
    """If the PRIMARY no longer says why it is there, the service's events tell of the rollback."""
    back = deployment("ecs-svc/3", began=clock("11:10"), brings=OLD_DEFINITION)
    lost = deployment(status="ACTIVE", state="FAILED")
    said = [
        ServiceEvent(clock("11:10:01"), "(service shop) rolling back to deployment ecs-svc/1."),
        ServiceEvent(clock("11:10"), "(service shop) (deployment ecs-svc/2) deployment failed: tasks failed to start."),
    ]
    world = rolled_back("deployments alone", service=service(*([back, lost] if listed else [back]), events=said))
    assert outcome(world) == "ROLLED_BACK"


@pytest.mark.parametrize(
    "status", ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"]
)
def test_every_state_of_a_rollback_fails(status: str) -> None:
    """From the first request to a rollback that failed itself: the rollout did not last, and waiting cannot help it."""
    world = rolled_back("service deployments", records=[record(status=status)])
    assert outcome(world) in ({"ROLLED_BACK", "FAILED"} if status == "ROLLBACK_FAILED" else {"ROLLED_BACK"})
    assert judge_complete(world, waited=0).status is Status.FAIL
    assert not still_awaited(world)


def test_a_rollback_by_an_alarm_names_it() -> None:
    """A CloudWatch alarm rolled the service back: ROLLED_BACK, and the alarm is named."""
    world = rolled_back(
        "service deployments",
        records=[record(status="ROLLBACK_SUCCESSFUL", rollback_reason="Alarm triggered.", alarms=("backend-5xx",))],
    )
    assert outcome(world) == "ROLLED_BACK"
    assert "backend-5xx" in words(judge_complete(world, waited=0))


def test_a_rollback_by_an_alarm_without_service_deployments() -> None:
    """Told by `deployments` alone an alarm's rollback is ROLLED_BACK as well, in ECS's words."""
    said = "ECS deployment alarm: rolling back to deploymentId ecs-svc/1. Alarms: backend-5xx"
    back = deployment("ecs-svc/3", began=clock("11:10"), brings=OLD_DEFINITION, reason=said)
    world = rolled_back("deployments alone", service=service(back))
    assert outcome(world) == "ROLLED_BACK"
    assert "backend-5xx" in words(judge_complete(world, waited=0))


@pytest.mark.parametrize("way", WAYS)
def test_a_breaker_without_rollback(way: Way) -> None:
    """The circuit breaker stopped the rollout and nothing was rolled back: FAILED, settled."""
    world = failed(way)
    assert outcome(world) == "FAILED"
    assert judge_complete(world, waited=0).status is Status.FAIL
    assert not still_awaited(world)


OTHERS: tuple[Task, ...] = (old_task("one"), old_task("two"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["failed", "rolled back", "in progress"])
def test_an_image_that_cannot_be_pulled_is_the_reason(way: Way, how: str) -> None:
    """The new tasks cannot pull their image: whatever ECS makes of it, the failure quotes the stopped reason."""
    tasks = (*OTHERS, never_pulled())
    world = {
        "failed": lambda: failed(way, tasks=tasks),
        "rolled back": lambda: rolled_back(way, tasks=tasks),
        "in progress": lambda: rolling(way, *tasks),
    }[how]()
    finding = judge_complete(world, waited=300)
    assert finding.status is Status.FAIL
    assert PULL_ERROR in words(finding)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["failed", "rolled back", "in progress"])
def test_a_crash_loop_shows_why_the_tasks_stopped(way: Way, how: str) -> None:
    """New tasks start and crash while old ones serve: stop code, container reason and exit code are in the failure."""
    tasks = (*OTHERS, crashed())
    world = {
        "failed": lambda: failed(way, tasks=tasks),
        "rolled back": lambda: rolled_back(way, tasks=tasks),
        "in progress": lambda: rolling(way, *tasks),
    }[how]()
    finding = judge_complete(world, waited=300)
    assert finding.status is Status.FAIL
    said = words(finding)
    assert "EssentialContainerExited" in said
    assert "OutOfMemoryError: Container killed" in said
    assert "137" in said


def test_old_tasks_that_were_told_to_stop_are_no_reason() -> None:
    """That ECS stopped old tasks during the rollout does not explain why the new ones failed."""
    told = old_task(
        "old-two",
        status="STOPPED",
        desired_status="STOPPED",
        stopped_at=clock("11:09"),
        stop_code="ServiceSchedulerInitiated",
        stopped_reason="Scaling activity initiated by deployment ecs-svc/2",
    )
    assert "Scaling activity" not in words(judge_complete(failed("service deployments", tasks=[told]), waited=0))


@pytest.mark.parametrize("way", WAYS)
def test_a_later_deployment_supersedes(way: Way) -> None:
    """v3 was deployed after the v2 expected: SUPERSEDED, not rolled back, with the later image named."""
    world = superseded(way)
    assert outcome(world) == "SUPERSEDED"
    finding = judge_complete(world, waited=0, verify="pytest --deploy-env=dev")
    assert finding.status is Status.FAIL
    assert LATER[:19] in finding.summary
    assert finding.remedy
    # The tag v3 may move, so that it is not the tag but the digest which names the image.
    assert finding.command == f"pytest --deploy-env=dev --deploy-image {LATER}"
    assert judge_complete(world, waited=0).command.startswith("aws ecs describe-services")
    assert not still_awaited(world)
    # A tag of its own names it more clearly.
    own = superseded(way, running_images=[replace(later_image(), tags=("v3", "v3.0.1"))])
    assert judge_complete(own, waited=0, verify="pytest").command == "pytest --deploy-image v3.0.1"


@pytest.mark.parametrize("way", WAYS)
def test_an_older_image_does_not_supersede(way: Way) -> None:
    """The tasks run an image pushed before the one expected: whatever rolled it out, nothing superseded anything."""
    pulled = found(OLD, named=reference("v1"), pushed_at=clock("08:00"), tags=("v1",))
    world = superseded(
        way,
        judged=[judged(pulled=pulled)],
        tasks=[task(name, OLD, by="ecs-svc/3") for name in ("one", "two")],
        running_images=[old_image()],
    )
    assert outcome(world) != "SUPERSEDED"


@pytest.mark.parametrize("way", WAYS)
def test_a_later_image_rolled_out_before_the_push_does_not_supersede(way: Way) -> None:
    """Only a rollout that began after the expected image was pushed can supersede it; else it was never started."""
    world = superseded(
        way,
        service=service(deployment("ecs-svc/3", began=OLD_ROLLOUT)),
        records=[record(3, began=OLD_ROLLOUT)],
    )
    assert outcome(world) == "NOT_STARTED"


@pytest.mark.parametrize("way", WAYS)
def test_a_definition_that_points_to_the_expected_image_is_not_superseded(way: Way) -> None:
    """The definition's own reference points to the expected image, and hosts run a later one: the rollout COMPLETED."""
    world = superseded(way, judged=[judged(pulled=found(NEW, named=reference("latest")))])
    assert outcome(world) == "COMPLETED"


def test_a_later_rollout_that_was_undone_leaves_the_image_in_place() -> None:
    """v3 was tried after v2 and rolled back: the tasks run the v2 expected, so its rollout holds."""
    world = superseded(
        "service deployments",
        records=[record(3, began=LATER_ROLLOUT, status="ROLLBACK_SUCCESSFUL"), record(2)],
        tasks=[task("one", by="ecs-svc/4"), task("two", by="ecs-svc/4")],
        running_images=[],
    )
    assert outcome(world) == "COMPLETED"


@pytest.mark.parametrize("action", ["ecs:DescribeServices"])
def test_a_rollout_that_may_not_be_described(action: str) -> None:
    """With neither the service nor its service deployments to be seen it is an error naming the action."""
    world = completed("deployments alone", service=None, problems={"service": denied(action)})
    finding = judge_complete(world, waited=0)
    assert finding.status is Status.ERROR
    assert action in finding.summary


def test_service_deployments_answer_where_the_service_may_not_be_described() -> None:
    """ecs:DescribeServices is denied and ECS's own record may be read: that answers, so it is no error."""
    world = completed(service=None, problems={"service": denied("ecs:DescribeServices")})
    finding = judge_complete(world, waited=0)
    assert finding.status is Status.PASS
    assert judge_rollout(world).desired is None


def test_denied_tasks_leave_another_image_unproven_as_an_error() -> None:
    """The image of a completed rollout is known only from the tasks: denied, that is an error."""
    world = completed(
        tasks=None,
        judged=[judged(pulled=found(OLD, named=reference("v1"), pushed_at=clock("08:00")))],
        problems={"tasks": denied("ecs:ListTasks")},
    )
    finding = judge_complete(world, waited=0)
    assert finding.status is Status.ERROR
    assert "ecs:ListTasks" in finding.summary


def test_a_denied_registry_is_no_pass_of_another_image() -> None:
    """The image named may not be looked up: that a rollout completed does not say it was one to that image."""
    world = completed(
        judged=[
            judged(Lookup(reference("v9"), problem=denied("ecr:DescribeImages")), pulled=found(named=reference("v2")))
        ]
    )
    assert judge_complete(world, waited=0).status is Status.ERROR


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_rollouts_that_ecs_does_not_keep_are_unproven(controller: str) -> None:
    """Another controller's rollouts are in no list of deployments: UNKNOWN, unproven, never a pass."""
    world = completed("deployments alone", service=service(controller=controller), problems={})
    assert outcome(world) == "UNKNOWN"
    finding = judge_complete(world, waited=0)
    assert finding.status is Status.UNPROVEN
    assert controller in finding.summary


def test_a_status_that_is_not_known_yet_is_unproven() -> None:
    """A status that AWS adds later is no pass and no crash: UNKNOWN."""
    world = completed(records=[record(status="SOMETHING_NEW")])
    assert outcome(world) == "UNKNOWN"
    assert judge_complete(world, waited=0).status is Status.UNPROVEN
    other = completed("deployments alone", service=service(deployment(state=None, reason="")))
    assert judge_complete(other, waited=0).status is Status.UNPROVEN


@pytest.mark.parametrize("way", WAYS)
def test_completed_without_all_tasks_is_not_settled(way: Way) -> None:
    """ECS says COMPLETED while a task is being replaced: the wait goes on until as many run as are desired."""
    world = completed(way, tasks=[task("one")])
    assert still_awaited(world)


def test_the_rollout_carries_the_services_events() -> None:
    """The events that ECS reported for the service can be read, the newest first."""
    said = (ServiceEvent(clock("11:09"), "steady state"), ServiceEvent(clock("11:06"), "started 2 tasks"))
    world = completed(service=service(deployment(), events=said))
    assert judge_rollout(world).events == said


@pytest.mark.parametrize("way", WAYS)
def test_tasks_that_run_the_image_outweigh_its_push_time(way: Way) -> None:
    """Tasks that run the image prove that its rollout completed, whenever the registry says it was pushed."""
    world = completed(way, judged=[judged(found(pushed_at=ROLLOUT + timedelta(hours=1)))])
    assert outcome(world) == "COMPLETED"


@pytest.mark.parametrize("way", WAYS)
def test_commands_are_safe_to_paste(way: Way) -> None:
    """A service with a shell's characters in its name is quoted in the command to type next."""
    world = never_restarted(way)
    assert world.service is not None
    odd = replace(world, service=replace(world.service, name="a;reboot"))
    assert "'a;reboot'" in judge_complete(odd, waited=0).command
