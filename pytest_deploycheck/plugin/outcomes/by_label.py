"""The checks of a run and their findings, by the labels of services."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.config.settings import EnvironmentRun
from pytest_deploycheck.judge.finding import Check, Finding
from pytest_deploycheck.plugin.collection.node_ids import ROOT
from pytest_deploycheck.plugin.outcomes.results import Results
from pytest_deploycheck.run.checks import checks_of


def checks_by_id(runs: Sequence[EnvironmentRun]) -> dict[str, tuple[str, Check]]:
    """Return the label of the service and the check, by node id."""
    return {
        f"{ROOT}::{label}::{check.id}": (label, check)
        for run in runs
        for label, service in run.labels.items()
        for check in checks_of(run.environment, service)
    }


def findings_by_label(results: Results, runs: Sequence[EnvironmentRun]) -> dict[str, list[Finding]]:
    """Return the findings of each service, in the order of its checks; a deselected check has none."""
    found = results.findings()
    return {
        label: [
            finding for check in checks_of(run.environment, service) if (finding := found.get(label, {}).get(check.id))
        ]
        for run in runs
        for label, service in run.labels.items()
    }
