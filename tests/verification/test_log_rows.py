"""The result of a log expectation, situation by situation."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.handles.logs import service_logs as following
from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from verification.conftest import Room

HELLO = {"expect": "hello"}
NO_OLD_FORMAT = {"forbid": "platform='linkedin'"}


def test_line_only_in_an_old_tasks_stream(room: Room) -> None:
    """It fails, when the wait is over and not before, and names the task of another image that logged it."""
    service = room.shop()
    (old,) = service.running_tasks
    service.roll_out(at=room.ago(8))
    old.log("hello", at=room.ago(5))
    service.log("started", at=room.ago(5))
    began = time.monotonic()
    seen = room.verify(logs=[HELLO], log_wait="0.7s")
    assert time.monotonic() - began >= 0.7
    finding = seen.finding("logs-1")
    assert finding.status == "fail"
    assert "something else" in finding.cause
    assert (seen.report.verdict, seen.report.broken_link) == ("REFUTED", "logs")


def test_line_from_before_the_rollout(room: Room) -> None:
    """It is not counted, neither as the line that was expected nor as the one that is forbidden."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("hello", at=room.ago(8.1))
    service.log("platform='linkedin'", at=room.ago(8.1))
    service.log("started", at=room.ago(5))
    seen = room.verify(logs=[HELLO, NO_OLD_FORMAT])
    assert (seen.statuses["logs-1"], seen.statuses["logs-2"]) == ("fail", "pass")


def test_late_line_with_an_older_timestamp(room: Room) -> None:
    """It passes: what arrives while it is waited for counts, also where newer lines have been read before it."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("newer", at=room.ago(0.01))
    service.log("hello", at=room.ago(1.5), arrives_in=0.8)
    assert room.verify(logs=[HELLO], log_wait="8s").statuses["logs-1"] == "pass"


def test_old_format_only_from_draining_old_tasks(room: Room) -> None:
    """It passes, and a note says that an old task still says it."""
    service = room.shop()
    (old,) = service.running_tasks
    rollout = service.roll_out(at=room.ago(8), status="IN_PROGRESS")
    rollout.complete(at=room.ago(7))
    old.stopped_at = None
    old.drain()
    old.log("platform='linkedin'", at=room.ago(5))
    service.log("started", at=room.ago(5))
    finding = room.verify(logs=[NO_OLD_FORMAT]).finding("logs-1")
    assert finding.status == "pass"
    assert "something else" in " ".join(finding.notes)


def test_no_old_format_and_new_tasks_without_logs(room: Room) -> None:
    """It is unproven: who says nothing does not say the wrong thing either, and that proves nothing."""
    service = room.shop()
    (old,) = service.running_tasks
    service.roll_out(at=room.ago(8))
    old.log("draining", at=room.ago(7))
    seen = room.verify(logs=[NO_OLD_FORMAT])
    assert seen.statuses["logs-1"] == "unproven"
    assert (seen.report.verdict, seen.report.broken_link) == ("UNPROVEN", "logs")


def test_log_group_in_another_region_than_awslogs_region(room: Room) -> None:
    """It is an error, although a group of that name with that line is in the service's own region."""
    container = SandboxContainer(name="app", image="shop:2", log_region="eu-west-1", log_group="/shop/far")
    service = room.shop()
    service.roll_out(containers=[container], at=room.ago(8))
    room.aws.delete_log_group("/shop/far", region="eu-west-1")
    (task,) = service.running_tasks
    room.aws.log("/shop/far", f"ecs/app/{task.id}", "hello", at=room.ago(5))
    seen = room.verify(logs=[HELLO, NO_OLD_FORMAT])
    assert (seen.statuses["logs-1"], seen.statuses["logs-2"]) == ("error", "error")
    for word in ("/shop/far", "eu-west-1"):
        assert word in seen.finding("logs-1").summary


def test_log_group_denied(room: Room) -> None:
    """It is an error that names the operation, never "no lines": neither a failure nor a pass."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("hello", at=room.ago(5))
    room.aws.deny("logs:FilterLogEvents")
    seen = room.verify(logs=[HELLO, NO_OLD_FORMAT])
    assert (seen.statuses["logs-1"], seen.statuses["logs-2"]) == ("error", "error")
    assert "logs:FilterLogEvents" in seen.finding("logs-1").summary
    assert (seen.report.verdict, seen.report.broken_link) == ("UNPROVEN", "logs")


def test_empty_page_with_a_token(room: Room) -> None:
    """The reading goes on: what comes after an empty page is found, be it wanted or forbidden."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("hello", at=room.ago(5))
    service.log("platform='linkedin'", at=room.ago(5))
    room.aws.page_logs(size=1, empty_pages=True)
    seen = room.verify(logs=[HELLO, NO_OLD_FORMAT])
    assert (seen.statuses["logs-1"], seen.statuses["logs-2"]) == ("pass", "fail")


def test_one_of_several_tasks_lacks_the_line(room: Room) -> None:
    """It passes for `any` and fails for `all`, which tells task by task who said it how often."""
    service = room.shop(desired=3)
    service.roll_out(at=room.ago(8))
    *good, bad = service.running_tasks
    for task in good:
        task.log("hello", at=room.ago(5))
    bad.log("started", at=room.ago(5))
    seen = room.verify(logs=[HELLO, {**HELLO, "tasks": "any"}, {**HELLO, "tasks": "all"}])
    assert [seen.statuses[f"logs-{number}"] for number in (1, 2, 3)] == ["pass", "pass", "fail"]
    assert bad.id in seen.finding("logs-3").summary
    assert good[0].id not in seen.finding("logs-3").summary


@pytest.mark.parametrize("mode", ["non-blocking", "blocking"])
def test_missing_line_and_the_mode_of_the_driver(room: Room, mode: str) -> None:
    """It fails; that the driver may have dropped the line is noted for the non-blocking one, and only for it."""
    container = SandboxContainer(name="app", image="shop:2", mode=mode)
    service = room.shop()
    service.roll_out(containers=[container], at=room.ago(8))
    service.log("started", at=room.ago(5))
    finding = room.verify(logs=[HELLO]).finding("logs-1")
    assert finding.status == "fail"
    assert ("drops lines" in " ".join(finding.notes)) is (mode == "non-blocking")


def test_a_task_replaced_during_the_check(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new one is looked at: a line that only the replacement says is found while it is waited for."""
    monkeypatch.setattr(following, "FOLLOW_EVERY", 1.0)
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("started", at=room.ago(5))
    (task,) = service.running_tasks
    told: list[str] = []

    def replace() -> None:
        while not any(call.operation == "logs:FilterLogEvents" for call in room.aws.calls):
            time.sleep(0.05)
        new = service.replace_task(task)
        new.log("hello")
        told.append(new.id)

    nurse = threading.Timer(0.2, replace)
    nurse.start()
    try:
        seen = room.verify(logs=[HELLO], log_wait="16s")
    finally:
        nurse.join()
    finding = seen.finding("logs-1")
    assert finding.status == "pass"
    (match,) = finding.evidence["matches"]
    assert told[0] in match


@pytest.mark.parametrize("clock_offset", [timedelta(days=2), timedelta(days=-2)])
def test_the_clock_of_the_ci_machine_is_wrong(room: Room) -> None:
    """Server times decide: what is new, what is old enough for an absence, and what is from before the window."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("started", at=room.ago(5))
    service.log("hello", at=room.ago(4))
    seen = room.verify(logs=[HELLO, NO_OLD_FORMAT], since="270s")
    assert (seen.statuses["logs-1"], seen.statuses["logs-2"]) == ("pass", "pass")
    assert room.verify(logs=[{"expect": "started"}], since="270s").statuses["logs-1"] == "fail"
