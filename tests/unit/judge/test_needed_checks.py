"""The checks that prove a link, and the message on those that were not selected."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from support.judging import judge_tag
from support.runs import findings_of, run_of, summary
from support.worlds import completed, found, judged, never_restarted, reference

from pytest_deploycheck.config.settings import (
    EnvironmentSettings,
    ErrorRate,
    Expectation,
    Options,
    Pattern,
    ServiceSettings,
    When,
)
from pytest_deploycheck.facts.snapshot import Judged
from pytest_deploycheck.judge.finding import (
    ALARMS_OK,
    CONTAINERS_HEALTHY,
    FIXED_CHECKS,
    HEALTH_CHECKS,
    IMAGE_CONTENT,
    IMAGE_EXISTS,
    IMAGE_INTENDED,
    IMAGE_PUSHED,
    IMAGE_TAG,
    ROLLOUT_COMPLETE,
    TASKS_RUN_IMAGE,
    TASKS_RUNNING,
    Check,
    Finding,
    Status,
)
from pytest_deploycheck.judge.verdict import Judgement, UserTest, Verdict, judge_service
from pytest_deploycheck.run.checks import needed_checks

TELLING = tuple(check for check in FIXED_CHECKS if check.is_telling)
LINKS = ("image", "rollout", "tasks", "logs")
ASKED = UserTest("test_logs.py::test_line", "passed", ("backend",), has_read_logs=True)


def passing(*checks: Check) -> list[Finding]:
    """A pass of each of some checks."""
    return [check.passes("it holds") for check in checks]


def judge(
    findings: Sequence[Finding],
    *more: Check,
    tests: Sequence[UserTest] = (ASKED,),
    require: Sequence[str] = LINKS,
    complete: bool = True,
) -> Judgement:
    """The verdict where the telling checks and some more are needed."""
    return judge_service("backend", findings, tests, require=require, needed=[*TELLING, *more], complete=complete)


def test_the_telling_checks_prove_their_links() -> None:
    """Each telling check passed: VERIFIED, and nothing was left out."""
    assert judge(passing(*TELLING)) == Judgement(Verdict.VERIFIED, None)


@pytest.mark.parametrize("check", TELLING, ids=lambda check: check.id)
def test_a_telling_check_that_was_deselected_leaves_its_link_unproven(check: Check) -> None:
    """Other checks of the link may pass: without the telling one the link is not proven."""
    rest = [one for one in (*TELLING, IMAGE_TAG) if one is not check]
    assert judge(passing(*rest)) == Judgement(Verdict.UNPROVEN, check.link, (check.id,))


def test_a_mixed_service_without_the_check_of_its_images_is_not_verified() -> None:
    """`-k "not run-image"`: that tasks run says nothing of what they run."""
    findings = passing(*(one for one in TELLING if one is not TASKS_RUN_IMAGE))
    assert judge(findings).verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("check", [IMAGE_CONTENT, IMAGE_PUSHED], ids=lambda check: check.id)
def test_a_configured_check_that_was_deselected_leaves_its_link_unproven(check: Check) -> None:
    """Configured checks cannot be left out and be verified all the same."""
    assert judge(passing(*TELLING), check) == Judgement(Verdict.UNPROVEN, "image", (check.id,))
    assert judge(passing(*TELLING, check), check).verdict is Verdict.VERIFIED
    assert judge([*passing(*TELLING), check.skips("not asked for")], check).verdict is Verdict.VERIFIED


def test_a_check_of_a_link_that_is_not_required_may_be_left_out() -> None:
    """`require = ["rollout", "tasks"]`: the link image needs no proof."""
    findings = passing(ROLLOUT_COMPLETE, TASKS_RUNNING, TASKS_RUN_IMAGE)
    assert judge(findings, IMAGE_CONTENT, require=("rollout", "tasks")).verdict is Verdict.VERIFIED


def test_every_declared_expectation_proves_the_logs() -> None:
    """One of two passed and the other was deselected: the link logs is not proven."""
    both = Check("logs-1", "logs"), Check("logs-2", "logs")
    assert judge(passing(*TELLING, *both), *both, tests=()).verdict is Verdict.VERIFIED
    assert judge(passing(*TELLING, both[0]), *both, tests=()) == Judgement(Verdict.UNPROVEN, "logs", ("logs-2",))


def test_a_test_that_asked_proves_the_logs_without_the_expectations() -> None:
    """A passing test asserted on the logs: the expectations that were deselected are not needed."""
    assert judge(passing(*TELLING), Check("logs-1", "logs")).verdict is Verdict.VERIFIED


def test_without_expectations_and_tests_the_logs_are_not_proven() -> None:
    """Nothing was asked of the logs, and nothing was left out."""
    assert judge(passing(*TELLING), tests=()) == Judgement(Verdict.UNPROVEN, "logs")


def test_health_is_proven_by_one_of_its_checks() -> None:
    """If health is required, one pass will do, and none will not."""
    required = (*LINKS, "health")
    assert judge(passing(*TELLING, ALARMS_OK), require=required).verdict is Verdict.VERIFIED
    assert judge(passing(*TELLING), require=required).broken_link == "health"


def test_the_checks_of_health_are_named_after_those_of_links_before() -> None:
    """A check of another link and all of health were deselected: each of them is named as left out, in their order."""
    findings = passing(*(one for one in TELLING if one is not TASKS_RUN_IMAGE))
    left_out = judge(findings, require=(*LINKS, "health")).left_out
    assert left_out == (TASKS_RUN_IMAGE.id, *(check.id for check in HEALTH_CHECKS))


def test_declared_alarms_are_needed_only_where_health_is_required() -> None:
    """Another check of health passed and `alarms-ok` was deselected: unproven where health is required."""
    findings = passing(*TELLING, CONTAINERS_HEALTHY)
    assert judge(findings, ALARMS_OK, require=(*LINKS, "health")) == Judgement(
        Verdict.UNPROVEN, "health", ("alarms-ok",)
    )
    assert judge(findings, ALARMS_OK).verdict is Verdict.VERIFIED


def test_an_interrupted_run_left_nothing_out() -> None:
    """Checks that an interrupt kept from running were not deselected."""
    assert judge(passing(IMAGE_EXISTS), complete=False).left_out == ()


def environment(**service: object) -> EnvironmentSettings:
    """An environment with one service."""
    return EnvironmentSettings("dev", services={"backend": ServiceSettings("backend", "shop", **service)})  # type: ignore[arg-type]


def needed(options: Options | None = None, **service: object) -> set[str]:
    """The ids of the checks that a verdict needs, beside the telling ones."""
    found = needed_checks(environment(**service), options or Options(("backend",)), "backend")
    assert set(TELLING) <= set(found)
    return {check.id for check in found if not check.is_telling}


def test_what_is_configured_is_needed() -> None:
    """`source`, `image`, expectations, `--deploy-pushed-after`, `alarms` and `error_rate` each need their check."""
    assert needed() == set()
    assert needed(source={"app": "/app"}) == {"image-content"}
    assert needed(image="shop:v2") == {"image-repository"}
    assert needed(image="v2") == set()
    assert needed(Options(("backend",), images={"backend": "shop:v3"})) == {"image-repository"}
    assert needed(Options(("backend",), pushed_after=When("today", today=True))) == {"image-pushed"}
    assert needed(alarms=("5xx",)) == {"alarms-ok"}
    assert needed(error_rate=ErrorRate(0.1)) == {"error-rate"}
    assert needed(logs=(Expectation("expect", (Pattern("a"),)),)) == {"logs-1"}


# The policy on tags.


def tagged(tag: str | None, *, can_move: bool | None, pinned: str | None = None) -> Judged:
    """A container whose definition names its image by a tag, in a repository with or without immutable tags."""
    named = reference(tag, pinned=pinned)
    base = judged(found(named=named))
    return Judged(base.container, base.expected, base.pulled, tags_can_move=can_move)


@pytest.mark.parametrize(
    ("one", "status"),
    [
        (tagged("latest", can_move=None), Status.FAIL),
        (tagged("latest", can_move=True), Status.FAIL),
        (tagged("v2", can_move=True), Status.FAIL),
        (tagged("v2", can_move=False), Status.PASS),
        (tagged("v2", can_move=None), Status.UNPROVEN),
        (tagged("latest", can_move=True, pinned=f"sha256:{'b' * 64}"), Status.PASS),
    ],
)
def test_the_policy_on_tags(one: Judged, status: Status) -> None:
    """A tag that can be moved fails, a digest and an immutable tag pass, and what is not known is unproven."""
    finding = judge_tag(completed(judged=[one]))
    assert (finding.id, finding.link, finding.status) == ("image-tag", "image", status)


def test_the_policy_is_skipped_where_it_is_not_asked_for() -> None:
    """Without `strict_tags` the check is skipped."""
    assert judge_tag(completed(judged=[tagged("latest", can_move=True)]), strict_tags=False).status is Status.SKIP


def test_the_policy_does_not_hide_a_diagnosis() -> None:
    """The tags can be moved, and the service was never restarted: the broken link is rollout."""
    bad = IMAGE_TAG.fails("a tag that moves", remedy="pin it")
    stale = ROLLOUT_COMPLETE.fails("NOT_STARTED", remedy="start it")
    rest = passing(IMAGE_EXISTS, IMAGE_INTENDED, TASKS_RUNNING, TASKS_RUN_IMAGE)
    assert judge([bad, stale, *rest]) == Judgement(Verdict.REFUTED, "rollout")
    unproven = ROLLOUT_COMPLETE.unproven("UNKNOWN")
    assert judge([bad, unproven, *rest]) == Judgement(Verdict.REFUTED, "rollout")
    assert judge([IMAGE_TAG.unproven("unknown"), unproven, *rest]) == Judgement(Verdict.UNPROVEN, "rollout")


def test_the_intent_is_needed_unless_it_is_skipped() -> None:
    """The link image is proven without it where the task definition is the intent, not where it was deselected."""
    rest = passing(*(check for check in TELLING if check is not IMAGE_INTENDED))
    assert judge([*rest, IMAGE_INTENDED.skips("the task definition")]) == Judgement(Verdict.VERIFIED, None)
    assert judge(rest) == Judgement(Verdict.UNPROVEN, "image", ("image-intended",))


def test_the_policy_alone_breaks_the_link_image() -> None:
    """All else holds: the policy refutes, and the link image is the broken one."""
    bad = IMAGE_TAG.fails("a tag that moves", remedy="pin it")
    assert judge([bad, *passing(*TELLING)]) == Judgement(Verdict.REFUTED, "image")
    assert judge([IMAGE_TAG.unproven("unknown"), *passing(*TELLING)]) == Judgement(Verdict.UNPROVEN, "image")


def test_the_policy_does_not_hide_a_diagnosis_in_the_summary() -> None:
    """The service was never restarted: cause and next command are those of the rollout."""
    world = never_restarted()
    lines = summary(run_of(world, [*findings_of(world), judge_tag(world)]))
    assert lines[0].endswith("broken link: rollout")
    assert any("likely cause: The image was pushed, but the tasks were never restarted." in line for line in lines)


# The summary.


def test_deselected_checks_are_not_selected() -> None:
    """`-k "not tasks"`: the summary names what was left out and why the exit status is 7, and breaks no link."""
    world = completed()
    lines = summary(run_of(world, [one for one in findings_of(world) if one.link != "tasks"]))
    text = "\n".join(lines)
    assert lines[0] == "UNPROVEN: backend in dev"
    assert "not selected: tasks-running, tasks-run-image" in text
    assert "exit status 7" in text
    assert "broken" not in text


def test_without_any_check_all_are_named_as_left_out() -> None:
    """One of the user's tests was selected, and no check: the summary has one line for that."""
    lines = summary(run_of(completed(), []))
    assert sum("not selected: all built-in checks" in line for line in lines) == 1


def test_a_refuted_run_that_left_something_out_still_names_the_broken_link() -> None:
    """The checks that were left out are listed beside the diagnosis, not in its place."""
    world = never_restarted()
    lines = summary(run_of(world, [one for one in findings_of(world) if one.link != "tasks"]))
    assert lines[0].endswith("broken link: rollout")
    assert any("not selected" in line and "exit status" not in line for line in lines)


def test_the_verdict_claims_only_what_was_judged() -> None:
    """Without the checks of the tasks the line of the verdict claims nothing of them."""
    world = completed()
    image_only = [one for one in findings_of(world) if one.link == "image"]
    report = run_of(world, image_only, needed=[IMAGE_EXISTS], require=("image",))
    (line, *_) = summary(report)
    assert line.startswith("VERIFIED")
    assert "is in its registry" in line
    assert "task" not in line


def test_advice_is_shown_in_a_verified_run() -> None:
    """`latest` works today: VERIFIED, with the advice to name the image by a tag of its own."""
    latest = reference("latest")
    world = completed(judged=[judged(found(named=latest, tags=("latest",)))])
    lines = summary(run_of(world))
    assert lines[0].startswith("VERIFIED")
    assert any(line.startswith("  advice: ") and "'latest'" in line for line in lines[1:])


@pytest.mark.parametrize("check", TELLING)
def test_a_check_that_others_skip_leaves_its_link_unproven(check: Check) -> None:
    """A mark of a conftest that skips a telling check has the effect of deselecting it."""
    skipped = replace(check.skips("not today"), is_left_out=True)
    judgement = judge([skipped, *passing(*(one for one in TELLING if one is not check))])
    assert (judgement.verdict, judgement.broken_link) == (Verdict.UNPROVEN, check.link)
    assert judgement.left_out == (check.id,)
