"""The outcome of a rollout in each way that ECS tells of it; beside what test_rollout_link.py promises."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from support.judging import (
    judge_complete,
    judge_rollout,
    judge_run_image,
    judge_running,
    judge_targets,
    rule,
    still_awaited,
)
from support.worlds import (
    BREAKER,
    LATER,
    LATER_DEFINITION,
    LATER_ROLLOUT,
    LATER_STARTED,
    NEW,
    OLD,
    OLD_DEFINITION,
    OLD_ROLLOUT,
    PUSHED,
    ROLLOUT,
    WAYS,
    Way,
    clock,
    completed,
    crashed,
    definition,
    deployment,
    draining,
    failed,
    found,
    judged,
    later_image,
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
from support.worlds_health import (
    CONTROLLERS,
    Controller,
    in_sets,
    of_service,
    old_set,
    old_tasks,
    stopped,
    task_set,
)

from pytest_deploycheck.facts.rollout import Pause
from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.finding import Status
from pytest_deploycheck.report.finding import explain_finding


def ends_as(world: ServiceFacts, outcome: Outcome, status: Status) -> str:
    """See that a world has this outcome, and return all that is said of it."""
    finding = judge_complete(world, waited=300)
    assert (rule(world).outcome, finding.status) == (outcome, status)
    assert judge_rollout(world).outcome is outcome
    if status is not Status.PASS:
        assert finding.remedy
    return explain_finding(finding)


def fails_as(world: ServiceFacts, outcome: Outcome) -> str:
    """See that a world fails with this outcome, and return all that is said of it."""
    return ends_as(world, outcome, Status.FAIL)


def is_waited_for(world: ServiceFacts) -> str:
    """Check that another poll may change a world, and return the awaited conditions."""
    awaited = still_awaited(world)
    assert awaited
    return "; ".join(awaited)


# Rolling.


@pytest.mark.parametrize("way", WAYS)
def test_what_is_left_of_the_old_tasks_keeps_a_rollout_going(way: Way) -> None:
    """All new tasks run, and ECS has yet to stop the old: it is waited for, and fails as IN_PROGRESS if they stay."""
    world = rolling(way, task("one"), task("two"), old_task("three"))
    assert is_waited_for(world) == "1 old task to stop"
    assert "waited 300 s for 1 old task to stop" in fails_as(world, Outcome.IN_PROGRESS)


@pytest.mark.parametrize("way", WAYS)
def test_a_rollout_that_only_ecs_has_to_declare_complete_is_waited_for(way: Way) -> None:
    """All new tasks run and the old are gone; until ECS reports the rollout as completed another poll may show it."""
    world = rolling(way, task("one"), task("two"))
    assert "ECS" in is_waited_for(world)
    assert "waited 300 s for ECS" in fails_as(world, Outcome.IN_PROGRESS)


@pytest.mark.parametrize("way", WAYS)
def test_pending_tasks_are_waited_for(way: Way) -> None:
    """A task on its way is none that runs."""
    world = rolling(way, task("one"), task("two", status="PENDING", started_at=None), old_task("three"))
    assert is_waited_for(world).startswith("1 of 2 new tasks to run")


@pytest.mark.parametrize("way", WAYS)
def test_old_tasks_that_drain_keep_nothing_waiting(way: Way) -> None:
    """Tasks told to stop serve out their connections, which may take minutes: the rollout is complete without them."""
    world = completed(way, tasks=[task("one"), task("two"), draining("three")])
    ends_as(world, Outcome.COMPLETED, Status.PASS)
    assert not still_awaited(world)


@pytest.mark.parametrize("way", WAYS)
def test_mixed_after_completed_is_for_the_tasks_to_tell(way: Way) -> None:
    """ECS is through, a task runs another digest: the rollout itself completed, and `tasks-run-image` fails."""
    odd = task("two", OLD)
    world = completed(way, tasks=[task("one"), odd], running_images=[old_image()])
    ends_as(world, Outcome.COMPLETED, Status.PASS)
    assert judge_run_image(world).status is Status.FAIL


@pytest.mark.parametrize("way", WAYS)
def test_a_tag_resolved_by_each_task_again_is_no_rollout(way: Way) -> None:
    """Without version consistency a task replaced after the push runs the new image, and still no rollout began."""
    world = never_restarted(way, tasks=[old_task("one"), task("two", by="ecs-svc/1", definition=OLD_DEFINITION)])
    fails_as(world, Outcome.NOT_STARTED)
    assert judge_run_image(world).status is Status.FAIL


@pytest.mark.parametrize("way", WAYS)
def test_a_pinned_digest_or_a_host_that_prefers_its_cache(way: Way) -> None:
    """A rollout after the push completed and every task runs the old digest: what is wrong is what the tasks run."""
    latest = reference("latest")
    pinned = never_restarted(
        way,
        service=service(deployment()),
        records=[record(), record(1, began=OLD_ROLLOUT)],
        revisions=[revision(2, OLD)],
        tasks=[task("one", OLD), task("two", OLD)],
        judged=[judged(found(named=latest, tags=("latest",)))],
    )
    ends_as(pinned, Outcome.COMPLETED, Status.PASS)
    assert judge_run_image(pinned).status is Status.FAIL


@pytest.mark.parametrize("way", WAYS)
def test_a_daemon_service_is_judged_alike(way: Way) -> None:
    """One task for each container instance, as many as there are now: complete when all of them run the image."""
    whole = completed(way, service=service(deployment(), desired=3, scheduling="DAEMON"))
    assert is_waited_for(whole) == "1 of 3 tasks to run"
    three = replace(whole, tasks=tuple(task(name) for name in ("one", "two", "three")))
    ends_as(three, Outcome.COMPLETED, Status.PASS)
    assert not still_awaited(three)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_desired_is_never_verified(way: Way) -> None:
    """A service scaled to zero completes whatever it is told: no check of its tasks or targets passes."""
    world = completed(way, service=service(deployment(), desired=0, running=0), tasks=[])
    assert judge_running(world).status is Status.FAIL
    assert judge_run_image(world).status is Status.UNPROVEN
    balanced = replace(world, service=replace(of_service(world), load_balancers=()))
    assert judge_targets(balanced).status is Status.SKIP
    assert not still_awaited(world)


@pytest.mark.parametrize("way", WAYS)
def test_a_service_that_is_being_deleted_is_unproven(way: Way) -> None:
    """ECS says COMPLETED of a service that it is draining: UNKNOWN, with the reason, and nothing to wait for."""
    whole = completed(way)
    world = replace(whole, service=replace(of_service(whole), status="DRAINING"))
    assert "being deleted" in ends_as(world, Outcome.UNKNOWN, Status.UNPROVEN)
    assert not still_awaited(world)


def test_a_controller_that_is_not_known_is_named() -> None:
    """A deployment controller that AWS adds later is UNKNOWN by its name."""
    world = completed("deployments alone", service=service(controller="SOMETHING_NEW"), problems={})
    assert "SOMETHING_NEW" in ends_as(world, Outcome.UNKNOWN, Status.UNPROVEN)


# Stages: blue/green, linear, canary, hooks.


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("SCALE_UP", "its tasks are being started"),
        ("TEST_TRAFFIC_SHIFT", "test traffic"),
        ("PRODUCTION_TRAFFIC_SHIFT", "production traffic is being shifted"),
        ("BAKE_TIME", "can be rolled back"),
        ("CLEAN_UP", "old tasks are being stopped"),
        ("A_STAGE_OF_TOMORROW", "A_STAGE_OF_TOMORROW"),
    ],
)
def test_each_stage_is_in_progress_and_says_what_it_means(strategy: str, stage: str, said: str) -> None:
    """Both colours run and the new one is healthy: until the last stage has passed it is IN_PROGRESS."""
    world = rolling(
        "service deployments",
        task("one"),
        task("two"),
        *old_tasks("three", "four"),
        records=[record(status="IN_PROGRESS", strategy=strategy, stage=stage)],
    )
    assert f"the stage {stage} to pass" in is_waited_for(world)
    assert said in fails_as(world, Outcome.IN_PROGRESS)


def test_a_bake_time_says_how_long_it_takes() -> None:
    """The wait that would have been enough is told: the bake time and some minutes."""
    baking = record(status="IN_PROGRESS", strategy="BLUE_GREEN", stage="BAKE_TIME", bake_minutes=10)
    text = fails_as(rolling("service deployments", task("one"), task("two"), records=[baking]), Outcome.IN_PROGRESS)
    assert "10 minutes" in text
    assert "--deploy-wait=15m" in text


def test_green_at_five_percent_says_its_share() -> None:
    """Healthy with a twentieth of the traffic is not complete; the share is told."""
    canary = record(status="IN_PROGRESS", strategy="CANARY", stage="PRODUCTION_TRAFFIC_SHIFT", production_weight=5.0)
    world = rolling("service deployments", task("one"), task("two"), *old_tasks("three", "four"), records=[canary])
    assert "5 % of the production traffic" in fails_as(world, Outcome.IN_PROGRESS)


def test_a_pause_says_at_which_hook_until_when_and_how_it_goes_on() -> None:
    """A rollout that waits for a person ends in no time of its own: the command that lets it go on is given."""
    pause = Pause("hook-1", expires_at=clock("12:05"), then="ROLLBACK")
    paused = record(status="IN_PROGRESS", stage="POST_TEST_TRAFFIC_SHIFT", pauses=(pause,))
    text = fails_as(rolling("service deployments", task("one"), task("two"), records=[paused]), Outcome.IN_PROGRESS)
    for said in ("hook-1", "12:05:00 UTC", "ROLLBACK", "continue-service-deployment", "--hook-id hook-1"):
        assert said in text


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("(service shop) (deployment ecs-svc/2) deployment completed.", Outcome.COMPLETED),
        ("(service shop) (deployment ecs-svc/2) deployment failed: tasks failed to start.", Outcome.FAILED),
        ("(service shop) (deployment ecs-svc/1) deployment completed.", Outcome.UNKNOWN),
    ],
)
def test_events_tell_where_ecs_keeps_no_state(message: str, outcome: Outcome) -> None:
    """Of other than rolling deployments ECS keeps no rollout state: the events of this very deployment tell."""
    said = [ServiceEvent(clock("11:09"), message)]
    world = completed("deployments alone", service=service(deployment(state=None, reason=""), events=said))
    assert rule(world).outcome is outcome


def test_another_colour_that_still_runs_is_in_progress() -> None:
    """Without a state and without an event an older deployment with tasks shows that the newer one is not through."""
    old = deployment("ecs-svc/1", status="ACTIVE", began=OLD_ROLLOUT, state=None, reason="", running=2)
    world = rolling(
        "deployments alone",
        task("one"),
        task("two"),
        *old_tasks("three"),
        service=service(deployment(state=None, reason=""), old),
    )
    fails_as(world, Outcome.IN_PROGRESS)
    assert is_waited_for(world)


# Rollbacks and failures.


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["rolled back", "failed", "superseded", "never restarted"])
def test_what_is_over_is_not_waited_for(way: Way, how: str) -> None:
    """Nothing that is still to come makes good a rollout that failed, was undone, replaced, or never began."""
    worlds = {
        "rolled back": rolled_back,
        "failed": failed,
        "superseded": superseded,
        "never restarted": never_restarted,
    }
    world = worlds[how](way)
    assert judge_complete(world, waited=0).status is Status.FAIL
    assert still_awaited(world) == []
    fewer = replace(world, tasks=(world.tasks or ())[:1])
    assert still_awaited(fewer) == []


def test_an_alarm_rollback_names_the_alarm_in_the_cause() -> None:
    """No task stopped by itself: what ended the rollout is the alarm, and it is called the cause."""
    world = rolled_back(
        "service deployments",
        records=[record(status="ROLLBACK_SUCCESSFUL", rollback_reason="Alarm.", alarms=("shop-5xx", "shop-latency"))],
    )
    finding = judge_complete(world, waited=0)
    assert "shop-5xx, shop-latency" in finding.cause
    assert "ROLLED_BACK" in finding.summary


def test_an_alarm_rollback_known_by_deployments_alone_names_the_services_alarms() -> None:
    """Without ECS's record it is not known which alarm it was: those that the service watches are named."""
    said = "ECS deployment ecs-svc/2 alarm triggered: rolling back to deploymentId ecs-svc/1."
    back = deployment("ecs-svc/3", began=clock("11:10"), brings=OLD_DEFINITION, reason=said)
    finding = judge_complete(rolled_back("deployments alone", service=service(back, alarms=("shop-5xx",))), waited=0)
    assert "An alarm of the service (shop-5xx) went into ALARM" in finding.cause
    breaker = judge_complete(
        rolled_back("deployments alone", service=service(replace(back, rollout_reason=BREAKER), alarms=("shop-5xx",))),
        waited=0,
    )
    assert "alarm" not in breaker.cause


@pytest.mark.parametrize("listed", [True, False])
def test_a_rollback_keeps_the_id_and_time_of_what_was_undone(listed: bool) -> None:  # noqa: FBT001 - a case of the test
    """The reported rollout is the one that failed, not the rollback from it; its own tasks still name it."""
    back = deployment(
        "ecs-svc/3", began=clock("11:10"), brings=OLD_DEFINITION, reason="rolling back to deploymentId ecs-svc/1."
    )
    gone = [deployment(status="ACTIVE", state="FAILED")] if listed else []
    world = rolled_back("deployments alone", service=service(back, *gone), tasks=(*old_tasks("one", "two"), crashed()))
    rollout = judge_rollout(world)
    assert rollout.id == "ecs-svc/2"
    assert rollout.started_at in (ROLLOUT, clock("11:06"))


@pytest.mark.parametrize("way", WAYS)
def test_a_later_rollout_in_progress_is_reported_to_bring_another_image(way: Way) -> None:
    """While v3 replaces the expected v2 it is not known what becomes of it: IN_PROGRESS, and told what it brings."""
    world = superseded(
        way,
        service=service(deployment("ecs-svc/3", state="IN_PROGRESS", began=LATER_ROLLOUT, brings=LATER_DEFINITION)),
        records=[record(3, began=LATER_ROLLOUT, status="IN_PROGRESS"), record(2)],
        tasks=[task("one"), task("three", LATER, started_at=LATER_STARTED, by="ecs-svc/3")],
        running_images=[later_image()],
    )
    text = fails_as(world, Outcome.IN_PROGRESS)
    assert is_waited_for(world)
    if way == "service deployments":
        assert f"it brings {LATER[:19]}, not the expected image" in text


@pytest.mark.parametrize("status", ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"])
def test_a_later_rollout_that_is_being_rolled_back_is_not_over(status: str) -> None:
    """All tasks run the expected image while ECS goes back from a later one: that it lasts is not known yet."""
    world = superseded(
        "service deployments",
        records=[record(3, began=LATER_ROLLOUT, status=status), record(2)],
        tasks=[task("one"), task("two")],
        running_images=[],
    )
    fails_as(world, Outcome.ROLLED_BACK)


def test_a_rollout_that_may_not_be_read_has_a_reason() -> None:
    """Neither ECS's record nor the service may be read: UNKNOWN, as the credentials lack the right to."""
    ruling = rule(completed("deployments alone", service=None))
    assert (ruling.outcome, ruling.reason) == (
        Outcome.UNKNOWN,
        "the credentials may not read the service's rollouts",
    )


@pytest.mark.parametrize(
    ("state", "outcome", "status"),
    [
        ("FAILED", Outcome.UNKNOWN, Status.UNPROVEN),
        ("IN_PROGRESS", Outcome.IN_PROGRESS, Status.FAIL),
        ("COMPLETED", Outcome.COMPLETED, Status.PASS),
        (None, Outcome.COMPLETED, Status.PASS),
    ],
)
def test_a_record_that_the_deployment_contradicts(state: str | None, outcome: Outcome, status: Status) -> None:
    """A successful record proves nothing beside a PRIMARY deployment that failed or goes on, where it has a state."""
    world = completed("service deployments", service=service(deployment(state=state)))
    text = ends_as(world, outcome, status)
    if status is not Status.PASS:
        assert f"it reports {state} for deployment ecs-svc/2" in text


def test_a_list_of_records_that_lags_behind_is_not_believed() -> None:
    """The PRIMARY deployment began after the newest record ended: what the record says is of the rollout before."""
    world = rolling(
        "service deployments",
        task("one"),
        old_task("two"),
        records=[record(1, began=OLD_ROLLOUT, finished_at=OLD_ROLLOUT + timedelta(minutes=5))],
    )
    fails_as(world, Outcome.IN_PROGRESS)
    assert judge_rollout(world).id == "ecs-svc/2"


@pytest.mark.parametrize("way", WAYS)
def test_a_recreated_service_is_known_by_its_new_deployments(way: Way) -> None:
    """The service was deleted and made again after the push, with the expected image: its one rollout is this."""
    world = completed(way, service=service(deployment("ecs-svc/9")), records=[record(9)])
    assert judge_rollout(world).id == "ecs-svc/9"
    ends_as(world, Outcome.COMPLETED, Status.PASS)


@pytest.mark.parametrize(("waited", "advised"), [(0, 10), (300, 10), (1200, 40)])
def test_a_longer_wait_is_advised_than_there_was(waited: int, advised: int) -> None:
    """After a wait of twenty minutes the advice is not to wait for ten."""
    finding = judge_complete(rolling("service deployments", task("one"), old_task("two")), waited=waited)
    assert f"--deploy-wait={advised}m" in finding.remedy


def test_an_event_that_is_the_cause_is_reported_once() -> None:
    """The complaint in the service's events is the likely cause, and no note repeats it."""
    world = rolling(
        "service deployments", old_task("one"), service=service(deployment(state="IN_PROGRESS"), events=UNPLACED)
    )
    finding = judge_complete(world, waited=300)
    assert "unable to place a task" in finding.cause
    assert not any("unable to place" in note for note in finding.notes)
    other = replace(world, service=service(deployment(state="IN_PROGRESS"), events=(STEADY, *UNPLACED)))
    finding = judge_complete(other, waited=300)
    assert "unable to place a task" in finding.cause
    assert any("steady state" in note for note in finding.notes)


STEADY = ServiceEvent(clock("11:12"), "(service shop) has reached a steady state.")
UNPLACED = (ServiceEvent(clock("11:09"), "(service shop) was unable to place a task."),)


# Task sets.


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_primary_task_set_that_is_steady_and_alone_is_complete(controller: Controller) -> None:
    """It serves production, its tasks run, and nothing of the old one does: COMPLETED."""
    world = in_sets(task_set(), old_set("DRAINING", running=0), tasks=[task("one"), task("two")], controller=controller)
    ends_as(world, Outcome.COMPLETED, Status.PASS)
    assert not still_awaited(world)
    rollout = judge_rollout(world)
    assert (rollout.id, rollout.started_at) == ("ecs-svc/2", ROLLOUT)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_primary_task_set_beside_the_old_one_is_in_progress(controller: Controller) -> None:
    """The controller keeps the old tasks to go back to: it is waited for until they are gone."""
    world = in_sets(
        task_set(), old_set(), tasks=[task("one"), task("two"), *old_tasks("three", "four")], controller=controller
    )
    assert f"{controller} can roll back" in fails_as(world, Outcome.IN_PROGRESS)
    assert is_waited_for(world) == "2 old tasks to stop"


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_task_set_that_does_not_serve_yet_is_in_progress(controller: Controller) -> None:
    """Green is up and blue serves: IN_PROGRESS, and green's tasks are not taken for old ones."""
    world = in_sets(
        task_set(status="ACTIVE"),
        old_set("PRIMARY"),
        tasks=[task("one"), task("two"), *old_tasks("three")],
        controller=controller,
    )
    assert "does not serve production yet" in fails_as(world, Outcome.IN_PROGRESS)
    assert is_waited_for(world) == "1 old task to stop"


def test_a_primary_task_set_that_is_not_steady_is_in_progress() -> None:
    """It serves production with some of its tasks: IN_PROGRESS."""
    world = in_sets(task_set(running=1, pending=1, is_steady=False), tasks=[task("one")])
    assert "not steady yet" in fails_as(world, Outcome.IN_PROGRESS)
    assert is_waited_for(world) == "1 of 2 new tasks to run"


def test_a_task_set_that_is_stopped_again_was_rolled_back() -> None:
    """The newest task set drains while the old one serves production: ROLLED_BACK, and over."""
    world = in_sets(task_set(status="DRAINING", running=0), old_set("PRIMARY"), tasks=old_tasks("one", "two"))
    assert "an older one serves production" in fails_as(world, Outcome.ROLLED_BACK)
    assert not still_awaited(world)


def test_a_task_set_that_is_gone_is_known_by_its_stopped_tasks() -> None:
    """CodeDeploy took the new task set away: its tasks, newer than the one that serves, still tell of it."""
    world = in_sets(old_set("PRIMARY"), tasks=[*old_tasks("one", "two"), crashed()])
    assert "ecs-svc/2" in fails_as(world, Outcome.ROLLED_BACK)
    assert judge_rollout(world).id == "ecs-svc/2"


@pytest.mark.parametrize("by", ["", "ops-laptop"])
def test_a_task_run_by_hand_is_no_task_set_that_is_gone(by: str) -> None:
    """A person tried the new definition by hand: nothing was rolled out, so nothing was rolled back."""
    world = in_sets(old_set("PRIMARY"), tasks=[*old_tasks("one", "two"), stopped(name="hand", by=by)])
    fails_as(world, Outcome.NOT_STARTED)


def test_an_old_task_set_after_the_push_never_started() -> None:
    """Nobody told the controller of the new image: NOT_STARTED."""
    world = in_sets(old_set("PRIMARY"), tasks=old_tasks("one", "two"))
    fails_as(world, Outcome.NOT_STARTED)


def test_a_later_task_set_supersedes() -> None:
    """Another image was deployed after the one expected: SUPERSEDED, with task sets as well."""
    later = task_set("ecs-svc/3", began=LATER_ROLLOUT, brings=LATER_DEFINITION)
    v3 = reference("v3")
    world = in_sets(
        later,
        tasks=[task(name, LATER, started_at=LATER_STARTED, by="ecs-svc/3") for name in ("one", "two")],
        judged=[judged(pulled=found(LATER, named=v3, pushed_at=LATER_ROLLOUT - timedelta(minutes=5), tags=("v3",)))],
        running_images=[later_image()],
        definitions=[definition(LATER_DEFINITION, named=str(v3))],
    )
    fails_as(world, Outcome.SUPERSEDED)


def test_a_task_set_in_a_status_not_known_yet_is_unproven() -> None:
    """A status that AWS adds later is neither a pass nor a failure."""
    world = in_sets(task_set(status="SOMETHING_NEW"), tasks=[task("one"), task("two")])
    ends_as(world, Outcome.UNKNOWN, Status.UNPROVEN)


# A check that is in error.


@pytest.mark.parametrize("way", WAYS)
def test_a_tag_that_is_pushed_again_during_the_rollout(way: Way) -> None:
    """The image was pushed after the rollout began and the tasks do not say what they run: that is unproven."""
    world = completed(
        way,
        tasks=[task("one", None), task("two", None)],
        judged=[judged(found(NEW, pushed_at=ROLLOUT + timedelta(minutes=1)))],
    )
    # They started after the push, so that they may run it.
    late = replace(world, tasks=tuple(replace(one, started_at=clock("11:30")) for one in world.tasks or ()))
    assert PUSHED < ROLLOUT
    ends_as(late, Outcome.UNKNOWN, Status.UNPROVEN)


def test_a_service_without_any_deployment_has_no_known_rollout() -> None:
    """ECS lists none: the outcome is not known, and it is said that nothing was listed."""
    ruling = rule(completed(service=service(), records=[], revisions=[]))
    assert ruling.outcome is Outcome.UNKNOWN
    assert ruling.reason == "ECS lists no deployment of the service"


def test_running_tasks_that_were_not_listed_are_counted() -> None:
    """The service counts more tasks than ECS listed; where one of the two is not known, none is said to be missing."""
    assert completed(counted=5).unlisted == 3
    assert completed().unlisted == 0
    assert completed(tasks=None, counted=5).unlisted == 0
    assert completed(service=None).unlisted == 0
