"""The record of a run: what it keeps of the findings of a service, and of the settings."""

from __future__ import annotations

from msgspec.structs import replace
from support.runs import IDENTITY
from support.worlds import NOW, event, scope, sight

from pytest_deploycheck.config.settings import EnvironmentSettings, Expectation, Options, Pattern
from pytest_deploycheck.facts.recorded.checks import MOST_LINES, CheckFacts, LogsRead, SourceCompared
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.facts.source import Checkout
from pytest_deploycheck.judge.checks.image_intent import KnownRelease
from pytest_deploycheck.judge.finding import IMAGE_CONTENT, TASKS_RUNNING, Check, Finding, TaskLines
from pytest_deploycheck.judge.record import MOST_QUESTIONS, AskedLogs, RunRecord, ServiceRecord, record_of

READ = LogsRead(sight(scope("one")), NOW, waited=2)
COMPARED = SourceCompared((), Checkout())
LINES = tuple(event(str(number)) for number in range(MOST_LINES + 10))
ASKED = AskedLogs(Expectation("expect", (Pattern("ready"),)), READ)


def recorded(*findings: Finding, asked: int = 0) -> RunRecord:
    """Return the record of a run with one service."""
    return record_of(
        EnvironmentSettings("dev", services={}, profile="ops", role_arn="arn:role", external_id="id", mask=("secret",)),
        Options(services=()),
        KnownRelease("dev", "us-east-1"),
        Observation(IDENTITY, NOW, NOW, ()),
        {"shop": findings},
        asked={"shop": [ASKED] * asked},
    )


def test_the_facts_of_each_finding_are_kept() -> None:
    """The logs that a check read, the source that was compared, the last lines, and the questions of tests."""
    logs = replace(Check("logs-1", "logs").passes("logged"), facts=CheckFacts(logs=READ))
    content = replace(IMAGE_CONTENT.passes("held"), facts=CheckFacts(source=COMPARED))
    few = replace(TASKS_RUNNING.fails("1 of 2", remedy="look"), last_lines=(TaskLines("one", LINES[:2]),))
    kept = recorded(logs, content, few, asked=1).services["shop"]
    assert kept == ServiceRecord({"logs-1": READ}, COMPARED, (TaskLines("one", LINES[:2]),), (ASKED,))


def test_a_service_without_such_facts_has_none() -> None:
    """Findings that follow from the observation alone add nothing to it."""
    assert recorded(TASKS_RUNNING.passes("2 of 2")).services["shop"] == ServiceRecord()


def test_no_more_is_kept_than_a_report_holds() -> None:
    """Of a task's lines the last ones, and of many questions the first."""
    few = replace(TASKS_RUNNING.fails("1 of 2", remedy="look"), last_lines=(TaskLines("one", LINES),))
    kept = recorded(few, asked=MOST_QUESTIONS + 1).services["shop"]
    assert kept.last_lines == (TaskLines("one", LINES[-MOST_LINES:]),)
    assert len(kept.asked) == MOST_QUESTIONS


def test_what_only_the_connection_needed_is_left_out() -> None:
    """A report needs no profile, role or external id, and what is masked stays unknown."""
    kept = recorded().environment
    assert (kept.name, kept.profile, kept.role_arn, kept.external_id, kept.mask) == ("dev", None, None, None, ())
