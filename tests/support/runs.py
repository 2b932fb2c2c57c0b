"""Whole runs for the reports: facts, carried through the judges, with the verdict they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytest_deploycheck.config.settings import DEFAULT_REQUIRE, Expectation, Pattern
from pytest_deploycheck.facts.snapshot import Identity, Lookup, Observation, ServiceFacts
from pytest_deploycheck.judge.analysis.logs.outcome import ExpectationOutcome
from pytest_deploycheck.judge.analysis.logs.reading import read
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.checks.logs import judge_expectation, log_check
from pytest_deploycheck.judge.finding import FIXED_CHECKS, IMAGE_INTENDED, Check, Finding
from pytest_deploycheck.judge.verdict import UserTest, judge_run, judge_service
from pytest_deploycheck.report.model import RunReport, ServiceReport
from pytest_deploycheck.report.summary import summary_rows
from pytest_deploycheck.report.terminal.rows import Line, lines_of
from support.judging import (
    judge_complete,
    judge_exists,
    judge_pushed,
    judge_repository,
    judge_run_image,
    judge_running,
)
from support.worlds import (
    NOW,
    WAYS,
    completed,
    denied,
    deployment,
    event,
    failed,
    found,
    gone,
    judged,
    never_restarted,
    old_task,
    reference,
    rolled_back,
    rolling,
    scope,
    service,
    sight,
    superseded,
    task,
)

LINE = "Found 3 platform sections"
NEEDED = tuple(check for check in FIXED_CHECKS if check.is_telling)
"""The checks that a verdict needs where nothing but the defaults is configured."""

INTENDED = IMAGE_INTENDED.passes(
    "--deploy-image names the image by the tag v2.0, which is its own", evidence={"by": "name"}
)
"""The finding of a run in which the image was named."""

IDENTITY = Identity("123456789012", "arn:aws:sts::123456789012:assumed-role/ci/run", "us-east-1")


def logs_finding(message: str = LINE, *, kind: str = "expect") -> Finding:
    """Return the finding on the first declared expectation when the one new task logs `message`."""
    expectation = Expectation(kind, (Pattern(LINE),))  # type: ignore[arg-type]
    seen = sight(scope("one"), event(message))
    outcome = ExpectationOutcome(expectation, read(expectation, seen), seen, waited=2)
    return judge_expectation(log_check(1, expectation), outcome)


def findings_of(facts: ServiceFacts, logs: Finding | None = None) -> tuple[Finding, ...]:
    """Return the finding of every check of a service."""
    return (
        judge_exists(facts),
        INTENDED,
        judge_repository(facts),
        judge_pushed(facts, None),
        judge_complete(facts, waited=2),
        judge_running(facts),
        judge_run_image(facts),
        logs or logs_finding(),
    )


def service_report(
    facts: ServiceFacts,
    findings: Sequence[Finding] | None = None,
    *,
    tests: Sequence[UserTest] = (),
    complete: bool = True,
    needed: Sequence[Check] | None = None,
    require: Sequence[str] = DEFAULT_REQUIRE,
) -> ServiceReport:
    """One service with its verdict."""
    found = tuple(findings) if findings is not None else findings_of(facts)
    judgement = judge_service(
        facts.name,
        found,
        tests,
        require=require,
        needed=NEEDED if needed is None else needed,
        complete=complete,
    )
    return ServiceReport(ServiceAnalysis(facts), found, judgement=judgement)


def run_report(*services: ServiceReport, tests: Sequence[UserTest] = (), complete: bool = True) -> RunReport:
    """A run over some services."""
    return RunReport(
        environment="dev",
        observation=Observation(IDENTITY, NOW, NOW, tuple(one.facts for one in services)),
        services=services,
        tests=tuple(tests),
        judgement=judge_run(one.judgement for one in services),
        complete=complete,
    )


def run_of(
    facts: ServiceFacts,
    findings: Sequence[Finding] | None = None,
    *,
    needed: Sequence[Check] | None = None,
    require: Sequence[str] = DEFAULT_REQUIRE,
    **more: Any,
) -> RunReport:
    """A run over one service."""
    return run_report(service_report(facts, findings, needed=needed, require=require, **more), **more)


def summary(report: RunReport) -> list[str]:
    """The summary as plain lines, each whole, however long it is."""
    return [str(row) for row in summary_rows(report)]


def summary_lines(report: RunReport, *, width: int, verbosity: int = 0) -> list[Line]:
    """The summary as lines for a terminal of some columns."""
    return lines_of(summary_rows(report, verbosity), width)


SITUATIONS: dict[str, Callable[[], ServiceFacts]] = {
    **{f"completed, {way}": lambda way=way: completed(way) for way in WAYS},  # type: ignore[misc]
    **{f"never restarted, {way}": lambda way=way: never_restarted(way) for way in WAYS},  # type: ignore[misc]
    **{f"rolled back, {way}": lambda way=way: rolled_back(way) for way in WAYS},  # type: ignore[misc]
    "in progress": lambda: rolling("service deployments", task("one"), old_task("two")),
    "failed": lambda: failed("service deployments"),
    "superseded": lambda: superseded("service deployments"),
    "scaled to zero": lambda: completed(service=service(deployment(), desired=0, running=0), tasks=[]),
    "image gone": lambda: completed(judged=[judged(gone("tag"))]),
    "repository gone": lambda: completed(judged=[judged(gone("repository"))]),
    "digest not told": lambda: completed(tasks=[task("one", None), task("two", None, started_at=None)]),
    "registry denied": lambda: completed(judged=[judged(Lookup(reference(), problem=denied("ecr:DescribeImages")))]),
    "elsewhere": lambda: completed(
        judged=[judged(found(named=reference(region="eu-west-1")), pulled=found(), names_repository=True)]
    ),
    "tasks denied": lambda: completed(tasks=None, problems={"tasks": denied("ecs:ListTasks")}),
    "service denied": lambda: completed(
        "deployments alone", service=None, problems={"service": denied("ecs:DescribeServices")}
    ),
    "nothing to judge": lambda: completed(judged=[], definitions=[]),
}
"""What a run may come upon."""
