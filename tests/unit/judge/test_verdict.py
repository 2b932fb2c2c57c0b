from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.judge.finding import IMAGE_EXISTS, ROLLOUT_COMPLETE, TASKS_RUN_IMAGE, Check, Finding, Status
from pytest_deploycheck.judge.verdict import Judgement, UserTest, Verdict, judge_run, judge_service

ALL = ("image", "rollout", "tasks", "logs")
IDS = {
    "image": "image-exists",
    "rollout": "rollout-complete",
    "tasks": "tasks-run-image",
    "logs": "logs-1",
    "health": "alarms-ok",
}
CHAIN = tuple(IDS)
TELLING = (IMAGE_EXISTS, ROLLOUT_COMPLETE, TASKS_RUN_IMAGE)


def finding(link: str, status: Status = Status.PASS, *, id: str = "") -> Finding:  # noqa: A002 - the field's name
    """A finding of a link."""
    return Finding(id or IDS[link], link, status, "a reason", remedy="a remedy")  # type: ignore[arg-type]


def chain(**statuses: Status) -> list[Finding]:
    """A finding for each required link, all passed but for those given."""
    links = [*ALL, *(link for link in statuses if link not in ALL)]
    return [finding(link, statuses.get(link, Status.PASS)) for link in links]


def judge(
    findings: list[Finding],
    *tests: UserTest,
    require: tuple[str, ...] = ALL,
    complete: bool = True,
    needed: Sequence[Check] = TELLING,
) -> tuple[str, str | None]:
    """The verdict on the service `backend`, and its broken link."""
    judgement = judge_service("backend", findings, tests, require=require, needed=needed, complete=complete)
    return str(judgement.verdict), judgement.broken_link


def test_all_links_proven_is_verified() -> None:
    """Every required link has a pass and nothing speaks against it: VERIFIED, with no broken link."""
    assert judge(chain()) == ("VERIFIED", None)


@pytest.mark.parametrize("link", CHAIN)
def test_one_failed_check_refutes(link: str) -> None:
    """One failed check refutes, and its link is the broken one."""
    assert judge(chain(**{link: Status.FAIL})) == ("REFUTED", link)


def test_the_first_link_with_a_failed_check_is_broken() -> None:
    """Of several failed links the first in the chain's order is named, in whatever order the checks came."""
    failed = chain(rollout=Status.FAIL, tasks=Status.FAIL, logs=Status.FAIL)
    assert judge(failed) == ("REFUTED", "rollout")
    assert judge(failed[::-1]) == ("REFUTED", "rollout")


def test_an_earlier_open_link_does_not_hide_the_failed_one() -> None:
    """An unproven or unreadable link before the failed one is not the diagnosis: the failed check is."""
    assert judge(chain(image=Status.UNPROVEN, rollout=Status.ERROR, tasks=Status.FAIL)) == ("REFUTED", "tasks")


@pytest.mark.parametrize("status", [Status.UNPROVEN, Status.ERROR])
@pytest.mark.parametrize("link", CHAIN)
def test_what_is_open_is_unproven(link: str, status: Status) -> None:
    """An unproven check and one in error make the verdict UNPROVEN, never VERIFIED and never REFUTED."""
    verdict, broken = judge(chain(**{link: status}))
    assert verdict == "UNPROVEN"
    if link in ALL:
        assert broken == link


def test_the_first_open_link_is_named() -> None:
    """If nothing failed the first required link that is not proven is the broken one."""
    assert judge(chain(logs=Status.UNPROVEN, rollout=Status.ERROR)) == ("UNPROVEN", "rollout")


def test_a_pass_beside_an_open_check_does_not_prove_its_link() -> None:
    """One check of the link passed and another is in error: the link is not proven."""
    findings = [*chain(), finding("tasks", Status.ERROR, id="tasks-running")]
    assert judge(findings) == ("UNPROVEN", "tasks")


@pytest.mark.parametrize("link", ALL)
def test_a_link_without_a_pass_is_not_proven(link: str) -> None:
    """A required link whose checks were deselected or all skipped is not proven."""
    rest = [one for one in chain() if one.link != link]
    assert judge(rest) == ("UNPROVEN", link)
    assert judge([*rest, finding(link, Status.SKIP)]) == ("UNPROVEN", link)


def test_nothing_verified_is_unproven() -> None:
    """With every check deselected nothing was verified: UNPROVEN, from the first link on."""
    assert judge([]) == ("UNPROVEN", "image")


def test_skipped_checks_are_in_nobodys_way() -> None:
    """A check that was not asked for takes nothing from a verdict."""
    assert judge([*chain(), finding("image", Status.SKIP, id="image-pushed")]) == ("VERIFIED", None)


@pytest.mark.parametrize("status", [Status.PASS, Status.SKIP])
def test_a_policy_that_holds_is_in_nobodys_way(status: Status) -> None:
    """A policy that passed breaks no link, and proves none; one that failed is named where nothing else is broken."""
    policy = finding("image", status, id="image-tag")
    assert judge([*chain(), policy]) == ("VERIFIED", None)
    without = [one for one in chain() if one.link != "image"]
    assert judge([*without, policy]) == ("UNPROVEN", "image")
    assert judge([*chain(tasks=Status.UNPROVEN), policy]) == ("UNPROVEN", "tasks")
    assert judge([*chain(), finding("image", Status.FAIL, id="image-tag")]) == ("REFUTED", "image")


def test_an_environment_without_logs() -> None:
    """`require` without logs: the other three links verify, and a missing link of those still does not."""
    bare = ("image", "rollout", "tasks")
    no_logs = [one for one in chain() if one.link != "logs"]
    assert judge(no_logs, require=bare) == ("VERIFIED", None)
    assert judge(no_logs) == ("UNPROVEN", "logs")
    assert judge(no_logs[:2], require=bare) == ("UNPROVEN", "tasks")


def test_a_broken_log_expectation_refutes_where_logs_are_not_required() -> None:
    """`require` frees from proof, not from contradiction: a declared expectation that fails refutes."""
    assert judge(chain(logs=Status.FAIL), require=("image", "rollout", "tasks")) == ("REFUTED", "logs")


READ_LOGS = UserTest("test_logs.py::test_new_line", "passed", ("backend",), has_read_logs=True)
NO_LOGS = [one for one in chain() if one.link != "logs"]


def test_a_test_that_read_the_logs_proves_them() -> None:
    """A passing test that asked the logs something and read at least one event proves the link `logs`."""
    assert judge(NO_LOGS, READ_LOGS) == ("VERIFIED", None)


@pytest.mark.parametrize(
    "test",
    [
        UserTest("t", "passed", ("backend",), has_read_logs=False),
        UserTest("t", "skipped", ("backend",), has_read_logs=True),
        UserTest("t", "xfailed", ("backend",), has_read_logs=True),
        UserTest("t", "passed", ("frontend",), has_read_logs=True),
    ],
    ids=["no event was read", "skipped", "expected to fail", "of another service"],
)
def test_what_does_not_prove_the_logs(test: UserTest) -> None:
    """A test that read no event, did not pass, or is of another service proves nothing about these logs."""
    assert judge(NO_LOGS, test) == ("UNPROVEN", "logs")


def test_a_failed_test_refutes_with_no_broken_link() -> None:
    """All links hold and a test of the user's failed for another reason: REFUTED, and no link is to blame."""
    assert judge(chain(), UserTest("t", "failed", ("backend",))) == ("REFUTED", None)


def test_a_broken_test_leaves_the_run_unproven() -> None:
    """All links hold and a test of the user's is broken: it refutes nothing, and VERIFIED would claim too much."""
    assert judge(chain(), UserTest("t", "error", ("backend",))) == ("UNPROVEN", None)


def test_a_failed_test_without_proof_of_logs() -> None:
    """A test failed, no check did, and logs were never proven: the first link not proven is named."""
    assert judge(NO_LOGS, UserTest("t", "failed", ("backend",), has_read_logs=True)) == ("REFUTED", "logs")


def test_a_failed_test_of_no_service_concerns_all() -> None:
    """A test that used only what the services share speaks about each of them."""
    assert judge(chain(), UserTest("t", "failed")) == ("REFUTED", None)


def test_a_failed_test_of_another_service_does_not_concern_this_one() -> None:
    """Each service gets its own verdict."""
    assert judge(chain(), UserTest("t", "failed", ("frontend",))) == ("VERIFIED", None)


def test_an_unproven_test_is_not_a_failure() -> None:
    """A test that fails only because something could not be known counts as unproven."""
    assert judge(chain(), UserTest("t", "unproven", ("backend",))) == ("UNPROVEN", None)


@pytest.mark.parametrize("outcome", ["passed", "skipped", "xfailed", "xpassed"])
def test_other_outcomes_take_nothing_away(outcome: str) -> None:
    """A test that passed, was skipped, or was expected to fail does not break a verdict."""
    assert judge(chain(), UserTest("t", outcome, ("backend",)))[0] == "VERIFIED"


def test_an_interrupted_run_verifies_nothing() -> None:
    """A finding from before the interrupt counts against, never for: UNPROVEN at best."""
    assert judge(chain(), complete=False) == ("UNPROVEN", None)
    assert judge([], complete=False) == ("UNPROVEN", "image")
    assert judge(chain(tasks=Status.FAIL), complete=False) == ("REFUTED", "tasks")


def test_no_service_selected_is_never_green() -> None:
    """A run that selected no service verified nothing: UNPROVEN."""
    assert judge_run([]).verdict is Verdict.UNPROVEN


REFUTED_LOGS, REFUTED_TASKS = Judgement(Verdict.REFUTED, "logs"), Judgement(Verdict.REFUTED, "tasks")
OPEN_IMAGE, GOOD = Judgement(Verdict.UNPROVEN, "image"), Judgement(Verdict.VERIFIED, None)


@pytest.mark.parametrize(
    ("services", "run"),
    [
        ([GOOD, GOOD], GOOD),
        ([GOOD, OPEN_IMAGE], OPEN_IMAGE),
        ([REFUTED_LOGS, OPEN_IMAGE, GOOD], REFUTED_LOGS),
        ([REFUTED_LOGS, REFUTED_TASKS], REFUTED_TASKS),
        ([Judgement(Verdict.REFUTED, None), REFUTED_LOGS], REFUTED_LOGS),
    ],
)
def test_a_run_is_as_bad_as_its_worst_service(services: list[Judgement], run: Judgement) -> None:
    """The worst verdict, with the earliest broken link among the services that have that verdict."""
    assert judge_run(services) == run
    assert judge_run(reversed(services)) == run


FINDINGS = st.lists(st.builds(finding, st.sampled_from(CHAIN), st.sampled_from(list(Status))), max_size=12)
TESTS = st.lists(
    st.builds(
        UserTest,
        st.just("t"),
        st.sampled_from(["passed", "failed", "error", "skipped", "unproven"]),
        st.sampled_from([(), ("backend",), ("frontend",)]),
        st.booleans(),
    ),
    max_size=4,
)


@given(FINDINGS, TESTS, st.booleans())
def test_verified_means_proven(findings: list[Finding], tests: list[UserTest], complete: bool) -> None:  # noqa: FBT001
    """Whatever was found: VERIFIED only with a pass for every link and nothing failed or open; a failure refutes."""
    verdict, broken = judge(findings, *tests, complete=complete)
    statuses = {one.status for one in findings}
    mine = [test for test in tests if test.services != ("frontend",)]
    heard = any(test.outcome == "passed" and test.has_read_logs and test.services for test in mine)
    proven = {one.link for one in findings if one.status is Status.PASS} | ({"logs"} if heard else set())
    refuted = Status.FAIL in statuses or any(test.outcome == "failed" for test in mine)
    assert (verdict == "REFUTED") == refuted
    if verdict == "VERIFIED":
        assert broken is None
        assert complete
        assert set(ALL) <= proven
        assert statuses <= {Status.PASS, Status.SKIP}
        assert not any(test.outcome in {"error", "unproven"} for test in mine)
    if broken is None:
        assert set(ALL) <= proven


@given(FINDINGS)
def test_the_order_of_findings_does_not_matter(findings: list[Finding]) -> None:
    """Under xdist findings arrive in any order: the judgement is the same."""
    assert judge(findings) == judge(findings[::-1])
