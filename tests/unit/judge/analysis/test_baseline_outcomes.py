"""Outcomes that an earlier report makes certain, and that are otherwise inferred and marked so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.judging import judge_complete, rule
from support.runs import run_of
from support.worlds import (
    LATER,
    LATER_ROLLOUT,
    NEW,
    OLD,
    OLD_ROLLOUT,
    ROLLOUT,
    WAYS,
    Way,
    clock,
    completed,
    deployment,
    found,
    image,
    judged,
    later_image,
    never_restarted,
    old_image,
    old_task,
    record,
    reference,
    rolled_back,
    service,
    superseded,
    task,
)
from support.worlds_health import baseline, old_tasks

from pytest_deploycheck.config.baseline import read_baselines
from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.newest_rollout import Outcome
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.report.document import to_text
from pytest_deploycheck.report.finding import explain_finding


def look(world: ServiceFacts, before: Previous | None, outcome: Outcome) -> Finding:
    """Return the finding of `rollout-complete` after this baseline."""
    known = replace(world, baseline=before)
    assert rule(known).outcome is outcome
    return judge_complete(known, waited=0)


def is_inferred(finding: Finding) -> bool:
    """Return True if a finding is marked as inferred, with what would make it certain."""
    return any("inferred from" in note and "--deploy-baseline" in note for note in finding.notes)


def unknown_push(world: ServiceFacts) -> ServiceFacts:
    """As a world in which the registry does not tell when the expected image was pushed."""
    lookups = [replace(one, expected=replace(one.expected, image=image(pushed_at=None))) for one in world.judged]
    return replace(world, judged=tuple(lookups))


# Nothing began since.


@pytest.mark.parametrize("way", WAYS)
def test_without_a_baseline_never_started_is_inferred_from_times(way: Way) -> None:
    """Only times say that no rollout began since the push: that is said, and what would make it certain."""
    assert is_inferred(look(never_restarted(way), None, Outcome.NOT_STARTED))


@pytest.mark.parametrize("way", WAYS)
def test_a_baseline_makes_never_started_certain(way: Way) -> None:
    """The newest rollout is the one the baseline saw, and the tasks run something else: that needs no times."""
    for world in (never_restarted(way), unknown_push(never_restarted(way))):
        finding = look(world, baseline(), Outcome.NOT_STARTED)
        assert not is_inferred(finding)
        assert "no rollout began since the baseline of 2025-11-26 10:00:00 UTC" in finding.summary
        assert "ecs-svc/1" in finding.summary


@pytest.mark.parametrize("way", WAYS)
def test_without_times_and_without_a_baseline_nothing_is_made_up(way: Way) -> None:
    """Neither a push time nor a baseline: that no rollout began cannot be said."""
    assert rule(unknown_push(never_restarted(way))).outcome is not Outcome.NOT_STARTED


@pytest.mark.parametrize("way", WAYS)
def test_another_rollout_than_the_baselines_is_no_proof(way: Way) -> None:
    """A rollout began since the baseline: whether it was one to the expected image the baseline does not tell."""
    before = baseline(rollout="ecs-svc/0", began=clock("06:00"))
    finding = look(unknown_push(never_restarted(way)), before, rule(unknown_push(never_restarted(way))).outcome)
    assert "no rollout began since the baseline" not in explain_finding(finding)


@pytest.mark.parametrize("way", WAYS)
def test_the_rollouts_time_is_as_good_as_its_id(way: Way) -> None:
    """ECS's record and its deployment have different ids: the baseline may know either, and the time is the same."""
    before = baseline(rollout="arn:aws:ecs:us-east-1:123456789012:service-deployment/shop-cluster/shop/1")
    assert not is_inferred(look(never_restarted(way), before, Outcome.NOT_STARTED))


# Nothing new.


@pytest.mark.parametrize("way", WAYS)
def test_a_rebuild_that_comes_out_the_same_is_noted(way: Way) -> None:
    """The tasks ran this very digest before, and a rollout began since: it passes, and ships nothing new."""
    finding = look(completed(way), baseline(NEW, running=[NEW]), Outcome.COMPLETED)
    assert finding.status is Status.PASS
    assert any("nothing new was shipped" in note and "though a rollout began since" in note for note in finding.notes)


@pytest.mark.parametrize("way", WAYS)
def test_a_deployment_that_was_none_is_noted(way: Way) -> None:
    """The same digest, and the same rollout: nothing was done at all."""
    before = baseline(NEW, rollout="ecs-svc/2", began=ROLLOUT, running=[NEW])
    finding = look(completed(way), before, Outcome.COMPLETED)
    assert any("nothing new was shipped" in note and "no rollout began since" in note for note in finding.notes)


@pytest.mark.parametrize("way", WAYS)
def test_a_new_digest_is_not_called_old(way: Way) -> None:
    """An image that the tasks did not run before is new."""
    for before in (baseline(), None):
        finding = look(completed(way), before, Outcome.COMPLETED)
        assert not any("nothing new" in note for note in finding.notes)


# A later image.


@pytest.mark.parametrize("way", WAYS)
def test_without_a_baseline_superseded_is_inferred_from_times(way: Way) -> None:
    """Push times alone say that what runs is a later image: that is said, and what would make it certain."""
    assert is_inferred(look(superseded(way), None, Outcome.SUPERSEDED))


@pytest.mark.parametrize("way", WAYS)
def test_a_baseline_makes_superseded_certain(way: Way) -> None:
    """Neither what runs nor what was expected ran before, and a rollout began since: what runs came after."""
    unpushed = [replace(later_image(), pushed_at=None)]
    for world in (superseded(way), superseded(way, running_images=unpushed), superseded(way, running_images=[])):
        assert not is_inferred(look(world, baseline(), Outcome.SUPERSEDED))


@pytest.mark.parametrize("way", WAYS)
def test_a_baseline_that_saw_what_runs_rules_superseded_out(way: Way) -> None:
    """The running image ran before: it is no later image, whatever its push time is."""
    world = replace(
        superseded(way), baseline=baseline(LATER, running=[LATER], rollout="ecs-svc/0", began=clock("06:00"))
    )
    assert rule(world).outcome is not Outcome.SUPERSEDED
    assert judge_complete(world, waited=0).status is not Status.ERROR


@pytest.mark.parametrize("way", WAYS)
def test_an_older_image_that_the_baseline_did_not_see_does_not_supersede(way: Way) -> None:
    """An image older than the expected one was deployed: it was not running before, and is no later one."""
    pulled = found(OLD, named=reference("v1"), pushed_at=clock("08:00"), tags=("v1",))
    world = superseded(
        way,
        judged=[judged(pulled=pulled)],
        tasks=[task(name, OLD, by="ecs-svc/3") for name in ("one", "two")],
        running_images=[old_image()],
    )
    assert rule(replace(world, baseline=baseline(LATER, running=[LATER]))).outcome is not Outcome.SUPERSEDED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "before",
    [
        baseline(seen="11:30"),
        replace(baseline(), seen_at=LATER_ROLLOUT),
        replace(baseline(), seen_at=None),
        baseline(running=()),
    ],
    ids=["after the rollout began", "at that moment", "at an unknown time", "no task ran"],
)
def test_a_baseline_that_did_not_see_what_ran_before_the_rollout(way: Way, before: Previous) -> None:
    """Only a report from before the newest rollout, with tasks in it, tells that what runs is a later image."""
    assert clock("11:30") > LATER_ROLLOUT
    unpushed = [replace(later_image(), pushed_at=None)]
    assert rule(replace(superseded(way, running_images=unpushed), baseline=before)).outcome is not Outcome.SUPERSEDED


@pytest.mark.parametrize("way", WAYS)
def test_tasks_that_run_the_expected_image_are_not_superseded(way: Way) -> None:
    """The task definition names a later image, and all tasks run the expected one: no later image replaced it."""
    look(superseded(way, tasks=[task("one"), task("two")], running_images=[]), baseline(), Outcome.COMPLETED)


@pytest.mark.parametrize("way", WAYS)
def test_a_baseline_does_not_soften_a_rollback(way: Way) -> None:
    """The image that ran before runs again: the rollout was undone all the same."""
    look(rolled_back(way), baseline(), Outcome.ROLLED_BACK)


# Which baseline counts.


@pytest.mark.parametrize("world", [completed, never_restarted, rolled_back, superseded])
def test_a_baseline_of_another_environment_is_noted(world: Callable[[Way], ServiceFacts]) -> None:
    """It does not count, and whoever gave it is told so, whether the rollout passes or fails."""
    message = "The baseline before.json is of 'prod' (account 1, eu-west-1), not of 'dev' (account 2, us-east-1)."
    base = world("service deployments")
    other = replace(base, problems={"baseline": Problem("", "BaselineOfAnother", message, "Give another.")})
    finding = judge_complete(other, waited=0)
    assert finding.status is judge_complete(base, waited=0).status
    assert message in finding.notes


@pytest.mark.parametrize("way", WAYS)
def test_a_report_serves_as_the_baseline_of_the_next_run(way: Way, tmp_path: Path) -> None:
    """A report from before the deployment proves to the next run, without loss, that no rollout began since."""
    before = completed(
        way,
        service=service(deployment("ecs-svc/1", began=OLD_ROLLOUT)),
        records=[record(1, began=OLD_ROLLOUT)],
        revisions=[],
        tasks=old_tasks("one", "two"),
        judged=[judged(found(OLD, pushed_at=clock("08:00")))],
    )
    report = run_of(before)
    assert report.verdict is Verdict.VERIFIED
    file = tmp_path / "before.json"
    file.write_text(to_text(report))
    read = read_baselines(file, "--deploy-baseline")[0]
    assert (read.environment, read.account, read.region) == ("dev", "123456789012", "us-east-1")
    previous = read.services["backend"]
    assert (previous.digest, previous.running, previous.rollout) == (OLD, (OLD,), "ecs-svc/1")
    assert (previous.rollout_began_at, previous.seen_at) == (OLD_ROLLOUT, clock("11:40"))
    assert previous.is_verified
    world = unknown_push(never_restarted(way, judged=[judged(found(NEW))]))
    assert not is_inferred(look(world, previous, Outcome.NOT_STARTED))


def test_a_report_that_was_not_verified_is_no_verified_baseline(tmp_path: Path) -> None:
    """A refuted run's report tells what ran, not that it worked."""
    file = tmp_path / "before.json"
    file.write_text(to_text(run_of(never_restarted())))
    previous = read_baselines(file, "--deploy-baseline")[0].services["backend"]
    assert not previous.is_verified
    assert previous.running == (OLD,)


def test_a_baseline_in_which_several_digests_ran(tmp_path: Path) -> None:
    """A report from the middle of a rollout knows every digest that ran then."""
    mixed = completed(tasks=[task("one"), old_task("two")], running_images=[old_image()])
    file = tmp_path / "before.json"
    file.write_text(to_text(run_of(mixed)))
    assert set(read_baselines(file, "--deploy-baseline")[0].services["backend"].running) == {OLD, NEW}


@pytest.mark.parametrize("way", WAYS)
def test_a_baseline_that_does_not_tell_leaves_it_inferred(way: Way) -> None:
    """Another rollout was the newest then, so that only times say that none began since the push."""
    before = baseline(rollout="ecs-svc/0", began=clock("06:00"))
    finding = look(never_restarted(way), before, Outcome.NOT_STARTED)
    assert any("as the baseline of 2025-11-26 10:00:00 UTC does not tell" in note for note in finding.notes)


@pytest.mark.parametrize("way", WAYS)
def test_a_baseline_that_expected_the_same_image_makes_nothing_certain(way: Way) -> None:
    """The rollout that it saw may be the one to the expected image, whatever the tasks run now."""
    world = unknown_push(never_restarted(way))
    before = baseline(NEW, running=(OLD,))
    assert rule(replace(world, baseline=before)).outcome is not Outcome.NOT_STARTED
