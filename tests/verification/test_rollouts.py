from __future__ import annotations

from collections.abc import Callable
from threading import Timer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from verification.conftest import Room, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox import SandboxService
    from verification.conftest import Seen


Happen = Callable[["SandboxService", "Room"], object]

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


def go_back(service: SandboxService, room: Room, **how: Any) -> None:
    """Roll out tasks that crash, so that ECS goes back."""
    service.roll_out(at=room.ago(8), status="FAILED")
    service.roll_back(**how)


def crash(service: SandboxService, room: Room) -> None:
    """Begin a rollout whose task crashes."""
    rollout = service.roll_out(at=room.ago(2), status="IN_PROGRESS", new_running=1)
    rollout.running_tasks[0].stop(
        "EssentialContainerExited", "Essential container in task exited", exit_code=137, container_reason=OUT_OF_MEMORY
    )


WORLDS = {"service deployments": True, "deployments only": False}
STATES: dict[str, Happen] = {
    "completed": lambda service, room: service.roll_out(at=room.ago(8)),
    "in-progress": lambda service, room: service.roll_out(at=room.ago(2), status="IN_PROGRESS", new_running=1),
    "rolled-back": lambda service, room: go_back(service, room, at=room.ago(5)),
    "going-back": lambda service, room: go_back(service, room, at=room.ago(1), status="IN_PROGRESS"),
    "by-alarm": lambda service, room: go_back(service, room, at=room.ago(5), reason="alarm", alarms=["backend-5xx"]),
    "failed": lambda service, room: service.roll_out(at=room.ago(8), status="FAILED"),
    "without-an-image": lambda service, room: service.roll_out("shop:nope", at=room.ago(8), status="FAILED"),
    "crashing": crash,
    "not-started": lambda *_: None,
}
"""Services of two tasks that are verified together: their names, and what happened to each."""


class World(NamedTuple):
    """A world that was verified.

    Attributes:
        seen: What was seen of its services.
        services: The services, by their names.
        has_records: Whether it has service deployments.
    """

    seen: Seen
    services: dict[str, SandboxService]
    has_records: bool


@pytest.fixture(scope="module", params=WORLDS.values(), ids=list(WORLDS))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return services of each state, in a world that has service deployments and in one that has not."""
    with pytest.MonkeyPatch.context() as patch, served(patch) as aws:
        room = Room(aws, tmp_path_factory.mktemp("world"))
        aws.service_deployments = request.param
        services = room.shops(STATES, desired=2)
        for name, service in services.items():
            STATES[name](service, room)
        yield World(room.verify_each(STATES), services, request.param)


@pytest.fixture(params=WORLDS.values(), ids=list(WORLDS))
def service(request: pytest.FixtureRequest, room: Room) -> SandboxService:
    """Return a service of two tasks, in a world that has service deployments and in one that has not."""
    room.aws.service_deployments = request.param
    return room.shop(desired=2)


def test_a_completed_rollout(world: World) -> None:
    """The outcome is COMPLETED, and began when the rollout did."""
    seen = world.seen.of("completed")
    assert (seen.outcome, seen.statuses["rollout-complete"]) == ("COMPLETED", "pass")
    started = seen.service.rollout.started_at
    assert started is not None
    assert abs((started - world.services["completed"].rollout.created_at).total_seconds()) < 1


def test_a_rollout_in_progress(world: World) -> None:
    """Old and new tasks run side by side: IN_PROGRESS, and the tasks fail."""
    seen = world.seen.of("in-progress")
    assert (seen.outcome, seen.broken_link) == ("IN_PROGRESS", "rollout")
    assert seen.statuses["tasks-run-image"] == "fail"


def test_a_rollout_that_was_rolled_back(world: World) -> None:
    """The service is stable on the old image: ROLLED_BACK, not completed."""
    seen = world.seen.of("rolled-back")
    assert (seen.outcome, seen.verdict, seen.broken_link) == ("ROLLED_BACK", "REFUTED", "rollout")
    assert "EssentialContainerExited" in seen.finding("rollout-complete").cause


def test_a_rollback_under_way(world: World) -> None:
    """While ECS goes back the outcome is ROLLED_BACK already, as waiting cannot better it."""
    assert world.seen.of("going-back").outcome == "ROLLED_BACK"


def test_a_rollback_by_alarm(world: World) -> None:
    """ROLLED_BACK, and where ECS names the alarm, so does the report."""
    seen = world.seen.of("by-alarm")
    assert seen.outcome == "ROLLED_BACK"
    if world.has_records:
        assert "backend-5xx" in seen.finding("rollout-complete").summary


def test_a_rollback_of_another_definition(room: Room, service: SandboxService) -> None:
    """Without an image named, the expected one is what the failed rollout was to bring."""
    digest = room.aws.push_image("shop:3", {"app": "3"}, at=room.ago(9)).digest
    service.roll_out("shop:3", at=room.ago(8), status="FAILED")
    service.roll_back(at=room.ago(5))
    seen = room.verify(image=None)
    assert seen.outcome == "ROLLED_BACK"
    assert [judged.expected.digest for judged in seen.service.facts.judged] == [digest]
    assert seen.statuses["image-exists"] == "pass"
    assert seen.statuses["tasks-run-image"] == "fail"


def test_a_failed_rollout_without_a_rollback(world: World) -> None:
    """The new tasks crash and the old ones serve: FAILED, with the stop code and the exit code."""
    seen = world.seen.of("failed")
    assert (seen.outcome, seen.broken_link) == ("FAILED", "rollout")
    said = str(seen.finding("rollout-complete"))
    assert "EssentialContainerExited" in said
    assert "exit code 1" in said


def test_an_image_that_cannot_be_pulled(world: World) -> None:
    """FAILED, in ECS's words about the pull."""
    seen = world.seen.of("without-an-image")
    assert seen.outcome == "FAILED"
    assert "CannotPullContainerError" in str(seen.finding("rollout-complete"))


def test_tasks_that_crash_while_the_rollout_goes_on(world: World) -> None:
    """New tasks crash again and again while the old ones serve: why they stopped is told before ECS gives up."""
    seen = world.seen.of("crashing")
    assert seen.outcome == "IN_PROGRESS"
    said = str(seen.finding("rollout-complete"))
    assert OUT_OF_MEMORY in said
    assert "137" in said


@pytest.mark.parametrize("same_deployment", [False, True], ids=["as ECS", "as emulators"])
def test_the_last_words_of_tasks_that_crashed(room: Room, service: SandboxService, *, same_deployment: bool) -> None:
    """The lines that the new tasks logged before they crashed are shown, however the service was rolled back."""
    if same_deployment:
        # Emulators that roll back so have no record of rollouts.
        room.aws.service_deployments = False
    rollout = service.roll_out(at=room.ago(8), status="IN_PROGRESS", new_running=2)
    for task in rollout.running_tasks:
        task.log("ModuleNotFoundError: No module named 'app.agents'", at=room.ago(7))
    rollout.fail(at=room.ago(6))
    service.roll_back(at=room.ago(5), same_deployment=same_deployment)
    seen = room.verify(logs=[{"expect": "hello"}])
    assert seen.outcome in ({"ROLLED_BACK", "FAILED"} if same_deployment else {"ROLLED_BACK"})
    assert "exit code" in seen.finding("rollout-complete").cause
    assert "ModuleNotFoundError" in str(seen.service.findings)


def test_a_push_without_a_rollout(world: World) -> None:
    """NOT_STARTED, so that the first broken link is the rollout."""
    seen = world.seen.of("not-started")
    assert (seen.outcome, seen.broken_link) == ("NOT_STARTED", "rollout")
    assert "force-new-deployment" in seen.finding("rollout-complete").command


def test_a_later_image_that_took_its_place(room: Room, service: SandboxService) -> None:
    """The tasks run a later image, through a rollout of another definition: SUPERSEDED."""
    service.roll_out("shop:2", at=room.ago(8))
    room.aws.push_image("shop:3", {"app": "3"}, at=room.ago(5))
    service.roll_out("shop:3", at=room.ago(4))
    seen = room.verify(image="shop:2")
    assert (seen.outcome, seen.report.broken_link) == ("SUPERSEDED", "rollout")


def test_a_rollout_that_settles_while_it_is_waited_for(room: Room, service: SandboxService) -> None:
    """A wait ends as soon as the rollout is over."""
    rollout = service.roll_out(at=room.ago(2), status="IN_PROGRESS", new_running=1)
    timer = Timer(0.7, rollout.complete)
    timer.start()
    try:
        seen = room.verify(wait="30s")
    finally:
        timer.join()
    assert (seen.outcome, seen.statuses["tasks-run-image"]) == ("COMPLETED", "pass")
    assert seen.report.observation.waited < 15


def test_a_world_without_service_deployments_is_asked_for_them_once(room: Room) -> None:
    """An operation that an emulator or a role does not have is not called at each poll."""
    room.aws.service_deployments = False
    room.shop().roll_out(status="IN_PROGRESS")
    # Long enough for several polls on a busy machine.
    seen = room.verify(wait="3s")
    assert seen.asked["ecs:DescribeServices"] > 2
    assert seen.asked["ecs:ListServiceDeployments"] == 1
    assert "ecs:ListServiceDeployments" in " ".join(seen.finding("rollout-complete").notes)


def test_a_service_by_its_arn(room: Room) -> None:
    """Service and cluster may be named by their ARNs."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    cluster = service.arn.replace(":service/shop/shop", ":cluster/shop")
    seen = room.verify(
        services={"shop": {"service": service.arn, "image": "shop:2"}},
        environment={"cluster": cluster, "require": ["image", "rollout", "tasks"]},
    )
    assert (seen.report.verdict, seen.outcome) == ("VERIFIED", "COMPLETED")


def test_a_rollout_that_another_controller_runs(room: Room) -> None:
    """With CodeDeploy the task sets tell: one that serves production alone and is steady has completed."""
    room.aws.push_image("shop:1", {"app": "1"}, at=room.ago(60))
    room.aws.create_service("shop", cluster="shop", image="shop:1", controller="CODE_DEPLOY", at=room.ago(50))
    seen = room.verify(image="shop:1")
    assert seen.statuses["tasks-run-image"] == "pass"
    assert seen.statuses["rollout-complete"] == "pass"
    assert seen.outcome == "COMPLETED"
    assert "task set" in seen.finding("rollout-complete").summary
    assert not any("ServiceDeployment" in operation for operation in seen.asked)
