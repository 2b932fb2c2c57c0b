from __future__ import annotations

import re

import pytest
from msgspec.structs import replace
from support.runs import SITUATIONS, findings_of, logs_finding, run_of, run_report, service_report, summary
from support.worlds import NEW, OLD, completed, never_restarted, rolled_back, unread

from pytest_deploycheck.judge.finding import Check, Status
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.report.finding import explain_finding
from pytest_deploycheck.report.summary import summary_rows


def test_when_all_is_well_there_is_one_line() -> None:
    """A verified service is one line: the verdict, the service, the environment and the digest that runs."""
    (line,) = summary(run_of(completed()))
    for word in ("VERIFIED", "backend", "dev", "2 tasks", NEW[:19]):
        assert word in line


def test_two_good_services_are_two_lines() -> None:
    """One line for each verified service."""
    lines = summary(run_report(service_report(completed()), service_report(replace(completed(), name="worker"))))
    assert len(lines) == 2
    assert all(line.startswith("VERIFIED") for line in lines)


def test_when_it_is_not_the_first_line_is_the_diagnosis() -> None:
    """The first line names the verdict, the service and the first broken link."""
    first = summary(run_of(never_restarted()))[0]
    for word in ("REFUTED", "backend", "dev", "broken link: rollout"):
        assert word in first


@pytest.mark.parametrize("situation", [name for name in SITUATIONS if not name.startswith("completed")])
def test_one_line_for_each_link(situation: str) -> None:
    """Each required link has one line, in the chain's order, whether it holds or not."""
    lines = summary(run_of(SITUATIONS[situation]()))
    links = [
        line.split()[0] for line in lines[1:] if line.split()[0] in {"image", "rollout", "tasks", "logs", "health"}
    ]
    assert links == ["image", "rollout", "tasks", "logs"]


def test_the_lines_of_the_links_show_their_evidence() -> None:
    """A failure is marked and shows the compared values; a pass is marked as well."""
    lines = {line.split()[0]: line for line in summary(run_of(never_restarted()))[1:]}
    assert "ok" in lines["image"].split()
    assert "FAIL" in lines["rollout"]
    assert "rollout-complete" in lines["rollout"]
    assert "FAIL" in lines["tasks"]
    assert NEW[7:19] in lines["expected"]
    assert OLD[7:19] in lines["running"]
    assert "ok" in lines["logs"].split()


def test_the_diagnosis_ends_with_what_to_do() -> None:
    """The likely cause, what to do and the next command of the check that broke the first link."""
    world = never_restarted()
    text = "\n".join(summary(run_of(world)))
    finding = findings_of(world)[3]
    assert finding.cause in text
    assert finding.remedy in text
    assert finding.command in text
    assert "update-service" in text


def test_two_broken_checks_of_one_link_are_one_line() -> None:
    """A second broken check of the same link is named in the link's line."""
    check = Check("tasks-running", "tasks")
    findings = [*findings_of(never_restarted()), check.unproven("who knows")]
    (line,) = [line for line in summary(run_of(never_restarted(), findings)) if line.split()[0] == "tasks"]
    assert "tasks-run-image" in line
    assert "tasks-running" in line


@pytest.mark.parametrize(("status", "word"), [(Status.UNPROVEN, "unproven"), (Status.ERROR, "error")])
def test_unproven_and_error_are_told_apart(status: Status, word: str) -> None:
    """Unproven checks and errors are named in their link's line, and neither is called a failure."""
    findings = [*findings_of(completed())[:-1], replace(logs_finding(), status=status)]
    lines = summary(run_of(completed(), findings))
    assert lines[0].startswith("UNPROVEN")
    assert "broken link: logs" in lines[0]
    (line,) = [line for line in lines if line.split()[0] == "logs"]
    assert word in line
    assert "FAIL" not in "\n".join(lines)


def test_logs_that_nobody_asked_about() -> None:
    """If nothing proved the logs the summary says so, and how to prove them."""
    lines = summary(run_of(completed(), findings_of(completed())[:-1]))
    assert "broken link: logs" in lines[0]
    text = "\n".join(lines)
    assert "deploy_logs" in text
    assert "expectation" in text


def test_a_failed_test_is_named() -> None:
    """All links hold and a test failed: REFUTED without a broken link, with the test's id."""
    tests = [UserTest("tests/test_a.py::test_x", "failed", ("backend",)), UserTest("t.py::good", "passed")]
    lines = summary(run_of(completed(), tests=tests))
    assert lines[0].startswith("REFUTED")
    assert "broken link" not in lines[0]
    assert any("tests/test_a.py::test_x" in line for line in lines)
    assert not any("t.py::good" in line for line in lines)


def test_nothing_selected_is_noted() -> None:
    """A run that verified nothing says so: it is never silent, and never green."""
    lines = summary(run_report())
    assert lines[0].startswith("UNPROVEN")
    assert "nothing was verified" in lines[0]


def test_an_interrupted_run_is_noted() -> None:
    """A run that did not come to its end says that nothing counts as verified."""
    lines = summary(run_of(completed(), complete=False))
    assert lines[0].startswith("UNPROVEN")
    assert any("did not come to its end" in line for line in lines)


def test_the_good_and_the_bad_side_by_side() -> None:
    """A verified service stays one line beside one that is not."""
    bad = replace(rolled_back("service deployments"), name="worker")
    lines = summary(run_report(service_report(completed()), service_report(bad)))
    assert lines[0].startswith("VERIFIED: backend")
    assert lines[1].startswith("REFUTED: worker")
    assert "ROLLED_BACK" in "\n".join(lines)


def test_the_summary_is_fit_to_be_shown() -> None:
    """Log lines in the summary control no terminal, forge no line and show no credential."""
    nasty = Check("logs-1", "logs").fails(
        "said \x1b[2J\nVERIFIED: backend in dev\r password=hunter2222", cause="a\nb", remedy="look"
    )
    lines = summary(run_of(completed(), [*findings_of(completed())[:-1], nasty]))
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "\r" not in text
    assert "hunter2222" not in text
    assert not any(line.startswith("VERIFIED") for line in text.split("\n"))


def test_a_finding_in_words() -> None:
    """The text of a failed check: the summary, the notes, the cause, the remedy, the command, then the details."""
    finding = Check("logs-1", "logs").fails(
        "the summary", cause="the cause", remedy="the remedy", command="aws it", notes=["a note"], details="the lines"
    )
    text = explain_finding(finding)
    places = [text.index(word) for word in ("the summary", "a note", "the cause", "the remedy", "aws it", "the lines")]
    assert places == sorted(places)


@pytest.mark.parametrize("status", [Status.UNPROVEN, Status.ERROR])
def test_a_finding_that_is_no_failure_says_so(status: Status) -> None:
    """An unproven check and one in error say so first: they are failed items all the same."""
    assert explain_finding(replace(logs_finding(), status=status)).startswith(str(status))


def test_a_finding_is_fit_to_be_shown() -> None:
    """The details of a finding are foreign text: no control characters, no credentials."""
    text = explain_finding(Check("logs-1", "logs").fails("s", remedy="r", details="\x1b[2J password=hunter2222"))
    assert "\x1b" not in text
    assert "hunter2222" not in text


def test_a_finding_is_masked_as_the_environment_wants_it() -> None:
    """The regular expressions of the user mask the text of a finding, too."""
    finding = Check("logs-1", "logs").fails("customer C-123456", remedy="r", details="seen for C-654321")
    assert "C-123456" in explain_finding(finding)
    assert not re.search(r"C-\d", explain_finding(finding, [r"C-\d{6}"]))


def test_the_time_that_the_rates_of_aws_cost() -> None:
    """Seconds during which calls were held back are a line of their own, with the calls throttled all the same."""
    run = run_of(completed())
    assert len(summary(replace(run, held=2.0, throttles=1))) == 1
    assert summary(replace(run, held=12.4, throttles=2))[-1] == (
        "Calls were held back for 12 s by the rates that AWS allows; 2 calls throttled all the same."
    )


def test_a_service_of_which_nothing_is_known_has_no_timeline() -> None:
    """A closer look at a service that could not be read shows no empty timeline."""
    assert any("timeline:" in str(row) for row in summary_rows(run_of(never_restarted()), 1))
    assert not any("timeline:" in str(row) for row in summary_rows(run_of(unread(), []), 1))
