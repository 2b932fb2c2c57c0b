from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import SandboxImage
    from verification.conftest import Room

BOTH = ("linux/amd64", "linux/arm64")


def test_the_registry_of_another_account_and_region_is_asked(room: Room) -> None:
    """Account and region come from the image's host, not from the environment."""
    image = "999999999999.dkr.ecr.eu-central-1.amazonaws.com/shared/shop:7"
    room.aws.push_image(image, {"app": "7"}, at=room.ago(60))
    room.aws.create_service("shop", cluster="shop", image=image, at=room.ago(50))
    seen = room.verify(image=None)
    assert seen.statuses["image-exists"] == seen.statuses["tasks-run-image"] == "pass"
    for operation in ("ecr:DescribeImages", "ecr:BatchGetImage"):
        assert seen.regions(operation) == {"eu-central-1"}
        assert {asked["registryId"] for asked in seen.parameters(operation)} == {"999999999999"}


@pytest.mark.parametrize(
    ("elsewhere", "differs"),
    [
        ("999999999999.dkr.ecr.us-east-1.amazonaws.com/shop", "account"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop", "region"),
    ],
)
def test_the_same_name_in_another_registry_is_another_repository(room: Room, elsewhere: str, differs: str) -> None:
    """An image pushed to another account or region never reaches the service; an equal digest is noted."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    room.aws.push_image(f"{elsewhere}:2", {"app": "2"}, at=room.ago(10), created=room.ago(10))
    seen = room.verify(image=f"{elsewhere}:2")
    assert seen.statuses["image-exists"] == "pass"
    assert seen.statuses["image-repository"] == "fail"
    assert differs in seen.finding("image-repository").cause
    assert seen.report.broken_link == "image"


def test_an_equal_digest_in_another_registry_is_noted(room: Room) -> None:
    """The very same image in two places is still the wrong repository, and that it is the same is said."""
    when = room.ago(30)
    for host in ("123456789012.dkr.ecr.us-east-1", "123456789012.dkr.ecr.eu-central-1"):
        room.aws.push_image(f"{host}.amazonaws.com/twin:2", {"app": "2"}, at=when, created=when)
    room.aws.create_service("shop", cluster="shop", image="twin:2", at=room.ago(20))
    seen = room.verify(image="123456789012.dkr.ecr.eu-central-1.amazonaws.com/twin:2")
    assert seen.statuses["image-repository"] == "fail"
    assert "same digest" in " ".join(seen.finding("image-repository").notes)
    assert seen.statuses["tasks-run-image"] == "pass"


@pytest.fixture
def index(room: Room) -> SandboxImage:
    """Return an index for two platforms, with their attestations."""
    return room.aws.push_image("multi:1", {"app": "1"}, platforms=BOTH, at=room.ago(60))


def runs(room: Room, reference: str, expected: str, **settings: object) -> str:
    """Return what comes of comparing a service that runs `reference` with the expected image."""
    room.aws.create_service("shop", cluster="shop", image=reference, at=room.ago(50), **settings)  # type: ignore[arg-type]
    return room.verify(image=expected).statuses["tasks-run-image"]


def test_tasks_that_show_the_index_run_it(room: Room, index: SandboxImage) -> None:
    """The digest of the index is accepted."""
    assert runs(room, "multi:1", f"multi@{index.digest}") == "pass"


def test_tasks_that_show_the_child_run_the_index(room: Room, index: SandboxImage) -> None:
    """The manifest for the task's platform is accepted for the index, attestations beside it."""
    assert runs(room, f"multi@{index.children['linux/amd64']}", "multi:1") == "pass"


def test_tasks_that_show_the_index_run_the_expected_child(room: Room, index: SandboxImage) -> None:
    """The index is accepted where the manifest for the task's platform was expected."""
    assert runs(room, "multi:1", index.children["linux/amd64"]) == "pass"


def test_tasks_on_the_other_processor_run_their_own_child(room: Room, index: SandboxImage) -> None:
    """An ARM task that runs the ARM manifest runs the index."""
    reference = f"multi@{index.children['linux/arm64']}"
    assert runs(room, reference, "multi:1", architecture="ARM64") == "pass"


def test_the_child_of_another_platform_is_not_it(room: Room, index: SandboxImage) -> None:
    """An x86 task with the ARM manifest does not run what was expected, and the platform is named."""
    reference = f"multi@{index.children['linux/arm64']}"
    room.aws.create_service("shop", cluster="shop", image=reference, at=room.ago(50))
    seen = room.verify(image="multi:1")
    assert seen.statuses["tasks-run-image"] == "fail"
    assert "platform" in seen.finding("tasks-run-image").summary


def test_the_child_for_another_platform_is_not_accepted(room: Room, index: SandboxImage) -> None:
    """Tasks that show the index do not run its ARM manifest on x86."""
    assert runs(room, "multi:1", index.children["linux/arm64"]) == "fail"


def test_a_sidecar_that_did_not_change_makes_no_difference(room: Room) -> None:
    """With the repository of the image named, only the containers that pull from it are judged."""
    room.aws.push_image("proxy:1", {"p": "1"}, at=room.ago(600))
    room.aws.push_image("shop:1", {"app": "1"}, at=room.ago(90))
    proxy = SandboxContainer(name="proxy", image="proxy:1")
    service = room.aws.create_service(
        "shop", cluster="shop", containers=[SandboxContainer(name="app", image="shop:1"), proxy], at=room.ago(60)
    )
    room.aws.push_image("shop:2", {"app": "2"}, at=room.ago(10))
    service.roll_out(containers=[SandboxContainer(name="app", image="shop:2"), proxy], at=room.ago(8))
    seen = room.verify()
    assert seen.statuses["tasks-run-image"] == "pass"
    assert [judged.container for judged in seen.service.facts.judged] == ["app"]
    assert seen.outcome == "COMPLETED"


def test_a_managed_sidecar_without_a_digest_is_ignored(room: Room) -> None:
    """A container that is not judged may show no digest."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    agent = SandboxContainer(name="aws-guardduty-agent", image="public.ecr.aws/agent/guardduty:1")
    service.roll_out(containers=[*service.definition.containers, agent], at=room.ago(6))
    for task in service.running_tasks:
        task.digests = {**task.digests, agent.name: None}
    assert room.verify().statuses["tasks-run-image"] == "pass"


def test_a_digest_that_ecs_does_not_tell_is_unproven(room: Room) -> None:
    """Without a digest it is not known what a task runs, however new the task is."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.running_tasks[0].digests = {"app": None}
    seen = room.verify()
    assert seen.statuses["tasks-run-image"] == "unproven"
    assert service.running_tasks[0].id in seen.finding("tasks-run-image").summary


def test_a_task_older_than_the_image_cannot_run_it(room: Room) -> None:
    """Without a digest, a task that started before the image was pushed runs something else."""
    service = room.shop()
    service.running_tasks[0].digests = {"app": None}
    seen = room.verify()
    assert seen.statuses["tasks-run-image"] == "fail"


def test_a_tag_that_is_gone_while_its_digest_is_there(room: Room) -> None:
    """The tag fails; the tasks are judged by the digest that ECS resolved it to."""
    room.shop().roll_out("shop:2", at=room.ago(8))
    room.aws.delete_tag("shop:2")
    seen = room.verify()
    assert seen.statuses["image-exists"] == "fail"
    assert seen.statuses["tasks-run-image"] == "pass"
    assert seen.statuses["rollout-complete"] == "pass"


def test_an_image_that_was_deleted_while_it_runs(room: Room) -> None:
    """The image fails, with the warning that ECS cannot start another task."""
    room.shop().roll_out("shop:2", at=room.ago(8))
    room.aws.delete_image("shop:2")
    finding = room.verify().finding("image-exists")
    assert finding.status == "fail"
    assert "cannot start another task" in finding.remedy


def test_a_tag_that_moved_back_is_proven_by_digest(room: Room) -> None:
    """After a retag the push time is older than the tasks of yesterday; the digests agree, so it passes."""
    service = room.shop()
    room.aws.tag_image("shop:1", "latest")
    service.roll_out(at=room.ago(5))
    seen = room.verify(image="latest")
    assert seen.statuses["tasks-run-image"] == seen.statuses["rollout-complete"] == "pass"


def test_a_definition_that_pins_an_old_digest(room: Room) -> None:
    """A rollout of a pinned digest completes, and brings the old image however often the tag moves."""
    service = room.shop()
    service.roll_out(f"shop@{service.running_tasks[0].image_digest}", at=room.ago(8))
    seen = room.verify()
    assert seen.outcome == "COMPLETED"
    assert seen.statuses["tasks-run-image"] == "fail"
    assert "pinned by the task definition" in seen.finding("tasks-run-image").cause


def test_a_scale_out_after_the_push_brings_the_old_digest(room: Room) -> None:
    """Tasks that started after the push still run what the last rollout fixed: never started."""
    service = room.shop()
    service.scale(3, at=room.ago(5))
    seen = room.verify()
    assert seen.outcome == "NOT_STARTED"
    assert seen.statuses["tasks-run-image"] == "fail"
    assert seen.report.broken_link == "rollout"


def test_a_standalone_task_of_the_same_family_is_not_the_services(room: Room) -> None:
    """A migration that runs the old image says nothing about the service."""
    room.shop().roll_out(at=room.ago(8))
    room.aws.run_task("shop", cluster="shop", image="shop:1", started_by="migration", at=room.ago(5))
    seen = room.verify()
    assert seen.statuses["tasks-run-image"] == "pass"
    assert seen.service.rollout.running == 1


@pytest.mark.parametrize(
    ("clock_offset", "pushed", "after", "status"),
    [
        (timedelta(hours=5), timedelta(minutes=30), "10m", "fail"),
        (timedelta(hours=-5), timedelta(minutes=5), "10m", "pass"),
        (timedelta(days=1), timedelta(hours=25), "today", "fail"),
        (timedelta(days=-1), timedelta(seconds=0), "today", "pass"),
    ],
)
def test_times_are_the_servers(room: Room, pushed: timedelta, after: str, status: str) -> None:
    """On a machine whose clock is wrong, `today` and durations are reckoned by AWS's clock."""
    room.aws.push_image("clock:1", {"app": "1"}, at=room.aws.now() - pushed)
    room.aws.create_service("shop", cluster="shop", image="clock:1")
    assert room.verify(image="clock:1", pushed_after=after).statuses["image-pushed"] == status
