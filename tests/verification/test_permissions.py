from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.read_only import READS, iam_action

if TYPE_CHECKING:
    from verification.conftest import Room, Seen

ACTIONS = {iam_action(service, operation) for service, operations in READS.items() for operation in operations}

ASKED = {
    "ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:ListTasks", "ecs:DescribeTasks",
    "ecs:ListServiceDeployments", "ecs:DescribeServiceDeployments", "ecs:DescribeServiceRevisions",
    "ecr:DescribeRepositories", "ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
    "logs:FilterLogEvents",
}  # fmt: skip
"""Actions without which the runs below cannot be the same; all others make no difference to them, as none is asked."""


def not_restarted(room: Room) -> dict[str, Any]:
    """A service whose image was pushed without a rollout."""
    service = room.shop()
    assert service.rollout.created_at < room.ago(10)
    service.log("ready", at=room.ago(4))
    return {"service": "shop", "image": "shop:2", "logs": [{"expect": "ready"}]}


def rolled_back_from_another_definition(room: Room) -> dict[str, Any]:
    """A service to which another definition was rolled out whose tasks crash, so that ECS went back."""
    room.aws.set_tag_mutability("back", "IMMUTABLE")
    room.aws.push_image("back:1", {"app": "1"}, at=room.ago(90))
    service = room.aws.create_service("back", cluster="shop", image="back:1", at=room.ago(60))
    room.aws.push_image("back:2", {"app": "2"}, at=room.ago(10))
    service.roll_out("back:2", at=room.ago(8), status="FAILED")
    service.roll_back(at=room.ago(5))
    service.log("ready", at=room.ago(4))
    return {"service": "back", "logs": [{"expect": "ready"}]}


def test_what_is_broken_is_never_verified_for_want_of_a_permission(room: Room) -> None:
    """Whichever one action is denied, a refuted deployment stays refuted, or at best becomes unproven."""
    services = {"shop": not_restarted(room), "back": rolled_back_from_another_definition(room)}

    def seen(**options: Any) -> Seen:
        return room.verify(services=services, **options)

    def verdicts(seen: Seen) -> dict[str, str]:
        return {one.name: str(one.judgement.verdict) for one in seen.report.services}

    of_all = seen()
    assert verdicts(of_all) == {"shop": "REFUTED", "back": "REFUTED"}
    assert of_all.asked.keys() & ACTIONS == ASKED | {"sts:GetCallerIdentity"}
    for action in sorted(ASKED):
        room.aws.deny(action)
        denied = seen(log_wait="0")
        room.aws.allow()
        assert "VERIFIED" not in {denied.report.verdict, *verdicts(denied).values()}, action
        assert action in denied.asked, action


def test_a_caller_that_is_denied_everything(room: Room) -> None:
    """There is nothing to say about an environment that may not be looked at, so that is an error of its own."""
    room.shop()
    for service in ("ecs", "ecr", "logs"):
        room.aws.deny(f"{service}:*")
    with pytest.raises(EnvironmentUnusableError, match="denied") as unusable:
        room.verify()
    assert "ecs:DescribeServices" in unusable.value.message
    assert unusable.value.remedy
