from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.gfm import PARSER, inline_tokens, rows
from support.runs import IDENTITY, SITUATIONS, findings_of, logs_finding, run_of, run_report, service_report
from support.worlds import OLD, Way, completed, denied, image, judged, never_restarted, reference, unread
from syrupy.assertion import SnapshotAssertion

from pytest_deploycheck.facts.snapshot import Lookup, Problem
from pytest_deploycheck.judge.finding import Check
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.report.formats import FORMATS
from pytest_deploycheck.report.markdown.page import render
from pytest_deploycheck.report.model import RunReport

WAY: Way = "service deployments"
OURS = {"text", "code_inline", "strong_open", "strong_close", "html_inline"}
"""What may be in a line of a report: text, code, and the marks that it sets itself."""

ATTACK = "a|b `c` <script>alert(1)</script> @all #1 [x](http://y) **z**\n::error::no\n# h \u202etxet http://e.example"


def raw_html(text: str) -> set[str]:
    """Return the pieces of HTML that a parser takes over as they are."""
    found = {token.content for token in inline_tokens(text) if token.type == "html_inline"}
    return found | {token.content.strip() for token in PARSER.parse(text) if token.type == "html_block"}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation(situation: str, snapshot: SnapshotAssertion) -> None:
    """Whatever a run comes upon, its report reads as text, and a parser finds only what the report itself set."""
    text = render(run_of(SITUATIONS[situation]()))
    assert {token.type for token in inline_tokens(text)} <= OURS
    if WAY in situation or "," not in situation:
        assert text == snapshot


def test_nothing_foreign_becomes_markup() -> None:
    """Names, log lines, messages of AWS and ids of tests that hold markup are shown and do nothing."""
    problem = Problem("ecs:ListTasks", "Denied", ATTACK, ATTACK)
    facts = replace(never_restarted(WAY), name=ATTACK, problems={"targets": problem})
    check = Check("tasks-run-image", "tasks")
    finding = check.fails(ATTACK, cause=ATTACK, remedy=ATTACK, command=f"echo {ATTACK}", notes=[ATTACK], details=ATTACK)
    findings = [*findings_of(facts, logs_finding(ATTACK)), finding, check.unproven(ATTACK), check.skips(ATTACK)]
    report = run_of(facts, findings, tests=[UserTest(ATTACK, "failed")])
    report = replace(report, environment=ATTACK)
    plain = render(run_of(never_restarted(WAY), findings_of(never_restarted(WAY))))
    text = render(report)

    assert {token.type for token in inline_tokens(text)} <= OURS
    assert {html for html in raw_html(text) if "summary" not in html} <= raw_html(plain)
    assert not any("script" in html for html in raw_html(text))
    assert {len(row) for row in rows(text)} <= {3, 4}
    assert "\u202e" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_a_refutation_holds_what_a_repair_needs() -> None:
    """The report has the disagreement, its evidence with sources, the next command, and what was not looked at."""
    text = render(run_of(never_restarted(WAY)))
    for word in (
        "REFUTED",
        "broken link: **rollout**",
        OLD[:19],
        "Likely cause",
        "ecs:DescribeTasks",
        "ecr:DescribeImages",
    ):
        assert word in text
    assert "```sh\naws ecs update-service" in text
    assert "What was not looked at" in text


def test_an_interrupted_run_says_so_on_top() -> None:
    """The first lines of the report of an interrupted run say that it did not come to its end."""
    lines = [line for line in render(run_of(completed(), complete=False)).splitlines() if line]
    assert "Interrupted" in lines[2]


def test_a_replay_says_so_on_top() -> None:
    """The first lines of the report of a replay name the report whose facts were judged."""
    report = replace(run_of(completed()), replay_of="old report.json")
    lines = [line for line in render(report).splitlines() if line]
    assert "Replay" in lines[2]
    assert "old report.json" in lines[2]


def test_without_a_service_nothing_was_verified() -> None:
    """The report of a run without a selected service says that nothing was verified."""
    report = run_report()
    assert "UNPROVEN" in render(report)
    assert "No service was selected" in render(report)


def fleet(number: int) -> RunReport:
    """Return a run over many services, of which every second one is broken."""
    worlds = [completed if index % 2 else never_restarted for index in range(number)]
    return run_report(*(service_report(replace(make(), name=f"service-{n:03}")) for n, make in enumerate(worlds)))


def test_a_fleet_has_a_table_and_sections_of_what_is_broken() -> None:
    """Of several services each has a row, the worst first, and only those that are not verified have a section."""
    text = render(fleet(4))
    names = [row[0] for row in rows(text) if row[0].startswith("service-")]
    assert names == ["service-000", "service-002", "service-001", "service-003"]
    assert "### ❌ `service-000`" in text
    assert "`service-001`: VERIFIED" not in text


def test_a_long_report_fits_a_comment() -> None:
    """A report over many services stays below what GitHub takes as a comment, and says what it leaves out."""
    text = render(fleet(120))
    assert len(text) < 65_536
    assert "Not shown for their length" in text


def test_an_earlier_report_is_known() -> None:
    """The report is recognized when a later run writes to its path."""
    assert FORMATS[".md"].is_own(render(run_of(completed())))
    assert not FORMATS[".md"].is_own("# Notes\n")


def test_where_nothing_was_read_there_is_no_timeline() -> None:
    """The report of a service that could not be read has no empty section."""
    assert "Timeline (UTC)" in render(run_of(never_restarted(WAY)))
    assert "Timeline (UTC)" not in render(run_of(unread(), []))


def test_a_push_time_that_is_not_known_has_no_row() -> None:
    """With pull rights alone the image is there, and when it was pushed is left out of the evidence."""
    lookup = Lookup(reference(), image=image(pushed_at=None), problem=denied("ecr:DescribeImages"))
    assert "| image pushed |" in render(run_of(completed()))
    assert "| image pushed |" not in render(run_of(completed(judged=[judged(lookup)])))


def test_the_times_of_a_machine_with_another_clock_are_explained() -> None:
    """Times are those of the servers, and the difference from the clock of this machine is noted."""
    report = run_of(completed())
    observation = replace(report.observation, identity=replace(IDENTITY, clock_offset=300.0))
    assert "Times are those of the servers" in render(replace(report, observation=observation))
    assert "Times are those of the servers" not in render(report)


def test_of_many_log_checks_the_first_have_rows() -> None:
    """The evidence stays short: of more than ten log expectations, the number of the others is a row."""
    checks = [replace(logs_finding(), id=f"logs-{number}") for number in range(1, 14)]
    text = render(run_of(never_restarted(WAY), [*findings_of(never_restarted(WAY))[:-1], *checks]))
    evidence = [row[0] for row in rows(text)]
    assert [name for name in evidence if name.startswith("logs-")][:10] == [f"logs-{one}" for one in range(1, 11)]
    assert "and 3 more" in evidence
