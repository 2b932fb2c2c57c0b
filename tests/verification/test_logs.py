from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from verification.conftest import Room

HELLO = [{"expect": "hello"}]


def test_a_stream_that_is_born_late_does_not_blind_the_others(room: Room) -> None:
    """A line of one task is found although another has no stream yet."""
    service = room.shop(desired=2)
    service.roll_out(at=room.ago(8))
    prompt, late = service.running_tasks
    prompt.log("hello", at=room.ago(5))
    late.log("hello", at=room.ago(5), arrives_in=60)
    seen = room.verify(logs=[*HELLO, {"expect": "hello", "tasks": "all"}])
    assert seen.statuses["logs-1"] == "pass"
    assert seen.statuses["logs-2"] == "unproven"
    assert late.id in seen.finding("logs-2").summary


def test_a_stream_that_is_born_while_it_is_waited_for_is_read(room: Room) -> None:
    """Each new task is read, once it logs."""
    service = room.shop(desired=2)
    service.roll_out(at=room.ago(8))
    prompt, late = service.running_tasks
    prompt.log("hello", at=room.ago(5))
    late.log("hello", at=room.ago(1), arrives_in=0.6)
    assert room.verify(logs=[{"expect": "hello", "tasks": "all"}], log_wait="5s").statuses["logs-1"] == "pass"


def test_what_only_an_old_task_logs_does_not_count(room: Room) -> None:
    """A line in the stream of a task that runs the old image is no proof of the new one."""
    service = room.shop()
    (old,) = service.running_tasks
    service.roll_out(at=room.ago(8))
    old.log("hello", at=room.ago(5))
    service.log("started", at=room.ago(5))
    seen = room.verify(logs=HELLO)
    assert seen.statuses["logs-1"] == "fail"
    assert "something else" in seen.finding("logs-1").cause


def test_a_forbidden_line_of_a_draining_old_task_is_only_noted(room: Room) -> None:
    """Lines that old tasks log while they drain do not refute the new ones."""
    service = room.shop()
    (old,) = service.running_tasks
    rollout = service.roll_out(at=room.ago(8), status="IN_PROGRESS", new_running=1)
    rollout.complete(at=room.ago(7))
    old.log("platform='linkedin'", at=room.ago(6))
    service.log("started", at=room.ago(5))
    seen = room.verify(logs=[{"forbid": "platform='linkedin'"}])
    assert seen.statuses["logs-1"] == "pass"
    assert any("something else" in note for note in seen.finding("logs-1").notes)


def test_what_was_logged_before_the_rollout_does_not_count(room: Room) -> None:
    """Only lines since the rollout began are evidence, even in the stream of a new task."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("hello", at=room.ago(9))
    service.log("started", at=room.ago(7))
    assert room.verify(logs=HELLO).statuses["logs-1"] == "fail"


def test_a_window_that_was_asked_for_begins_when_it_says(room: Room) -> None:
    """`since` moves the start of the window."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("hello", at=room.ago(6))
    service.log("started", at=room.ago(1))
    assert room.verify(logs=HELLO, since="7m").statuses["logs-1"] == "pass"
    assert room.verify(logs=HELLO, since="3m").statuses["logs-1"] == "fail"


@pytest.mark.parametrize("minutes", [1, 7])
def test_a_late_line_with_an_older_time_is_found(room: Room, minutes: int) -> None:
    """A line that arrives while it is waited for counts, however long ago it was logged."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("newer", at=room.ago(0.1))
    service.log("hello", at=room.ago(minutes), arrives_in=0.5)
    seen = room.verify(logs=HELLO, log_wait="1.5s")
    assert seen.statuses["logs-1"] == "pass"


def test_silence_is_unproven(room: Room) -> None:
    """If the new tasks logged nothing at all, neither a missing nor a forbidden line is judged."""
    service = room.shop()
    service.log("hello", at=room.ago(20))
    service.roll_out(at=room.ago(8))
    seen = room.verify(logs=[*HELLO, {"forbid": "goodbye"}])
    assert (seen.statuses["logs-1"], seen.statuses["logs-2"]) == ("unproven", "unproven")
    assert (seen.report.verdict, seen.report.broken_link) == ("UNPROVEN", "logs")


def test_one_task_without_logs_leaves_an_absence_unproven(room: Room) -> None:
    """The absence of a line is known only when each new task has logs."""
    service = room.shop(desired=2)
    service.roll_out(at=room.ago(8))
    service.running_tasks[0].log("started", at=room.ago(5))
    assert room.verify(logs=[{"forbid": "goodbye"}]).statuses["logs-1"] == "unproven"


def test_logs_in_another_region_are_read_there(room: Room) -> None:
    """The region of the log group is that of the task definition."""
    container = SandboxContainer(name="app", image="shop:2", log_region="eu-west-1", log_group="/shop/far")
    service = room.shop()
    service.roll_out(containers=[container], at=room.ago(8))
    service.log("hello", at=room.ago(5))
    seen = room.verify(logs=HELLO)
    assert seen.statuses["logs-1"] == "pass"
    assert seen.regions("logs:FilterLogEvents") == {"eu-west-1"}
    assert {asked["logGroupName"] for asked in seen.parameters("logs:FilterLogEvents")} == {"/shop/far"}


def test_a_log_group_in_another_region_than_the_definition_says(room: Room) -> None:
    """The group is not where the definition sends the log: an error that names group and region."""
    container = SandboxContainer(name="app", image="shop:2", log_region="eu-west-1", log_group="/shop/far")
    service = room.shop()
    service.roll_out(containers=[container], at=room.ago(8))
    room.aws.delete_log_group("/shop/far", region="eu-west-1")
    finding = room.verify(logs=HELLO).finding("logs-1")
    assert finding.status == "error"
    assert "/shop/far" in finding.summary
    assert "eu-west-1" in finding.summary


def test_without_a_prefix_the_stream_is_the_runtime_id(room: Room) -> None:
    """A log driver without a stream prefix names the stream by the container's runtime id."""
    container = SandboxContainer(name="app", image="shop:2", stream_prefix="")
    service = room.shop()
    service.roll_out(containers=[container], at=room.ago(8))
    service.log("hello", at=room.ago(5))
    assert room.verify(logs=HELLO).statuses["logs-1"] == "pass"


def test_only_the_judged_container_is_read(room: Room) -> None:
    """The lines of a sidecar are not the lines of the image."""
    room.aws.push_image("proxy:1", {"p": "1"}, at=room.ago(600))
    service = room.shop()
    containers = [SandboxContainer(name="app", image="shop:2"), SandboxContainer(name="proxy", image="proxy:1")]
    service.roll_out(containers=containers, at=room.ago(8))
    service.log("hello", at=room.ago(5), container="proxy")
    service.log("started", at=room.ago(5))
    assert room.verify(logs=HELLO).statuses["logs-1"] == "fail"


def test_one_of_the_tasks_lacks_the_line(room: Room) -> None:
    """`all` fails and names the task, `any` passes."""
    service = room.shop(desired=2)
    service.roll_out(at=room.ago(8))
    first, second = service.running_tasks
    first.log("hello", at=room.ago(5))
    second.log("started", at=room.ago(5))
    seen = room.verify(logs=[*HELLO, {"expect": "hello", "tasks": "all"}])
    assert (seen.statuses["logs-1"], seen.statuses["logs-2"]) == ("pass", "fail")
    assert second.id in seen.finding("logs-2").summary
    assert first.id not in seen.finding("logs-2").summary


def test_a_missing_line_of_a_driver_that_may_drop_lines(room: Room) -> None:
    """It is a failure, with the note that lines may have been dropped."""
    container = SandboxContainer(name="app", image="shop:2", mode="non-blocking")
    service = room.shop()
    service.roll_out(containers=[container], at=room.ago(8))
    service.log("started", at=room.ago(5))
    finding = room.verify(logs=HELLO).finding("logs-1")
    assert finding.status == "fail"
    assert "non-blocking" in " ".join(finding.notes)


def test_many_pages_some_of_them_empty(room: Room) -> None:
    """All pages are read, one event each, with empty ones between them."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    for number in range(4):
        service.log(f"item #{number}", at=room.ago(5) + timedelta(seconds=number))
    room.aws.page_logs(size=1, empty_pages=True)
    seen = room.verify(logs=[{"expect_regex": r"item #\d", "count": 4}])
    assert seen.statuses["logs-1"] == "pass"
    assert len(seen.finding("logs-1").evidence["matches"]) == 3
    assert seen.finding("logs-1").evidence["events"] == 4


def test_a_line_is_counted_once_however_often_it_is_read(room: Room) -> None:
    """Looks overlap; an event that is read again does not count again."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("item", at=room.ago(0.2))
    # Long enough for several readings on a busy machine.
    seen = room.verify(logs=[{"expect": "item", "count": 2}], log_wait="3s")
    assert seen.asked["logs:FilterLogEvents"] > 2
    assert seen.statuses["logs-1"] == "fail"
    assert "1 of 2" in seen.finding("logs-1").summary


@pytest.mark.parametrize("clock_offset", [timedelta(hours=3), timedelta(hours=-3)])
def test_the_window_follows_the_servers_clock(room: Room) -> None:
    """On a machine whose clock is wrong, lines are still found, late ones included."""
    service = room.shop()
    service.roll_out(at=room.ago(8))
    service.log("started", at=room.ago(5))
    speaker = threading.Timer(0.6, lambda: service.log("hello"))
    speaker.start()
    try:
        seen = room.verify(logs=[*HELLO, {"expect": "started"}], log_wait="3s")
    finally:
        speaker.join()
    assert (seen.statuses["logs-1"], seen.statuses["logs-2"]) == ("pass", "pass")
