"""Rollouts that are easily taken for what they are not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from support.judging import (
    judge_alarms,
    judge_complete,
    judge_containers,
    judge_error_rate,
    judge_still_newest,
    newest_rollout,
    rule,
    still_awaited,
)
from support.worlds import (
    BREAKER,
    LATER,
    LATER_ROLLOUT,
    OLD,
    OLD_DEFINITION,
    OLD_ROLLOUT,
    ROLLOUT,
    clock,
    completed,
    crashed,
    denied,
    deployment,
    found,
    judged,
    old_image,
    old_task,
    record,
    reference,
    revision,
    rolled_back,
    rolling,
    service,
    task,
)
from support.worlds_health import alarm, baseline, change, checked_definition, traffic, watched

from pytest_deploycheck.config.settings import ErrorRate
from pytest_deploycheck.judge.finding import Status

BACK = deployment("ecs-svc/3", began=clock("11:10"), brings=OLD_DEFINITION, reason=BREAKER)


def test_the_way_back_is_not_the_record_of_before() -> None:
    """The list of records lags and the PRIMARY deployment is a way back: the record before it does not pass for it."""
    done = record(1, began=OLD_ROLLOUT, finished_at=clock("08:10"))
    world = completed(service=service(BACK), records=[done], revisions=[revision(1, OLD, brings=OLD_DEFINITION)])
    assert judge_complete(world, waited=0).status is Status.FAIL


def test_what_earlier_rollouts_brought_is_not_reported_for_the_newest() -> None:
    """The list of records lags: that the two before brought the same digest does not mean that this one did."""
    before = [
        record(2, began=OLD_ROLLOUT, finished_at=clock("08:10")),
        record(1, began=clock("07:00"), finished_at=clock("07:05")),
    ]
    world = completed(records=before, revisions=[revision(2, OLD), revision(1, OLD)])
    assert judge_complete(world, waited=0).notes == ()
    same = completed(revisions=[revision(2, OLD), revision(1, OLD)])
    assert any("nothing new was shipped" in note for note in judge_complete(same, waited=0).notes)


def test_a_rollout_that_takes_anothers_place_is_not_that_one() -> None:
    """The one before was stopped as the next began, and only its record is listed yet: nothing failed, it is waited."""
    stopped = record(2, status="STOPPED", finished_at=clock("11:10:02"))
    world = rolling(
        "service deployments",
        task("one"),
        task("two"),
        records=[stopped],
        service=service(deployment("ecs-svc/3", state="IN_PROGRESS", began=clock("11:10"))),
    )
    assert rule(world).outcome == "IN_PROGRESS"
    assert still_awaited(world)


def test_a_task_that_was_lost_before_is_not_what_was_undone() -> None:
    """The deployment that is gone back to had lost a task to Spot: what was rolled back is the other one."""
    lost = old_task("lost", status="STOPPED", desired_status="STOPPED", stopped_at=clock("10:40"))
    gone_back_to = replace(lost, stop_code="SpotInterruption", started_by="ecs-svc/1")
    world = rolled_back(
        "deployments alone",
        service=service(BACK),
        tasks=[old_task("one", by="ecs-svc/3"), old_task("two", by="ecs-svc/3"), gone_back_to, crashed()],
    )
    newest = newest_rollout(world)
    assert newest is not None
    assert (newest.id, rule(world).outcome) == ("ecs-svc/2", "ROLLED_BACK")


def test_a_way_back_that_failed_did_not_undo_itself() -> None:
    """The way back is FAILED too: the deployment that was rolled back is another one."""
    world = rolled_back("deployments alone", service=service(replace(BACK, rollout_state="FAILED")))
    assert world.service is not None
    assert world.service.undone(world.tasks or ()) is None


def test_a_rollout_that_began_before_the_push_was_through() -> None:
    """The service was updated seconds before the push ended, and ECS resolved the tag to it: that is its rollout."""
    pushed_late = found(pushed_at=ROLLOUT + timedelta(seconds=30))
    world = rolling("service deployments", old_task("one"), old_task("two"), judged=[judged(pushed_late)])
    assert rule(world).outcome == "IN_PROGRESS"
    assert still_awaited(world)
    untold = rolling("deployments alone", old_task("one"), old_task("two"), judged=[judged(pushed_late)])
    assert rule(untold).outcome == "IN_PROGRESS"


def test_a_baseline_that_was_taken_too_late() -> None:
    """A report made while the rollout was under way already does not say that none began since."""
    late = baseline(seen="11:06", rollout="ecs-svc/2", began=ROLLOUT, is_settled=False)
    world = completed(tasks=[old_task("one"), old_task("two")], running_images=[old_image()])
    assert rule(replace(world, baseline=late)).outcome != "NOT_STARTED"


def test_a_later_rollout_was_rolled_back_to_the_expected_image() -> None:
    """Told by deployments alone as well, the tasks run the expected image, and another was undone."""
    pulled = found(LATER, named=reference("v3"))
    world = completed(
        "deployments alone",
        service=service(deployment("ecs-svc/4", began=LATER_ROLLOUT, reason=BREAKER.replace("svc/1", "svc/2"))),
        tasks=[task("one", by="ecs-svc/4"), task("two", by="ecs-svc/4")],
        judged=[judged(pulled=pulled)],
    )
    assert rule(world).outcome == "COMPLETED"


def test_who_rolled_back_is_known_by_ecs() -> None:
    """A rollback that a user requested is no sign that tasks did not stay up."""
    asked = record(status="ROLLBACK_SUCCESSFUL", rollback_reason="Service deployment rolled back by user request.")
    finding = judge_complete(rolled_back("service deployments", records=[asked]), waited=0)
    assert "by user request" in finding.cause
    rang = record(status="ROLLBACK_SUCCESSFUL", rollback_reason="Alarm detected.", alarms=("shop-5xx",))
    spot = replace(crashed(), stop_code="SpotInterruption")
    finding = judge_complete(rolled_back("service deployments", records=[rang], tasks=[spot]), waited=0)
    assert "shop-5xx" in finding.cause


def test_the_push_that_came_too_late_is_quoted() -> None:
    """Of two containers the one whose image was pushed after the rollout is what the times are about."""
    early = judged(found(pushed_at=clock("08:00")))
    late = judged(found(pushed_at=clock("11:30")), container="web")
    world = completed(judged=[early, late], tasks=[old_task("one")], running_images=[old_image()], revisions=[])
    assert "11:30:00" in rule(world).reason


def test_another_rollout_of_the_same_image_is_another_one() -> None:
    """The logs that were read were those of the earlier tasks: the run proves nothing of the tasks after them."""
    before = completed()
    now = completed(
        service=service(deployment("ecs-svc/3", began=LATER_ROLLOUT)),
        records=[record(3, began=LATER_ROLLOUT), record()],
        revisions=[revision(3), revision()],
    )
    passed = judge_complete(now, waited=0)
    assert passed.status is Status.PASS
    finding = judge_still_newest(before, now, passed)
    assert finding.status is Status.UNPROVEN
    assert "11:25:00" in finding.summary
    assert judge_still_newest(before, completed(), judge_complete(before, waited=0)).status is Status.PASS
    throttled = completed("deployments alone", service=service(deployment(began=ROLLOUT + timedelta(seconds=2))))
    assert judge_still_newest(before, throttled, judge_complete(throttled, waited=0)).status is Status.PASS


def test_alarms_are_not_ok_since_nobody_knows_when() -> None:
    """If no rollout may be looked at, OK now is not OK since the rollout."""
    unseen = replace(watched(alarm()), service=None, service_deployments=None)
    assert judge_alarms(unseen, ["shop-5xx"]).status is Status.UNPROVEN


def test_an_alarm_is_not_reported_to_be_older_than_the_rollout() -> None:
    """In ALARM since after the rollout began, with its history denied: nothing is said of before."""
    later = judge_alarms(watched(alarm(state="ALARM", since=clock("11:30"), changes=None)), ["shop-5xx"])
    earlier = judge_alarms(watched(alarm(state="ALARM", since=clock("10:30"))), ["shop-5xx"])
    assert "from before" not in later.summary
    assert "before the rollout began" in earlier.summary
    rang = judge_alarms(watched(alarm("shop-5xx", "OK", change("11:20", "OK", "ALARM"))), ["shop-5xx"])
    assert rang.status is Status.FAIL


def test_a_metric_that_never_counted_anything() -> None:
    """No errors by a metric of one's own that nothing was ever counted by: its name may be wrong."""
    quiet = traffic(200, 0)
    world = completed(health=replace(completed().health, traffic=replace(quiet, is_metric_known=False)))
    finding = judge_error_rate(world, ErrorRate(0.01))
    assert finding.status is Status.UNPROVEN
    assert quiet.counted in finding.summary
    known = completed(health=replace(completed().health, traffic=quiet))
    assert judge_error_rate(known, ErrorRate(0.01)).status is Status.PASS


@pytest.mark.parametrize("running", [[], [old_task("one", OLD)]])
def test_requests_that_no_new_task_answered(running: list[object]) -> None:
    """Without a task that runs the image all the requests were answered by others."""
    answered = replace(completed().health, traffic=traffic(200, 0))
    world = completed(tasks=running, running_images=[old_image()], health=answered)
    assert judge_error_rate(world, ErrorRate(0.01)).status is Status.UNPROVEN


def test_a_health_check_that_is_hidden_with_its_definition() -> None:
    """UNKNOWN of a task whose definition is denied may be a check without a result yet: an error, no skip."""
    world = completed(definitions=[], problems={"definition": denied("ecs:DescribeTaskDefinition")})
    assert judge_containers(world).status is Status.ERROR
    assert judge_containers(completed(definitions=[checked_definition()])).status is Status.UNPROVEN
