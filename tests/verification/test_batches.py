from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verification.conftest import Room


def test_many_services_are_described_ten_at_a_time(room: Room) -> None:
    """Twelve services of one environment take two calls of DescribeServices, and each gets its own verdict."""
    room.aws.push_image("many:1.0", {"app": "1"}, at=room.ago(60))
    names = [f"service-{number}" for number in range(12)]
    for name in names:
        room.aws.create_service(name, cluster="shop", image="many:1.0", at=room.ago(50))
    seen = room.verify(
        services={name: {"service": name, "image": "many:1.0"} for name in names}, environment={"require": ["tasks"]}
    )
    counts = [len(asked["services"]) for asked in seen.parameters("ecs:DescribeServices")]
    # Side by side, in either order.
    assert sorted(counts) == [2, 10]
    assert [service.name for service in seen.report.services] == names
    assert {service.judgement.verdict for service in seen.report.services} == {"VERIFIED"}


def test_what_services_share_is_asked_once(room: Room) -> None:
    """One image that twelve services run is looked up once, not twelve times."""
    room.aws.push_image("many:1.0", {"app": "1"}, at=room.ago(60))
    names = [f"service-{number}" for number in range(12)]
    for name in names:
        room.aws.create_service(name, cluster="shop", image="many:1.0", at=room.ago(50))
    seen = room.verify(
        services={name: {"service": name, "image": "many:1.0"} for name in names}, environment={"require": ["tasks"]}
    )
    # The list of all that the repository has tells of the image itself, too.
    assert [bool(asked.get("imageIds")) for asked in seen.parameters("ecr:DescribeImages")] == [False]
    assert seen.asked["ecr:BatchGetImage"] == 1
    assert seen.asked["ecr:GetDownloadUrlForLayer"] == 1
    assert seen.asked["sts:GetCallerIdentity"] == 1


def test_more_than_a_hundred_tasks_are_all_seen(room: Room) -> None:
    """One stale task among 130 is found: tasks are described a hundred at a time, none is left out."""
    service = room.shop(desired=130)
    room.aws.tag_image("shop:1", "old")
    service.roll_out(at=room.ago(8))
    fresh = room.verify()
    asked = [len(call["tasks"]) for call in fresh.parameters("ecs:DescribeTasks")]
    assert max(asked) <= 100
    assert sum(asked) == 260
    assert fresh.statuses["tasks-run-image"] == "pass"
    assert fresh.service.rollout.running == 130
    last = service.running_tasks[-1]
    last.digests = {"app": service.rollouts[0].digests["app"]}
    stale = room.verify()
    assert stale.statuses["tasks-run-image"] == "fail"
    assert "1 of 130" in stale.finding("tasks-run-image").summary


def test_streams_of_many_tasks_are_read_a_hundred_at_a_time(room: Room) -> None:
    """A line that only the last of 130 tasks logs is found, and a line that one of them lacks is missed."""
    service = room.shop(desired=130)
    service.roll_out(at=room.ago(8))
    service.log("ready", at=room.ago(5))
    service.running_tasks[-1].log("leader", at=room.ago(5))
    expectations = [{"expect": "leader"}, {"expect": "ready", "tasks": "all"}, {"expect": "leader", "tasks": "all"}]
    seen = room.verify(logs=expectations)
    assert [seen.statuses[f"logs-{number}"] for number in (1, 2, 3)] == ["pass", "pass", "fail"]
    assert max(len(asked.get("logStreamNames", ())) for asked in seen.parameters("logs:FilterLogEvents")) == 100


def test_a_wait_asks_again_only_for_what_can_change(room: Room) -> None:
    """While a rollout is waited for, definitions, revisions and images are not asked for again."""
    service = room.shop()
    service.roll_out(status="IN_PROGRESS")
    # Long enough for several polls on a busy machine.
    seen = room.verify(wait="3s")
    assert seen.outcome == "IN_PROGRESS"
    assert seen.asked["ecs:DescribeServices"] > 2
    # The expected image, the earlier one that the old task still runs, and the list of what the repository has.
    assert seen.asked["ecr:DescribeImages"] <= 4
    assert seen.asked["ecs:DescribeTaskDefinition"] == 1
    assert seen.asked["ecs:DescribeServiceRevisions"] == 1
