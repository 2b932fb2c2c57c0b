"""The crash of a process counts for the test or the check that it was running."""

from __future__ import annotations

import pytest

from pytest_deploycheck.judge.finding import IMAGE_EXISTS, Status
from pytest_deploycheck.plugin.outcomes.results import Results
from pytest_deploycheck.plugin.outcomes.sent import attach_finding, attach_test

CHECK, TEST, OTHER = "deploycheck::web::image-exists", "test_a.py::test_one[web]", "test_a.py::test_other"


def report(nodeid: str, outcome: str, when: str = "call") -> pytest.TestReport:
    """Return the report of a phase; xdist makes one of its own for a test whose process crashed."""
    return pytest.TestReport(nodeid, ("", None, ""), {}, outcome, None, when)  # type: ignore[arg-type]


@pytest.fixture
def crashed() -> Results:
    """Return the results of a check, a test about the deployment and another one, whose processes crashed."""
    results = Results()
    for nodeid in (CHECK, TEST, OTHER):
        results.add(report(nodeid, "failed", "???"))
    return results


CHECKS = {CHECK: ("web", IMAGE_EXISTS)}


def test_what_they_are_about(crashed: Results) -> None:
    """The check is in error, the test is broken for its services, and the other one for none."""
    crashed.attribute_crashes(CHECKS, {TEST: ("web",)})
    assert crashed.crashed == set()
    assert crashed.findings()["web"]["image-exists"].status is Status.ERROR
    assert [(one.nodeid, one.outcome, one.services) for one in crashed.tests] == [(TEST, "error", ("web",))]
    assert crashed.other_failed


def test_no_process_is_left_that_knows(crashed: Results) -> None:
    """The check is known by its id; of the tests it stays unknown what they are about."""
    crashed.attribute_crashes(CHECKS, None)
    assert crashed.crashed == {TEST, OTHER}
    assert crashed.findings()["web"]["image-exists"].status is Status.ERROR


def test_other_results_stay_as_they_are(crashed: Results) -> None:
    """A crash replaces nothing that came from another process."""
    passed = report("deploycheck::worker::image-exists", "passed")
    attach_finding(passed, "worker", IMAGE_EXISTS.passes("it is there"))
    crashed.add(passed)
    again = report(TEST, "passed")
    attach_test(again, "passed", services=["web"], has_answers=True)
    crashed.add(again)
    crashed.attribute_crashes(CHECKS, {TEST: ("web",)})
    assert crashed.findings()["worker"]["image-exists"].status is Status.PASS
    assert [(one.outcome, one.has_read_logs) for one in crashed.tests] == [("error", True)]
