"""The results of a session from the reports of its tests: one for each, whoever ran it and however often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest
from support.worlds import NOW, scope, sight

from pytest_deploycheck.config.settings import Expectation, Pattern
from pytest_deploycheck.facts.recorded.checks import LogsRead
from pytest_deploycheck.judge.finding import TASKS_RUN_IMAGE, Finding, Status
from pytest_deploycheck.judge.record import AskedLogs
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.plugin.outcomes.results import Results
from pytest_deploycheck.plugin.outcomes.sent import (
    attach_finding,
    attach_logs,
    attach_other,
    attach_test,
    attached,
    attached_logs,
)

When = Literal["setup", "call", "teardown"]

PASSED = TASKS_RUN_IMAGE.passes("2 tasks run it")
FAILED = TASKS_RUN_IMAGE.fails("2 tasks run another", remedy="roll out")
BROKEN = TASKS_RUN_IMAGE.unproven("not known")


def phase(
    when: When = "call",
    outcome: str = "passed",
    *,
    test: str = "test_it",
    ended: str | None = None,
    services: Sequence[str] = ("shop",),
    has_answers: bool = False,
    worker: str = "",
) -> pytest.TestReport:
    """Return the report of a phase of a test about the deployment; `ended` is what the recorder made of it."""
    report = pytest.TestReport(test, (test, 1, test), {}, outcome, None, when)  # type: ignore[arg-type]
    if ended is None:
        ended = outcome if when == "call" or outcome != "passed" else ""
    attach_test(report, ended, services=services, has_answers=has_answers)
    if worker:
        report.__dict__["worker_id"] = worker
    return report


def check(finding: Finding, outcome: str = "passed", *, service: str = "shop") -> pytest.TestReport:
    """Return the report of a check."""
    test = f"deploycheck::{service}::{finding.id}"
    report = pytest.TestReport(test, (test, 1, test), {}, outcome, None, "call")  # type: ignore[arg-type]
    attach_finding(report, service, finding)
    return report


def run(outcome: str = "passed", **more: object) -> list[pytest.TestReport]:
    """Return the reports of one whole run of a test."""
    return [phase("setup", **more), phase("call", outcome, **more), phase("teardown", **more)]  # type: ignore[arg-type]


def results(*reports: pytest.TestReport) -> Results:
    """Return the results from some reports."""
    gathered = Results()
    for report in reports:
        gathered.add(report)
    return gathered


def outcomes(*reports: pytest.TestReport) -> list[str]:
    """Return the outcomes of the tests from some reports."""
    return [test.outcome for test in results(*reports).tests]


def test_a_test_has_its_services_and_whether_logs_answered() -> None:
    """The result of a test is that of its phases together."""
    reports = [
        phase("setup", services=("shop",)),
        phase("call", services=("shop", "web"), has_answers=True),
        phase("teardown", services=("web",)),
    ]
    assert results(*reports).tests == (UserTest("test_it", "passed", ("shop", "web"), has_read_logs=True),)


def test_tests_are_listed_as_they_began() -> None:
    """The order of tests is that of their first reports."""
    reports = [*run(test="b"), *run("failed", test="a")]
    assert [(test.nodeid, test.outcome) for test in results(*reports).tests] == [("b", "passed"), ("a", "failed")]


def test_a_test_about_something_else_is_not_listed() -> None:
    """A test without the fixtures has no part in the verdict, but its failure is known."""
    other = phase("call", "failed")
    attach_other(other, "failed")
    passed = phase("call")
    attach_other(passed, "passed")
    assert results(passed).tests == results(other).tests == ()
    assert results(other).other_failed
    assert not results(passed).other_failed


@pytest.mark.parametrize(("when", "outcome"), [("setup", "error"), ("call", "failed"), ("teardown", "error")])
def test_the_worst_phase_counts(when: When, outcome: str) -> None:
    """A failure in set-up or tear-down outweighs a call that passed."""
    reports = [
        phase(each, "failed" if each == when else "passed", ended=outcome if each == when else None)
        for each in ("setup", "call", "teardown")
    ]
    assert outcomes(*reports) == [outcome]


RANKS = ["failed", "error", "unproven", "xfailed", "skipped", "xpassed", "passed"]


@pytest.mark.parametrize("rank", range(len(RANKS) - 1))
def test_of_several_results_the_worst_counts(rank: int) -> None:
    """Subtests and duplicates of one test are one result: the worst of them."""
    worse, better = RANKS[rank], RANKS[rank + 1]
    for pair in ((worse, better), (better, worse)):
        assert outcomes(*(phase(ended=one) for one in pair)) == [worse]
        assert outcomes(*(report for one in pair for report in [phase(ended=one), phase("teardown")])) == [worse]


def test_the_worst_of_several_workers_counts() -> None:
    """With `--dist=each` each worker runs the test, and the run of one does not replace that of another."""
    reports = [*run("failed", worker="gw0"), *run(worker="gw1")]
    assert outcomes(*reports) == ["failed"]
    mixed = [
        phase("call", "rerun", worker="gw0", ended="failed"),
        phase("call", worker="gw1"),
        phase("teardown", worker="gw1"),
    ]
    assert outcomes(*mixed) == ["failed"]


@pytest.mark.parametrize("word", ["rerun", "retried"])
def test_a_run_that_passes_replaces_the_ones_it_repeats(word: str) -> None:
    """A run reported as repeated does not count where the next one passes."""
    repeated = phase("call", word, ended="failed", services=("web",), has_answers=True)
    again = [repeated, phase("setup"), phase(), phase("teardown")]
    assert results(*again).tests == (UserTest("test_it", "passed", ("shop",), has_read_logs=False),)
    # Nor does it count again in a duplicate that comes after them.
    assert outcomes(*again, *run("skipped")) == ["skipped"]


def test_a_run_that_does_not_pass_replaces_nothing() -> None:
    """Two runs, the first refuted and the second broken: refuted."""
    assert outcomes(
        phase("call", "rerun", ended="failed"),
        *run("failed")[:1],
        phase("call", "failed", ended="error"),
        phase("teardown"),
    ) == ["failed"]
    assert outcomes(phase("call", "rerun", ended="failed")) == ["failed"]


def test_a_tear_down_between_two_runs_ends_neither() -> None:
    """The tear-down of a run that is repeated comes after it; the next run replaces it all the same."""
    first = [phase("setup"), phase("call", "rerun", ended="failed"), phase("teardown")]
    assert outcomes(*first, *run()) == ["passed"]


def test_a_second_run_after_a_whole_one_does_not_replace_it() -> None:
    """A duplicate of a test, not reported as a repetition, is a result of its own."""
    assert outcomes(*run("failed"), *run()) == ["failed"]


def test_a_process_that_crashed_is_a_broken_test() -> None:
    """A failure without anything attached was not made by the process that ran the test."""
    crashed = pytest.TestReport("test_it", ("a", 1, "b"), {}, "failed", None, "call")
    gathered = results(crashed)
    assert gathered.crashed == {"test_it"}
    assert gathered.other_failed
    assert gathered.tests == ()
    passed = results(pytest.TestReport("test_it", ("a", 1, "b"), {}, "passed", None, "call"))
    assert (passed.crashed, passed.other_failed) == (set(), False)


def test_the_findings_of_a_service_are_those_of_its_checks() -> None:
    """Each service has its own findings, by the ids of the checks."""
    gathered = results(check(PASSED), check(FAILED, "failed", service="web"))
    assert gathered.findings() == {"shop": {"tasks-run-image": PASSED}, "web": {"tasks-run-image": FAILED}}
    assert gathered.tests == ()
    assert not gathered.other_failed


@pytest.mark.parametrize(("worse", "better"), [(FAILED, BROKEN), (BROKEN, PASSED), (FAILED, PASSED)])
def test_the_worst_finding_of_a_check_counts(worse: Finding, better: Finding) -> None:
    """A check that was carried out twice has one finding, the worse one."""
    for pair in ((worse, better), (better, worse)):
        assert results(*map(check, pair)).findings()["shop"]["tasks-run-image"].status is worse.status


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (Status.FAIL, Status.ERROR),
        (Status.ERROR, Status.UNPROVEN),
        (Status.UNPROVEN, Status.SKIP),
        (Status.SKIP, Status.PASS),
    ],
)
def test_the_order_of_statuses(worse: Status, better: Status) -> None:
    """Of a failure, an error, an open question, a skip and a pass the earlier one counts."""
    pair = [Finding("alarms-ok", "health", status, "seen") for status in (better, worse)]
    assert results(*map(check, pair)).findings()["shop"]["alarms-ok"].status is worse


def test_an_unproven_test_did_not_fail() -> None:
    """A session in which a test is unproven has no other failure."""
    assert not results(*run("failed", ended="unproven")[:0], phase("call", "failed", ended="unproven")).other_failed
    assert results(phase("call", "failed", ended="error")).other_failed
    assert results(phase("call", "failed", ended="failed")).other_failed


def test_a_test_that_only_turns_out_to_be_about_the_deployment() -> None:
    """Once a test is known to be about the deployment, all that comes after counts."""
    setup = phase("setup")
    attach_other(setup, "")
    assert outcomes(setup, phase("call"), phase("teardown")) == ["passed"]


def test_what_is_attached_travels_as_plain_values() -> None:
    """Xdist sends every plain attribute of a report along, so what is attached is plain."""
    report = check(FAILED)
    assert attached(report)["service"] == "shop"
    assert attached(report)["outcome"] == "fail"
    assert isinstance(attached(report)["finding"], str)
    assert attached(phase(services=("shop",), has_answers=True)) == {
        "outcome": "passed",
        "services": ["shop"],
        "has_answers": True,
    }
    asked = [AskedLogs(Expectation("expect", (Pattern("ready"),)), LogsRead(sight(scope("one")), NOW, waited=2))]
    assert attached_logs(phase()) == {}
    heard = phase()
    attach_logs(heard, {"shop": asked})
    assert isinstance(attached(heard)["logs"], str)
    assert attached_logs(heard) == {"shop": asked}
    other = phase()
    attach_other(other, "failed")
    assert attached(other) == {"outcome": "failed"}
    assert attached(pytest.TestReport("a", ("a", 1, "b"), {}, "passed", None, "call")) == {}
