from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.runs import findings_of, run_of, run_report
from support.worlds import completed, never_restarted

from pytest_deploycheck.judge.finding import Check
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.report.annotations import annotate

COMMAND = re.compile(r"::(error|warning) title=[^:,\r\n]*::[^\r\n]*")
"""A workflow command on one line, as GitHub reads it; a title with a colon or a comma would end early."""


def test_a_failed_check_is_an_error_and_an_unproven_one_a_warning() -> None:
    """Each check that did not hold is annotated with its reason and the next command, what breaks the chain first."""
    facts = never_restarted()
    unproven = Check("logs-2", "logs").unproven("no events", remedy="look")
    lines = annotate(run_of(facts, [*findings_of(facts), unproven]))
    assert [line.split(" title=")[0] for line in lines] == ["::error", "::error", "::warning"]
    assert "rollout-complete" in lines[0]
    assert "%0Anext: aws ecs update-service" in lines[0]


def test_what_is_not_proven_for_want_of_the_same_thing_is_one_warning() -> None:
    """Consequences are told once, as there is one thing to do; another remedy has a warning of its own."""
    facts = never_restarted()
    unproven = [Check(f"logs-{n}", "logs").unproven(f"line {n}", remedy="See tasks-run-image.") for n in range(1, 5)]
    other = Check("logs-5", "logs").unproven("no events", remedy="Allow logs:FilterLogEvents.")
    lines = annotate(run_of(facts, [*findings_of(facts), *unproven, other]))
    warnings = [line for line in lines if line.startswith("::warning")]
    assert len(warnings) == 2
    assert "logs-1%3A unproven::line 1 (also logs-2 to logs-4)" in warnings[0]
    assert "logs-5" in warnings[1]


def test_what_holds_is_not_annotated() -> None:
    """A verified run has no annotation."""
    assert annotate(run_of(completed())) == []


def test_a_run_that_verified_nothing_is_a_warning() -> None:
    """Without a check that failed, a run that is not verified still has an annotation."""
    (line,) = annotate(run_report())
    assert line.startswith("::warning")
    assert "nothing was verified" in line


def test_a_failed_test_is_an_error() -> None:
    """A test of the user's that refutes the deployment is annotated."""
    tests = [UserTest("test_a.py::test_one", "failed")]
    lines = annotate(run_of(completed(), tests=tests))
    assert lines == ["::error title=deploycheck%3A test::test_a.py::test_one failed"]


def test_there_are_no_more_than_github_takes() -> None:
    """GitHub takes ten annotations of a kind from a step; the one that breaks the chain is among them."""
    facts = never_restarted()
    many = [Check(f"logs-{n}", "logs").fails("missing", remedy="look") for n in range(1, 30)]
    lines = annotate(run_of(facts, [*findings_of(facts), *many]))
    assert len(lines) == 10
    assert "rollout-complete" in lines[0]


@given(st.text(alphabet="a:,%\r\n#[]\u2028\u202e ", max_size=30))
def test_no_text_ends_a_command_or_begins_another(text: str) -> None:
    """Names and log lines with line ends, colons and percent signs stay inside of their annotation."""
    facts = replace(never_restarted(), name=text or "x")
    finding = Check("tasks-run-image", "tasks").fails(f"x{text}", remedy=f"x{text}", command=f"x{text}")
    for line in annotate(run_of(facts, [*findings_of(facts), finding])):
        assert COMMAND.fullmatch(line), line
