"""The timeline: merged, in order, each event with its source."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from support.judging import timeline
from support.runs import run_of, summary
from support.worlds import (
    LATER,
    NEW,
    OLD,
    OLD_DEFINITION,
    OLD_ROLLOUT,
    ROLLOUT,
    clock,
    completed,
    deployment,
    found,
    gone,
    judged,
    never_restarted,
    old_image,
    old_task,
    record,
    reference,
    revision,
    rolled_back,
    service,
    task,
)
from support.worlds_health import alarm, baseline, change, in_sets, old_set, stopped, task_set

from pytest_deploycheck.facts.health import Health
from pytest_deploycheck.facts.image import ImageConfig
from pytest_deploycheck.facts.rollout import RevisionImage
from pytest_deploycheck.facts.service import ServiceEvent
from pytest_deploycheck.facts.snapshot import Identity, ServiceFacts
from pytest_deploycheck.judge.finding import Check
from pytest_deploycheck.report.document import document
from pytest_deploycheck.sandbox import stops as aws


def log_check(number: int) -> Check:
    """Return the check of a declared log expectation."""
    return Check(f"logs-{number}", "logs")


def told(world: ServiceFacts, *findings: Any) -> list[tuple[str, str, str, str]]:
    """The timeline: time of the day, what, detail, source."""
    return [(f"{one.at:%H:%M:%S}", one.what, one.detail, one.source) for one in timeline(world, findings)]


def only(world: ServiceFacts, what: str, *findings: Any) -> list[tuple[str, str, str]]:
    """The moments of one kind: time of the day, detail, source."""
    return [(at, detail, source) for at, kind, detail, source in told(world, *findings) if kind == what]


def test_everything_is_merged_in_the_order_of_its_times() -> None:
    """Built, pushed, rolled out, started, stopped, alarms, lines: one order, whatever the source."""
    config = ImageConfig("sha256:c", created_at=clock("10:55"))
    lookup = found()
    assert lookup.image is not None
    expected = replace(lookup, image=replace(lookup.image, configs=(config,)))
    line = replace(
        log_check(1).passes("said"), evidence={"first_at": clock("11:09").isoformat(), "expectation": "Found 3"}
    )
    world = completed(
        judged=[judged(expected)],
        records=[record(finished_at=clock("11:12")), record(1, began=OLD_ROLLOUT)],
        tasks=[task("one"), stopped(aws.CRASHED, name="two", at="11:07")],
        service=service(
            deployment(), events=[ServiceEvent(clock("11:11"), "(service shop) has reached a steady state.")]
        ),
        health=Health(alarms=(alarm("shop-5xx", "OK", change("11:08", "OK", "ALARM")),)),
    )
    short = f"shop {NEW[:19]}"
    assert told(world, line) == [
        ("10:55:00", "image built", f"{short}, by the builder's clock", "image config"),
        ("11:00:00", "image pushed", short, "ecr:DescribeImages"),
        (
            "11:05:00",
            "tag moved",
            f"v2: {OLD[:19]} at 2025-11-26 08:05:00 UTC, then {NEW[:19]}",
            "ecs:DescribeServiceRevisions",
        ),
        ("11:05:00", "rollout started", "ecs-svc/2", "ecs:DescribeServiceDeployments"),
        ("11:06:00", "task started", "one", "ecs:DescribeTasks"),
        ("11:06:00", "task started", "two", "ecs:DescribeTasks"),
        ("11:07:00", "task stopped", f"two EssentialContainerExited {aws.EXITED}", "ecs:DescribeTasks"),
        ("11:08:00", "alarm", "shop-5xx: OK to ALARM", "cloudwatch:DescribeAlarmHistory"),
        ("11:09:00", "first expected line", "Found 3", "logs:FilterLogEvents"),
        ("11:11:00", "service event", "(service shop) has reached a steady state.", "ecs:DescribeServices"),
        ("11:12:00", "rollout ended", "SUCCESSFUL", "ecs:DescribeServiceDeployments"),
    ]


def test_only_the_first_expected_line_is_reported() -> None:
    """Several expectations held: the first line of the new code is the earliest of them."""
    lines = [
        replace(log_check(number).passes("said"), evidence={"first_at": clock(at).isoformat(), "expectation": said})
        for number, at, said in ((1, "11:12", "later"), (2, "11:09", "first"), (3, "11:09", "as early"))
    ]
    silent = replace(log_check(4).unproven("nothing"), evidence={"first_at": None, "expectation": "never"})
    (heard,) = only(completed(), "first expected line", *lines, silent)
    assert heard[0] == "11:09:00"


def test_a_deployments_own_time_where_there_is_no_record() -> None:
    """Told by deployments alone, the source says so; when it ended they do not tell."""
    world = completed("deployments alone")
    assert only(world, "rollout started") == [("11:05:00", "ecs-svc/2", "ecs:DescribeServices")]
    assert only(world, "rollout ended") == []


def test_an_image_that_is_not_there_hides_no_other() -> None:
    """One judged container has no image in its registry: that of the other was pushed all the same."""
    world = completed(judged=[judged(gone("tag")), judged(container="proxy")])
    assert only(world, "image pushed") == [("11:00:00", f"shop {NEW[:19]}", "ecr:DescribeImages")]


def test_an_alarm_whose_state_before_is_not_known() -> None:
    """The change of an alarm from a state that CloudWatch does not tell came from an unknown one."""
    world = completed(health=Health(alarms=(alarm("shop-5xx", "OK", change("11:08", "", "ALARM")),)))
    assert [detail for _, detail, _ in only(world, "alarm")] == ["shop-5xx: unknown to ALARM"]


def test_a_task_set_began_too() -> None:
    """With another controller the task set is the rollout."""
    world = in_sets(task_set(), old_set(), tasks=[task("one")])
    assert only(world, "rollout started") == [("11:05:00", "ecs-svc/2", "ecs:DescribeServices")]


def test_a_rollback_is_reported_with_its_reason() -> None:
    """The start of the rollback, and its reason."""
    back = record(status="ROLLBACK_SUCCESSFUL", rollback_reason="Alarm shop-5xx", rolled_back_at=clock("11:09"))
    world = rolled_back("service deployments", records=[back])
    assert only(world, "rollback started") == [("11:09:00", "Alarm shop-5xx", "ecs:DescribeServiceDeployments")]


def test_events_from_before_the_rollout_are_left_out() -> None:
    """The events that ECS reported for earlier rollouts are no part of this timeline."""
    said = [ServiceEvent(clock("11:06"), "new"), ServiceEvent(clock("08:06"), "old")]
    world = completed(service=service(deployment(), events=said))
    assert [detail for _, detail, _ in only(world, "service event")] == ["new"]


def test_what_runs_instead_has_its_push_time_too() -> None:
    """If another image runs, when that was pushed stands beside when the expected one was."""
    world = never_restarted()
    assert only(world, "running image pushed") == [("08:00:00", f"shop {OLD[:19]}", "ecr:DescribeImages")]
    assert only(world, "image pushed") == [("11:00:00", f"shop {NEW[:19]}", "ecr:DescribeImages")]


def test_a_tag_that_moved_is_seen_between_two_rollouts() -> None:
    """Two rollouts resolved one tag to two digests: it moved at some time before the second."""
    latest = reference("latest")

    def resolved(number: int, of: str) -> Any:
        one = revision(number, of)
        return replace(one, images=(replace(one.images[0], image=str(latest)),))

    world = completed(judged=[judged(found(named=latest))], revisions=[resolved(2, NEW), resolved(1, OLD)])
    (moved,) = only(world, "tag moved")
    assert moved[0] == "11:05:00"
    assert f"latest: {OLD[:19]}" in moved[1]
    assert NEW[:19] in moved[1]
    assert moved[2] == "ecs:DescribeServiceRevisions"
    same = completed(judged=[judged(found(named=latest))], revisions=[resolved(2, NEW), resolved(1, NEW)])
    assert only(same, "tag moved") == []


def test_a_baseline_saw_what_the_tag_was() -> None:
    """The report from before knows what the tag stood for then; it is the source where it saw another image first."""
    world = completed(baseline=baseline(), revisions=[revision()])
    (moved,) = only(world, "tag moved")
    assert f"v2: {OLD[:19]} at 2025-11-26 10:00:00 UTC" in moved[1]
    between, again = only(completed(baseline=baseline(LATER)), "tag moved")
    assert between == ("10:00:00", f"v2: {OLD[:19]} at 2025-11-26 08:05:00 UTC, then {LATER[:19]}", "baseline")
    assert again[0] == "11:05:00"


def test_another_tag_or_a_pinned_digest_tells_of_no_move() -> None:
    """A definition that names another tag than before moved nothing."""
    first = replace(revision(1, OLD), images=(RevisionImage("app", str(reference("v1")), OLD),))
    assert only(completed(revisions=[revision(), first]), "tag moved") == []
    pinned = judged(found(named=reference(None, pinned=NEW)))
    assert only(completed(judged=[pinned], baseline=baseline()), "tag moved") == []


def test_what_is_not_known_is_left_out() -> None:
    """No time is made up: without a service, tasks or an image there is nothing to tell."""
    assert timeline(completed("deployments alone", service=None, tasks=None, judged=[], running_images=[])) == ()


def test_a_task_that_never_ran_only_stopped() -> None:
    """A task whose image could not be pulled has an end, and no start."""
    world = completed(tasks=[stopped(aws.NO_SECRETS, name="two")])
    assert only(world, "task started") == []
    assert len(only(world, "task stopped")) == 1


def test_the_report_has_it_in_utc_and_fit_to_be_shown() -> None:
    """In the JSON each moment has its time, and nothing in it that was not expected to be read."""
    bad = stopped(code="EssentialContainerExited", reason="\x1b[2J password=hunter2222", exit_code=1)
    world = completed(
        tasks=[task("one"), bad],
        service=service(deployment(), events=[ServiceEvent(ROLLOUT, "token=abcdef123456\x07")]),
    )
    written = document(run_of(world))["services"][0]["timeline"]
    assert [one["at"] for one in written] == sorted(one["at"] for one in written)
    assert all(one["at"].endswith("Z") for one in written)
    assert "hunter2222" not in str(written)
    assert "abcdef123456" not in str(written)
    assert "\x1b" not in "".join(one["detail"] for one in written)


def test_a_skewed_clock_of_this_machine_is_noticed_and_noted() -> None:
    """Times are the servers'; where this machine's clock is off that is in the report, and said where it may matter."""
    run = run_of(never_restarted())
    for offset, said in ((90.0, "90 s behind"), (-90.0, "90 s ahead")):
        identity = replace(run.observation.identity, clock_offset=offset)
        skewed = replace(run, observation=replace(run.observation, identity=identity))
        assert any(said in line for line in summary(skewed))
        assert document(skewed)["clock_offset_seconds"] == offset
    assert not any("clock" in line for line in summary(run))
    assert isinstance(run.observation.identity, Identity)


def test_old_tasks_are_part_of_the_story() -> None:
    """The start and stop of the old tasks are included: they show which code served at which time."""
    gone = old_task("old", status="STOPPED", desired_status="STOPPED", stopped_at=clock("11:08"))
    world = completed(
        tasks=[task("one"), gone], running_images=[old_image()], service=service(deployment(brings=OLD_DEFINITION))
    )
    assert [detail for _, detail, _ in only(world, "task started")] == ["old", "one"]
    assert only(world, "task stopped")[0][0] == "11:08:00"


def test_the_tag_of_a_pinned_reference_does_not_move() -> None:
    """A reference with a digest names that image wherever its tag is, and one without a tag has none to move."""
    before = revision(1, OLD, brings=OLD_DEFINITION)
    for pinned in (reference("v2", pinned=NEW), reference(None, pinned=NEW)):
        images = tuple(replace(one, image=str(pinned)) for one in revision().images)
        earlier = tuple(replace(one, image=str(pinned)) for one in before.images)
        world = completed(
            judged=[judged(pulled=found(named=pinned))],
            revisions=[replace(revision(), images=images), replace(before, images=earlier)],
        )
        assert only(world, "tag moved") == []


def test_what_has_no_known_time_is_no_event() -> None:
    """An image without a build time, and those of which the registry does not tell the push, are left out."""
    lookup = found(pushed_at=None)
    assert lookup.image is not None
    lookup = replace(lookup, image=replace(lookup.image, configs=(ImageConfig("sha256:config"),)))
    world = completed(judged=[judged(lookup)], running_images=[replace(old_image(), pushed_at=None)])
    assert {what for _, what, _, _ in told(world)}.isdisjoint({"image built", "image pushed", "running image pushed"})
    assert told(world)
