"""The record of a run: what it keeps of the findings of a service, and of the settings."""

from __future__ import annotations

from msgspec.structs import replace
from support.runs import IDENTITY
from support.worlds import NOW, event, scope, sight

from pytest_deploycheck.config.settings import EnvironmentSettings, Expectation, Options, Pattern
from pytest_deploycheck.facts.baseline import Baseline
from pytest_deploycheck.facts.recorded.checks import MOST_LINES, CheckFacts, LogsRead, SourceCompared
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.facts.source import Checkout
from pytest_deploycheck.judge.checks.image_intent import KnownRelease
from pytest_deploycheck.judge.finding import IMAGE_CONTENT, TASKS_RUNNING, Check, Finding, TaskLines
from pytest_deploycheck.judge.record import MOST_QUESTIONS, AskedLogs, RunRecord, ServiceRecord, record_of

READ = LogsRead(sight(scope("one")), NOW, waited=2)
COMPARED = SourceCompared((), Checkout())
LINES = tuple(event(str(number)) for number in range(MOST_LINES + 10))
ENVIRONMENT = EnvironmentSettings("dev", services={})
OPTIONS = Options(services=("shop",))
RELEASE = KnownRelease("dev", "us-east-1")
SEEN = Observation(IDENTITY, NOW, NOW, ())
ASKED = AskedLogs(Expectation("expect", (Pattern("ready"),)), READ)


def recorded(*findings: Finding, asked: int = 0) -> ServiceRecord:
    """Return the record of a service with these findings, of which tests asked so many questions."""
    questions = {"shop": [ASKED] * asked} if asked else {}
    return record_of(ENVIRONMENT, OPTIONS, RELEASE, SEEN, {"shop": findings}, asked=questions).services["shop"]


def test_the_facts_of_each_finding_are_kept() -> None:
    """The logs that a check read, the source that was compared, the last lines, and the questions of tests."""
    logs = replace(Check("logs-1", "logs").passes("logged"), facts=CheckFacts(logs=READ))
    content = replace(IMAGE_CONTENT.passes("held"), facts=CheckFacts(source=COMPARED))
    few = replace(TASKS_RUNNING.fails("1 of 2", remedy="look"), last_lines=(TaskLines("one", LINES[:2]),))
    kept = recorded(logs, content, few, asked=1)
    assert kept == ServiceRecord({"logs-1": READ}, COMPARED, (TaskLines("one", LINES[:2]),), (ASKED,))


def test_a_service_without_such_facts_has_none() -> None:
    """Findings that follow from the observation alone add nothing to it."""
    assert recorded(TASKS_RUNNING.passes("2 of 2")) == ServiceRecord()


def test_no_more_is_kept_than_a_report_holds() -> None:
    """Of a task's lines the last ones, and of many questions the first."""
    few = replace(TASKS_RUNNING.fails("1 of 2", remedy="look"), last_lines=(TaskLines("one", LINES),))
    kept = recorded(few, asked=MOST_QUESTIONS + 1)
    assert kept.last_lines == (TaskLines("one", LINES[-MOST_LINES:]),)
    assert len(kept.asked) == MOST_QUESTIONS


def test_what_a_replay_does_not_need_is_left_out() -> None:
    """The settings, options, release and observation are kept, without what only the connection to AWS needed."""
    connected = replace(
        ENVIRONMENT, profile="ops", role_arn="arn:role", external_id="id", mask=("secret",), live_tail=True
    )
    based = replace(OPTIONS, baseline=Baseline("before.json", "dev", IDENTITY.account, IDENTITY.region, NOW))
    assert record_of(connected, based, RELEASE, SEEN, {}, asked={}) == RunRecord(ENVIRONMENT, OPTIONS, RELEASE, SEEN)
