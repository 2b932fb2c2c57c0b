"""The record of a run: the settings and the facts from which its findings follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentSettings, Expectation, Options
from pytest_deploycheck.facts.recorded.checks import MOST_LINES, LogsRead, SourceCompared
from pytest_deploycheck.facts.snapshot import Observation
from pytest_deploycheck.judge.checks.image_intent import KnownRelease
from pytest_deploycheck.judge.finding import Finding, TaskLines

MOST_QUESTIONS = 50
"""Questions of tests about the logs that are recorded for a service."""


class AskedLogs(Struct, frozen=True):
    """A question of a test about the logs, with what was read for it.

    Attributes:
        expectation: What was asked.
        read: What was read.
    """

    expectation: Expectation
    read: LogsRead


class ServiceRecord(Struct, frozen=True):
    """The facts of a service beside the observation.

    Attributes:
        logs: What was read of the logs, by the id of the check.
        source: The source trees beside the image, where they were compared.
        last_lines: The last log lines of tasks that did not stay up.
        asked: What tests asked of the logs.
    """

    logs: Mapping[str, LogsRead] = field(default_factory=dict)
    source: SourceCompared | None = None
    last_lines: tuple[TaskLines, ...] = ()
    asked: tuple[AskedLogs, ...] = ()


class RunRecord(Struct, frozen=True):
    """The settings and the facts of a run.

    Attributes:
        environment: The settings of the environment, without credentials.
        options: The options of the run.
        release: The release, as it is known from outside the cluster.
        observation: The observation.
        services: The facts of each service beside it, by its name.
    """

    environment: EnvironmentSettings
    options: Options
    release: KnownRelease
    observation: Observation
    services: Mapping[str, ServiceRecord] = field(default_factory=dict)


def record_of(
    environment: EnvironmentSettings,
    options: Options,
    release: KnownRelease,
    observation: Observation,
    findings: Mapping[str, Sequence[Finding]],
    *,
    asked: Mapping[str, Sequence[AskedLogs]],
) -> RunRecord:
    """Return the record of a run, without what only its connections needed.

    Args:
        environment: The settings of the environment.
        options: The options of the run.
        release: The release, as it is known from outside the cluster.
        observation: The observation.
        findings: The findings of each service, by its name.
        asked: What tests asked of the logs of each service, by its name.
    """
    return RunRecord(
        replace(environment, profile=None, role_arn=None, external_id=None, mask=(), live_tail=False),
        # The services have what they need of the baseline among their facts.
        replace(options, baseline=None),
        release,
        observation,
        {service: _service(found, asked.get(service, ())) for service, found in findings.items()},
    )


def _service(findings: Sequence[Finding], asked: Sequence[AskedLogs]) -> ServiceRecord:
    facts = [(finding.id, finding.facts) for finding in findings if finding.facts]
    lines = [lines for finding in findings for lines in finding.last_lines]
    return ServiceRecord(
        {check: one.logs for check, one in facts if one.logs},
        next((one.source for _, one in facts if one.source), None),
        tuple(TaskLines(one.task, one.events[-MOST_LINES:]) for one in lines),
        tuple(asked[:MOST_QUESTIONS]),
    )
