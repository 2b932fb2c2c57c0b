from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

import botocore.session
import pytest

from pytest_deploycheck.sandbox import SandboxContainer, stops

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import BetweenPolls

    from pytest_deploycheck.sandbox import SandboxRollout, SandboxService
    from pytest_deploycheck.sandbox.world.ecs.deployment import Stage
    from verification.conftest import Room

DENIALS = {"all permitted": "", "records denied": "ecs:DescribeServiceDeployments"}


@pytest.fixture(params=list(DENIALS.values()), ids=list(DENIALS))
def denied(request: pytest.FixtureRequest, room: Room) -> str:
    """Return an operation that is denied, if one is: each outcome is named without ECS's own records as well."""
    if request.param:
        room.aws.deny(request.param)
    return str(request.param)


def says_so(room_notes: tuple[str, ...], denied: str) -> bool:
    """Say whether notes tell of a degraded answer where, and only where, an operation is denied."""
    told = [note for note in room_notes if "judged by the deployments of the service alone" in note]
    return [denied in note for note in told] == ([True] if denied else [])


STRATEGIES = {
    name: {"strategy": name.upper().replace("-", "_")} for name in ("rolling", "blue-green", "linear", "canary")
}
"""A service of each strategy: its name and its settings."""


def test_a_completed_rollout_of_each_strategy(room: Room, denied: str) -> None:
    """COMPLETED, however the traffic came to the new tasks, and whoever tells."""
    for service in room.shops(STRATEGIES, STRATEGIES, desired=2).values():
        service.roll_out(at=room.ago(8))
    all_seen = room.verify_each(STRATEGIES)
    for name in STRATEGIES:
        seen = all_seen.of(name)
        found = seen.finding("rollout-complete")
        assert (seen.outcome, found.status, seen.statuses["tasks-run-image"]) == ("COMPLETED", "pass", "pass"), name
        assert says_so(found.notes, denied), name


def test_a_rollout_of_each_strategy_that_goes_on(room: Room, denied: str) -> None:
    """IN_PROGRESS while old tasks run beside the new, and the wait says how many it waits for."""
    for service in room.shops(STRATEGIES, STRATEGIES, desired=2).values():
        service.roll_out(at=room.ago(2), status="IN_PROGRESS", new_running=1)
    all_seen = room.verify_each(STRATEGIES)
    for name in STRATEGIES:
        seen = all_seen.of(name)
        found = seen.finding("rollout-complete")
        assert (seen.outcome, found.status, seen.broken_link) == ("IN_PROGRESS", "fail", "rollout"), name
        assert "1 of 2 new tasks to run" in found.summary, name
        assert "2 old tasks to stop" in found.summary, name
        assert says_so(found.notes, denied), name


def test_a_rollback_of_each_strategy(room: Room, denied: str) -> None:
    """ROLLED_BACK with the reason of the tasks that crashed, never COMPLETED because the service is stable."""
    for service in room.shops(STRATEGIES, STRATEGIES, desired=2).values():
        rollout = service.roll_out(at=room.ago(8), status="IN_PROGRESS", new_running=0)
        rollout.crash(3, **stops.OUT_OF_MEMORY, at=room.ago(6))
        rollout.fail(at=room.ago(6), crashes=0)
        service.roll_back(at=room.ago(5))
    all_seen = room.verify_each(STRATEGIES)
    for name in STRATEGIES:
        seen = all_seen.of(name)
        found = seen.finding("rollout-complete")
        assert (seen.outcome, found.status) == ("ROLLED_BACK", "fail"), name
        assert "3 new tasks stopped" in found.cause, name
        assert "OutOfMemoryError" in found.cause, name
        assert says_so(found.notes, denied), name


def test_a_rollback_by_alarm_of_each_strategy(room: Room, denied: str) -> None:
    """ROLLED_BACK, and the alarm is named: by the record of the rollout, or by the service's own settings."""
    strategies = {name: {**own, "alarms": [f"{name}-5xx"]} for name, own in STRATEGIES.items()}
    for name, service in room.shops(STRATEGIES, strategies, desired=2).items():
        service.roll_out(at=room.ago(8), status="IN_PROGRESS", new_running=2)
        service.roll_back(at=room.ago(5), reason="alarm", alarms=[f"{name}-5xx"])
    all_seen = room.verify_each(STRATEGIES)
    for name in STRATEGIES:
        seen = all_seen.of(name)
        found = seen.finding("rollout-complete")
        assert seen.outcome == "ROLLED_BACK", name
        assert f"{name}-5xx" in found.summary, name
        assert says_so(found.notes, denied), name


class At(NamedTuple):
    """The state of a rollout.

    Attributes:
        stage: The stage of its life.
        telling: What the message says of it.
        weight: The percent of the traffic that go to it, where that is not all or nothing.
    """

    stage: Stage
    telling: str
    weight: float | None = None


STAGES = {
    "before-its-tasks-start": At("PRE_SCALE_UP", "its tasks are not started yet"),
    "a-canary-of-5-percent": At("PRODUCTION_TRAFFIC_SHIFT", "5 % of the production traffic goes to it", 5.0),
    "half-of-the-traffic": At("PRODUCTION_TRAFFIC_SHIFT", "50 % of the production traffic goes to it", 50.0),
    "test-traffic": At("POST_TEST_TRAFFIC_SHIFT", "it has the test traffic, and the old tasks serve"),
    "bake-time": At("BAKE_TIME", "the bake time is 15 minutes"),
    "clean-up": At("CLEAN_UP", "the old tasks are being stopped"),
}
"""A service in each stage: its name and the stage."""


def test_each_stage_in_which_all_new_tasks_are_healthy(room: Room) -> None:
    """IN_PROGRESS though each new task runs and is healthy: the stage, and what of the traffic it has, are told."""
    groups = {name: {"target_groups": [f"{name}-b"], "alternate_target_groups": [f"{name}-g"]} for name in STAGES}
    services = room.shops(STAGES, groups, desired=2, strategy="CANARY", bake_minutes=15)
    for name, where in STAGES.items():
        rollout = services[name].roll_out(at=room.ago(2), status="IN_PROGRESS", new_running=2)
        rollout.stage, rollout.production_weight = where.stage, where.weight
    all_seen = room.verify_each(STAGES)
    for name, where in STAGES.items():
        seen = all_seen.of(name)
        found = seen.finding("rollout-complete")
        assert (seen.outcome, found.status) == ("IN_PROGRESS", "fail"), name
        assert where.stage in found.summary, name
        assert where.telling in found.summary, name


def test_the_remedy_during_the_bake_time(room: Room) -> None:
    """It is told how long to wait."""
    service = room.shop(desired=1, strategy="BLUE_GREEN", bake_minutes=15)
    service.roll_out(at=room.ago(2), status="IN_PROGRESS").stage = "BAKE_TIME"
    found = room.verify().finding("rollout-complete")
    assert "--deploy-wait=20m" in found.remedy


def test_a_pause_hook(room: Room) -> None:
    """IN_PROGRESS until a user continues it: the command that does, as the AWS CLI takes it."""
    service = room.shop(desired=1, strategy="BLUE_GREEN")
    rollout = service.roll_out(at=room.ago(2), status="IN_PROGRESS")
    rollout.paused_at = "POST_TEST_TRAFFIC_SHIFT"
    seen = room.verify()
    found = seen.finding("rollout-complete")
    assert seen.outcome == "IN_PROGRESS"
    assert "paused" in found.cause
    words = shlex.split(found.command)
    assert words[:3] == ["aws", "ecs", "continue-service-deployment"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert given["--service-deployment-arn"] == rollout.deployment_arn
    assert given["--hook-id"] == rollout.pause_id
    shape = botocore.session.get_session().get_service_model("ecs").operation_model("ContinueServiceDeployment")
    required = {f"--{''.join(f'-{c.lower()}' if c.isupper() else c for c in name)}" for name in _required(shape)}
    assert required <= given.keys()


def test_a_pause_that_ends_while_it_is_waited_for(room: Room, between_polls: BetweenPolls) -> None:
    """Once a user continues it, the wait ends with its good end."""
    service = room.shop(desired=1, strategy="BLUE_GREEN")
    rollout = service.roll_out(at=room.ago(2), status="IN_PROGRESS")
    rollout.paused_at = "POST_TEST_TRAFFIC_SHIFT"
    with between_polls(room.aws, rollout.complete):
        seen = room.verify(wait="30s")
    assert (seen.outcome, seen.statuses["tasks-run-image"]) == ("COMPLETED", "pass")


def _required(operation: Any) -> list[str]:
    return list(operation.input_shape.required_members)


def set_apart(service: SandboxService, room: Room) -> SandboxRollout:
    """Begin a rollout in a task set of its own, which runs in full but does not serve."""
    return service.roll_out(at=room.ago(8), status="IN_PROGRESS", new_running=2)


def _waits(service: SandboxService, room: Room) -> None:
    set_apart(service, room)


def _shifted(service: SandboxService, room: Room) -> None:
    set_apart(service, room).shift_traffic(at=room.ago(5))


def _unsteady(service: SandboxService, room: Room) -> None:
    rollout = service.roll_out(at=room.ago(8), status="IN_PROGRESS", new_running=1, new_pending=1)
    rollout.shift_traffic(at=room.ago(5))


def _completed(service: SandboxService, room: Room) -> None:
    service.roll_out(at=room.ago(8))


def _failed(service: SandboxService, room: Room) -> None:
    service.roll_out(at=room.ago(8), status="FAILED")


def _went_back(service: SandboxService, room: Room) -> None:
    set_apart(service, room).shift_traffic(at=room.ago(6))
    service.roll_back(at=room.ago(5), reason="alarm", alarms=["5xx"])


def _nothing(service: SandboxService, room: Room) -> None:
    assert service.rollout.created_at < room.ago(10)


TASK_SETS: dict[str, tuple[Callable[[SandboxService, Room], None], str, str]] = {
    "no-new-one": (_nothing, "NOT_STARTED", "before that"),
    "one-that-does-not-serve": (_waits, "IN_PROGRESS", "does not serve production yet"),
    "one-that-serves-beside-the-old": (_shifted, "IN_PROGRESS", "the old tasks still run"),
    "one-that-is-not-steady": (_unsteady, "IN_PROGRESS", "is not steady yet"),
    "one-that-serves-alone": (_completed, "COMPLETED", "it alone serves production, and is steady"),
    "one-that-failed": (_failed, "ROLLED_BACK", "was removed again"),
    "one-that-served-and-was-taken-back": (_went_back, "ROLLED_BACK", "was removed again"),
}
"""A service for each fate of its newest task set: its name, how it came about, the outcome and what is said of it."""


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_each_fate_of_a_task_set(room: Room, controller: str) -> None:
    """If another controller than ECS carries rollouts out, its task sets tell how far the newest one is."""
    services = room.shops(TASK_SETS, desired=2, controller=controller)
    for name, (happen, *_) in TASK_SETS.items():
        happen(services[name], room)
    all_seen = room.verify_each(TASK_SETS)
    for name, (_, outcome, telling) in TASK_SETS.items():
        seen = all_seen.of(name)
        found = seen.finding("rollout-complete")
        assert (seen.outcome, telling in found.summary) == (outcome, True), (name, found.summary)
        assert found.status == ("pass" if outcome == "COMPLETED" else "fail"), name
    assert not any("ServiceDeployment" in operation for operation in all_seen.asked)


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_a_task_set_that_replaced_an_older_one(room: Room, controller: str) -> None:
    """The tasks of the set before, gone like those of one that was taken back, are no rollback."""
    service = room.shop(desired=2, controller=controller)
    rollout = service.roll_out(at=room.ago(8), status="IN_PROGRESS", new_running=2)
    older = next(task for task in service.running_tasks if task.started_by != rollout.id)
    service.replace_task(older, at=room.ago(6))
    rollout.complete(at=room.ago(5))
    assert room.verify().outcome == "COMPLETED"
    assert room.verify(image="shop:1").outcome != "ROLLED_BACK"


def test_a_task_set_that_comes_to_serve_while_it_is_waited_for(room: Room, between_polls: BetweenPolls) -> None:
    """The wait goes on until the new task set serves alone."""
    rollout = set_apart(room.shop(desired=2, controller="CODE_DEPLOY"), room)
    with between_polls(room.aws, rollout.shift_traffic, rollout.complete):
        seen = room.verify(wait="30s")
    assert (seen.outcome, seen.statuses["tasks-run-image"]) == ("COMPLETED", "pass")


def test_a_scale_out_after_the_push(room: Room, denied: str) -> None:
    """Tasks that start after the push get the digest of the last rollout: NOT_STARTED, and why that is so."""
    room.shop(desired=1).scale(3, at=room.ago(2))
    seen = room.verify()
    found = seen.finding("tasks-run-image")
    assert (seen.outcome, found.status) == ("NOT_STARTED", "fail")
    assert "3 of 3 tasks run" in found.summary
    assert "when the last rollout began" in found.cause
    assert says_so(seen.finding("rollout-complete").notes, denied)


def each_resolves_for_itself(room: Room) -> SandboxService:
    """Return a service whose definition switches version consistency off; `shop:2` was pushed since."""
    room.aws.push_image("shop:1", {"app": "1"}, tags=["latest"], at=room.ago(90))
    container = SandboxContainer(name="app", image="shop:latest", resolve_once=False)
    service = room.aws.create_service("shop", cluster="shop", containers=[container], desired=2, at=room.ago(60))
    room.aws.push_image("shop:2", {"app": "2"}, tags=["latest"], at=room.ago(10))
    return service


def test_tasks_that_each_resolve_the_tag_for_themselves(room: Room, denied: str) -> None:
    """Without version consistency one of two tasks may come to run the image without a rollout: that is no yes."""
    service = each_resolves_for_itself(room)
    service.replace_task(service.running_tasks[0], at=room.ago(3))
    seen = room.verify()
    found = seen.finding("tasks-run-image")
    assert (seen.outcome, found.status) == ("NOT_STARTED", "fail")
    assert "1 of 2 tasks runs" in found.summary
    assert says_so(seen.finding("rollout-complete").notes, denied)


def test_tasks_that_all_came_to_run_the_image_by_themselves(room: Room) -> None:
    """Once each of them runs it, the digests hold, however they came to run it."""
    each_resolves_for_itself(room).restart_tasks(at=room.ago(3))
    seen = room.verify()
    assert (seen.outcome, seen.statuses["tasks-run-image"]) == ("COMPLETED", "pass")


def test_a_host_that_prefers_its_cached_image(room: Room, denied: str) -> None:
    """The rollout itself COMPLETED, and its tasks run what the host had: the tasks are the broken link, and why."""
    service = room.shop(desired=2, launch_type="EC2", network_mode="bridge")
    old = service.rollout.digests
    service.roll_out(at=room.ago(8))
    stale, _ = service.running_tasks
    stale.digests = old
    seen = room.verify()
    found = seen.finding("tasks-run-image")
    assert (seen.outcome, seen.report.broken_link, found.status) == ("COMPLETED", "tasks", "fail")
    assert "1 of 2 tasks runs" in found.summary
    assert "ECS_IMAGE_PULL_BEHAVIOR" in found.cause
    assert says_so(seen.finding("rollout-complete").notes, denied)


def test_a_later_deployment_that_supersedes(room: Room, between_polls: BetweenPolls, denied: str) -> None:
    """A later image is deployed while this one is rolled out and awaited: SUPERSEDED, not rolled back."""
    service = room.shop(desired=2)
    service.roll_out("shop:2", at=room.ago(2), status="IN_PROGRESS", new_running=1)

    def deploy_again() -> None:
        room.aws.push_image("shop:3", {"app": "3"}, at=room.ago(1))
        service.roll_out("shop:3")

    with between_polls(room.aws, deploy_again):
        seen = room.verify(image="shop:2", wait="30s")
    found = seen.finding("rollout-complete")
    assert (seen.outcome, found.status, seen.report.broken_link) == ("SUPERSEDED", "fail", "rollout")
    assert "A later image was deployed since" in found.cause
    assert says_so(found.notes, denied)
    assert seen.report.observation.waited < 25


def test_a_later_deployment_that_is_under_way(room: Room, denied: str) -> None:
    """While the later one goes on, that is what is said, and that it brings another image."""
    service = room.shop(desired=2)
    service.roll_out("shop:2", at=room.ago(8))
    room.aws.push_image("shop:3", {"app": "3"}, at=room.ago(3))
    service.roll_out("shop:3", at=room.ago(2), status="IN_PROGRESS", new_running=1)
    seen = room.verify(image="shop:2")
    found = seen.finding("rollout-complete")
    assert (seen.outcome, found.status) == ("IN_PROGRESS", "fail")
    if not denied:
        assert "not the expected image" in found.summary
    assert says_so(found.notes, denied)


def test_a_task_that_is_replaced_while_the_rollout_is_waited_for(
    room: Room, between_polls: BetweenPolls, denied: str
) -> None:
    """The one that takes its place is looked at, and the wait goes on to the good end."""
    service = room.shop(desired=2)
    rollout = service.roll_out(at=room.ago(2), status="IN_PROGRESS", new_running=2)
    died, _ = rollout.running_tasks
    with between_polls(room.aws, lambda: service.replace_task(died), rollout.complete):
        seen = room.verify(wait="30s")
    assert (seen.outcome, seen.statuses["tasks-run-image"]) == ("COMPLETED", "pass")
    running = {task.id for task in seen.service.facts.running}
    assert running == {task.id for task in service.running_tasks}
    assert died.id not in running
    assert says_so(seen.finding("rollout-complete").notes, denied)


def test_a_daemon_service(room: Room, denied: str) -> None:
    """One task on each container instance is judged as any other service is, in progress and completed."""
    service = room.shop(desired=2, scheduling="DAEMON", launch_type="EC2", network_mode="host")
    rollout = service.roll_out(at=room.ago(2), status="IN_PROGRESS", new_running=1)
    assert room.verify().outcome == "IN_PROGRESS"
    rollout.complete()
    seen = room.verify()
    assert (seen.outcome, seen.statuses["tasks-running"], seen.statuses["tasks-run-image"]) == (
        "COMPLETED",
        "pass",
        "pass",
    )
    assert says_so(seen.finding("rollout-complete").notes, denied)


def test_a_breaker_that_is_off(room: Room, denied: str) -> None:
    """Without circuit breaker ECS tries for ever: IN_PROGRESS, and why the new tasks do not stay up."""
    service = room.shop(desired=2, circuit_breaker=False)
    rollout = service.roll_out(at=room.ago(5), status="IN_PROGRESS", new_running=0)
    rollout.crash(4, **stops.NO_SECRETS, at=room.ago(2))
    rollout.crash(1, **stops.CRASHED, at=room.ago(1))
    seen = room.verify()
    found = seen.finding("rollout-complete")
    assert seen.outcome == "IN_PROGRESS"
    assert found.cause.index("4 new tasks stopped") < found.cause.index("1 new task stopped")
    assert "secret" in found.cause
    assert says_so(found.notes, denied)


def test_reasons_of_another_service_and_of_an_older_rollout_are_never_reported(room: Room, denied: str) -> None:
    """The reasons why tasks of others stopped are none of this rollout's reasons."""
    service = room.shop(desired=1)
    older = service.roll_out(at=room.ago(8), status="IN_PROGRESS", new_running=0)
    older.crash(3, **stops.OUT_OF_MEMORY, at=room.ago(7))
    older.complete(at=room.ago(6))
    other = room.aws.create_service("other", cluster="shop", image="shop:1", family="shop", at=room.ago(50))
    other.roll_out(at=room.ago(4), status="IN_PROGRESS", new_running=0).crash(3, **stops.CANNOT_START)
    service.roll_out(at=room.ago(4), status="IN_PROGRESS", new_running=0).crash(2, **stops.NO_LOG_GROUP)
    found = room.verify().finding("rollout-complete")
    assert "2 new tasks stopped" in found.cause
    assert "OutOfMemory" not in str(found)
    assert "CannotStartContainer" not in str(found)
    assert says_so(found.notes, denied)
