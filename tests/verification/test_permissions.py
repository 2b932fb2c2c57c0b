from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.read_only import READS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.sandbox import SandboxService
    from verification.conftest import Room

ACTIONS = sorted(
    f"{service}:{operation}" for service, operations in READS.items() for operation in operations if service != "sts"
)


ONLY_WHERE_ASKED_FOR = {"logs:StartLiveTail", "logs:StartQuery", "logs:GetQueryResults", "ecs:ListServices"}
"""Reads that a run makes only where a setting or a test asks for them."""


def not_restarted(room: Room, service: SandboxService) -> None:
    """Leave the image that was pushed without a rollout."""
    assert service.rollout.created_at < room.ago(10)


def rolled_back_from_another_definition(room: Room, service: SandboxService) -> None:
    """Roll out another definition whose tasks crash, so that ECS goes back."""
    service.roll_out("shop:2", at=room.ago(8), status="FAILED")
    service.roll_back(at=room.ago(5))


WAYS = [
    (not_restarted, "shop:2"),
    (rolled_back_from_another_definition, None),
]


@pytest.mark.parametrize(("break_it", "image"), WAYS)
def test_what_is_broken_is_never_verified_for_want_of_a_permission(
    room: Room, break_it: Callable[[Room, SandboxService], None], image: str | None
) -> None:
    """Whichever one action is denied, a refuted deployment stays refuted, or at best becomes unproven."""
    service = room.shop()
    break_it(room, service)
    service.log("ready", at=room.ago(4))
    logs = [{"expect": "ready"}]
    assert room.verify(image=image, logs=logs).report.verdict == "REFUTED"
    verdicts = {}
    for action in set(ACTIONS) - ONLY_WHERE_ASKED_FOR:
        room.aws.deny(action)
        verdicts[action] = str(room.verify(image=image, logs=logs, log_wait="0").report.verdict)
        room.aws.allow()
    assert [action for action, verdict in verdicts.items() if verdict == "VERIFIED"] == []


def test_a_caller_that_is_denied_everything(room: Room) -> None:
    """There is nothing to say about an environment that may not be looked at, so that is an error of its own."""
    room.shop()
    for service in ("ecs", "ecr", "logs"):
        room.aws.deny(f"{service}:*")
    with pytest.raises(EnvironmentUnusableError, match="denied") as unusable:
        room.verify()
    assert "ecs:DescribeServices" in unusable.value.message
    assert unusable.value.remedy
