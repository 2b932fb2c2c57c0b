"""The values that travel with a report from the process that ran a test to the one that judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pytest_deploycheck.facts.codec import from_json, to_json
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.judge.record import AskedLogs

_LOGS = "logs"

_ATTRIBUTE = "deploycheck"
"""The attribute that holds it; pytest and xdist send every plain attribute of a report along."""


def attach_finding(report: pytest.TestReport, service: str, finding: Finding) -> None:
    """Attach the finding of a check to its report."""
    sent = {"service": service, "finding": to_json(finding), "outcome": str(finding.status)}
    setattr(report, _ATTRIBUTE, sent)


def attach_test(report: pytest.TestReport, outcome: str, *, services: Sequence[str], has_answers: bool) -> None:
    """Attach the result of a test that is about the deployment."""
    setattr(report, _ATTRIBUTE, {"outcome": outcome, "services": list(services), "has_answers": has_answers})


def attach_logs(report: pytest.TestReport, asked: Mapping[str, Sequence[AskedLogs]]) -> None:
    """Attach what a test asked of the logs, by the label of the service, for the report to record."""
    if asked:
        attached(report)[_LOGS] = to_json(asked)


def attached_logs(report: pytest.TestReport) -> dict[str, list[AskedLogs]]:
    """Return what a test asked of the logs, by the label of the service."""
    sent = attached(report).get(_LOGS)
    return from_json(sent, dict[str, list[AskedLogs]]) if sent else {}


def attach_other(report: pytest.TestReport, outcome: str) -> None:
    """Attach the result of a test that has nothing to do with the deployment.

    A report to which nothing is attached was not made by the process that ran the test: that process crashed.
    """
    setattr(report, _ATTRIBUTE, {"outcome": outcome})


def without_attachment(report: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a report as it is stored or sent, without what is attached."""
    return report and {name: value for name, value in report.items() if name != _ATTRIBUTE}


def attached(report: pytest.TestReport | pytest.CollectReport) -> dict[str, Any]:
    """Return what is attached to a report, or an empty mapping."""
    sent: dict[str, Any] = getattr(report, _ATTRIBUTE, {})
    return sent
