"""The image to roll back to, and whether the summary proposes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from support.judging import no_target, rollback_target
from support.runs import findings_of, logs_finding, run_of, summary
from support.worlds import (
    LATER,
    NEW,
    OLD,
    OLD_DEFINITION,
    OLD_PUSHED,
    OLD_ROLLOUT,
    REVISION,
    clock,
    completed,
    crashed,
    digest,
    failed,
    image,
    judged,
    never_pulled,
    never_restarted,
    old_task,
    record,
    reference,
    revision,
    rolled_back,
    rolling,
    task,
)
from support.worlds_health import baseline

from pytest_deploycheck.facts.image import Image
from pytest_deploycheck.facts.rollout import Revision, RevisionImage
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.judge.finding import TARGETS_HEALTHY, Finding
from pytest_deploycheck.judge.verdict import UserTest, Verdict
from pytest_deploycheck.report.document import document

OLDEST = digest("9")


def older(of: str = OLD, tag: str = "v1") -> Image:
    """An image from before that is still in the registry under its tag."""
    return image(of, pushed_at=OLD_PUSHED, named=reference(tag), tags=(tag,))


def brought(number: int, of: str, tag: str, definition: str = OLD_DEFINITION) -> Revision:
    """The revision by which a rollout brought an image by its tag."""
    return Revision(f"{REVISION}/{number}", definition, (RevisionImage("app", str(reference(tag)), of),))


def with_history(*ran: Image, has_earlier: bool | None = True, **changes: Any) -> ServiceFacts:
    """The new image runs, and these are still in the registry that ran before."""
    ran_before: dict[str, Any] = {
        "records": [record(), record(1, began=OLD_ROLLOUT)],
        "revisions": [revision(), brought(1, OLD, "v1")],
    }
    base = completed(**{**ran_before, **changes})
    return replace(base, judged=(replace(judged(), ran_before=ran, has_earlier=has_earlier),))


def refuted(world: ServiceFacts) -> list[str]:
    """The summary where a forbidden line was logged."""
    return summary(run_of(world, findings_of(world, logs_finding(kind="forbid"))))


def test_the_image_of_the_rollout_before_is_the_target() -> None:
    """It ran, its rollout completed and it is in the registry: the definition that brought it brings it back."""
    target = rollback_target(with_history(older()))
    assert target is not None
    assert (target.image.digest, target.ran_at, target.is_verified) == (OLD, OLD_ROLLOUT, False)
    assert "update-service" in target.command
    assert "--task-definition shop:7" in target.command
    assert str(target).startswith("shop sha256:aaaaaaaaaaaa")
    assert "ran since 2025-11-26 08:05:00 UTC" in str(target)
    assert "verified" not in str(target)


def test_where_only_the_newest_record_was_read_what_it_replaced_is_the_target() -> None:
    """A service on which all is well has a way back in its report too; since when that ran is not known."""
    records = [record(sources=(f"{REVISION}/1",))]
    world = replace(with_history(older(), older(OLDEST, "v0"), records=records), has_history=False)
    target = rollback_target(world)
    assert target is not None
    assert (target.image.digest, target.ran_at, target.is_verified) == (OLD, None, False)
    assert "--task-definition shop:7" in target.command
    assert document(run_of(world))["services"][0]["rollback"]["digest"] == OLD
    assert rollback_target(replace(world, has_history=True)) is None
    going_on = replace(world, service_deployments=(replace(records[0], status="IN_PROGRESS"),))
    assert rollback_target(going_on) is None


def test_a_rollout_in_progress_is_stopped_to_return_to_the_image_before() -> None:
    """ECS itself returns to the last completed rollout, so the command stops the one in progress."""
    records = [record(status="IN_PROGRESS"), record(1, began=OLD_ROLLOUT)]
    target = rollback_target(with_history(older(), records=records))
    assert target is not None
    assert "stop-service-deployment" in target.command
    assert "--stop-type ROLLBACK" in target.command
    assert records[0].arn in target.command


def test_stopping_a_rollout_is_not_proposed_where_it_would_return_to_another_image() -> None:
    """The image came with a rollout before the last completed one: only its own task definition brings it back."""
    records = [record(3, status="IN_PROGRESS"), record(2, began=OLD_ROLLOUT), record(1, began=OLD_ROLLOUT)]
    target = rollback_target(with_history(older(), records=records))
    assert target is not None
    assert "stop-service-deployment" not in target.command
    assert "--task-definition shop:7" in target.command


def test_a_tag_that_moved_is_moved_back() -> None:
    """The definition names a tag that now is the new image: the old one needs that tag again, and a rollout."""
    latest = reference("latest")
    world = with_history(
        image(OLD, pushed_at=OLD_PUSHED, named=latest, tags=()), revisions=[revision(), brought(1, OLD, "latest")]
    )
    world = replace(world, judged=(replace(world.judged[0], pulled=replace(world.judged[0].pulled, reference=latest)),))
    target = rollback_target(world)
    assert target is not None
    place = f"{latest.host}/shop"
    copied = f"docker buildx imagetools create --tag {place}:latest {place}@{OLD}"
    assert target.command.startswith(f"{copied} && aws ecs update-service ")
    assert "--force-new-deployment" in target.command


def test_a_pinned_digest_needs_another_definition() -> None:
    """If the definition pins a digest no tag helps: another definition has to name the old image."""
    pinned = reference(None, pinned=NEW)
    world = with_history(older(), revisions=[])
    lookup = replace(world.judged[0].pulled, reference=pinned)
    world = replace(world, judged=(replace(world.judged[0], pulled=lookup),), baseline=baseline())
    target = rollback_target(world)
    assert target is not None
    assert "--task-definition FAMILY:REVISION" in target.command


def test_what_was_verified_is_preferred() -> None:
    """A baseline that verified an older image outweighs a newer one of which only its rollout is known."""
    world = with_history(
        older(LATER, "v1.5"),
        older(),
        records=[record(), record(5, began=clock("10:00")), record(1, began=OLD_ROLLOUT)],
        revisions=[revision(), brought(5, LATER, "v1.5"), brought(1, OLD, "v1")],
    )
    newest = rollback_target(world)
    assert newest is not None
    assert newest.image.digest == LATER
    verified = rollback_target(replace(world, baseline=baseline(is_verified=True)))
    assert verified is not None
    assert (verified.image.digest, verified.is_verified) == (OLD, True)
    assert "verified then" in str(verified)
    unverified = rollback_target(replace(world, baseline=baseline(is_verified=False)))
    assert unverified is not None
    assert unverified.image.digest == LATER


@pytest.mark.parametrize("status", ["STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"])
def test_an_image_whose_rollout_did_not_complete_is_none(status: str) -> None:
    """Nobody rolls back to what was rolled back itself."""
    world = with_history(older(), records=[record(), record(1, began=OLD_ROLLOUT, status=status)])
    assert rollback_target(world) is None


def test_an_image_that_only_was_pushed_is_none() -> None:
    """An image that no rollout brought, and no baseline saw, is no way back."""
    world = with_history(older(OLDEST, "v0"))
    assert rollback_target(world) is None
    assert rollback_target(with_history()) is None


def test_without_service_deployments_the_baseline_tells() -> None:
    """If ECS keeps no records the baseline alone knows what ran; when its rollout was it does not know."""
    base = completed("deployments alone", baseline=baseline(is_verified=True))
    target = rollback_target(replace(base, judged=(replace(judged(), ran_before=(older(),)),)))
    assert target is not None
    assert target.ran_at is None
    assert "ran before, verified then" in str(target)


def test_several_containers_have_no_one_way_back() -> None:
    """Each container has a history of its own: none is called the target."""
    two = replace(with_history(older()), judged=(judged(), judged(container="proxy")))
    assert rollback_target(two) is None


# What is said of it.


def test_a_rollback_is_proposed_where_the_expected_image_does_harm() -> None:
    """The expected image runs and logged a forbidden line: the image to roll back to, and the command."""
    lines = refuted(with_history(older()))
    assert lines[0].startswith("REFUTED")
    text = "\n".join(lines)
    assert "roll back to: shop sha256:aaaaaaaaaaaa" in text
    assert "roll back with:\n    aws ecs update-service" in text


def test_where_all_is_well_it_is_not_noted() -> None:
    """A verified service gets no proposal to roll back."""
    lines = summary(run_of(with_history(older())))
    assert lines[0].startswith("VERIFIED")
    assert len(lines) == 1


@pytest.mark.parametrize(
    "world", [rolled_back("service deployments"), never_restarted(), failed("service deployments")]
)
def test_no_rollback_is_proposed_where_the_old_code_runs(world: ServiceFacts) -> None:
    """ECS rolled back already, or nothing was rolled out: a rollback would replace the good code."""
    known = replace(
        world,
        judged=tuple(replace(one, ran_before=(older(),)) for one in world.judged),
        baseline=baseline(is_verified=True),
    )
    lines = summary(run_of(known))
    assert lines[0].startswith("REFUTED")
    assert "roll back" not in "\n".join(lines)


def test_where_there_is_none_that_is_noted_in_every_run() -> None:
    """No earlier image is left: advice in a verified run as well as in a refuted one."""
    world = with_history(has_earlier=False)
    assert no_target(world) == "no earlier image is left in the repository to roll back to"
    for lines in (summary(run_of(world)), refuted(world)):
        assert sum("no earlier image is left" in line for line in lines) == 1


def test_images_that_never_ran_are_told_from_none() -> None:
    """Others are left in the repository, but none that ran."""
    told = "no image that ran before is left in the repository to roll back to, only others that were pushed"
    assert no_target(with_history(has_earlier=True)) == told


@pytest.mark.parametrize("world", [with_history(older()), with_history(has_earlier=None)])
def test_nothing_is_noted_where_there_is_one_or_nothing_is_known(world: ServiceFacts) -> None:
    """A repository that was not read is not called empty."""
    assert no_target(world) == ""


def test_the_report_keeps_the_way_back() -> None:
    """Digest, tags, since when, whether it was verified, and the command; null where there is none."""
    written = document(run_of(with_history(older())))["services"][0]["rollback"]
    assert written["digest"] == OLD
    assert written["tags"] == ["v1"]
    assert written["ran_at"] == "2025-11-26T08:05:00Z"
    assert written["verified"] is False
    assert "update-service" in written["command"]
    assert document(run_of(with_history()))["services"][0]["rollback"] is None


# Whether it is proposed.


def proposes(world: ServiceFacts, *findings: Finding, tests: Sequence[UserTest] = ()) -> bool:
    """Return True if the summary proposes a rollback: the findings of the default checks, with some in addition."""
    known = replace(world, judged=tuple(replace(one, ran_before=(older(),)) for one in world.judged))
    known = replace(known, baseline=baseline(is_verified=True))
    report = run_of(known, [*findings_of(known), *findings], tests=tests)
    assert report.verdict is not Verdict.VERIFIED
    return "roll back with" in "\n".join(summary(report))


UNHEALTHY = TARGETS_HEALTHY.fails("1 of 2 new tasks not healthy", remedy="fix it")


def test_a_failed_check_of_health_proposes_a_rollback() -> None:
    """The expected image runs and its targets are unhealthy."""
    assert proposes(completed(), UNHEALTHY)


def test_a_missing_line_proposes_no_rollback() -> None:
    """An expected line that is missing may have been misspelt, or its code was not reached."""
    assert not proposes(completed(), logs_finding("another line"))


@pytest.mark.parametrize("outcome", ["failed", "error", "unproven"])
def test_a_failed_test_proposes_no_rollback(outcome: str) -> None:
    """A test of the user may fail for a reason of its own, or be broken, as by a misspelt fixture."""
    failed_test = UserTest("test_a.py::test_a", outcome, ("backend",))
    assert not proposes(completed(), tests=[failed_test])


@pytest.mark.parametrize("finding", [UNHEALTHY, logs_finding(kind="forbid")], ids=["health", "forbidden line"])
def test_no_rollback_is_proposed_while_a_rollout_is_going_on(finding: Finding) -> None:
    """ECS may still end the rollout by itself."""
    assert not proposes(rolling("service deployments", task("one"), old_task("two")), finding)


def test_crashing_tasks_propose_a_rollback() -> None:
    """Tasks of the expected image ran and stopped, so that too few are left."""
    ran = crashed()
    world = completed(tasks=[task("one"), ran])
    assert proposes(world)
    assert proposes(failed("deployments alone", tasks=[old_task("one"), old_task("two"), ran]))


def test_tasks_that_never_ran_propose_no_rollback() -> None:
    """An image that could not be pulled does no harm that a rollback would end."""
    assert not proposes(failed("deployments alone", tasks=[old_task("one"), old_task("two"), never_pulled()]))
