"""The verification of all environments of a run without pytest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_deploycheck.config.settings import EnvironmentRun
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.polling import Clock
from pytest_deploycheck.report.model import FleetReport
from pytest_deploycheck.run.checks import checks_of
from pytest_deploycheck.run.connections import Access
from pytest_deploycheck.run.fleet.finder import ServiceFinder
from pytest_deploycheck.run.fleet.fleet import Fleet
from pytest_deploycheck.run.verification import Verification

MakeVerification = Callable[[EnvironmentRun, Access, Clock], Verification]
"""Makes the verification of an environment, with its connections and its clock."""


def assemble(runs: Sequence[EnvironmentRun], finder: ServiceFinder, make: MakeVerification) -> Fleet:
    """Return the verification of all environments of a run.

    Args:
        runs: The environments, and what is asked of each.
        finder: What found their services; those that it could not list are given up.
        make: Makes the verification of one.

    Raises:
        ConfigurationError: An image that was named is no reference.
    """
    verifications = [make(run, finder.access(run.environment), finder.clock) for run in runs]
    for verification in verifications:
        unusable = finder.unusable.get(verification.environment.name)
        if unusable:
            verification.give_up(unusable)
    return Fleet(runs, verifications, finder.clock)


def carry_out_all(fleet: Fleet, runs: Sequence[EnvironmentRun], findings: dict[str, list[Finding]]) -> FleetReport:
    """Observe every environment, and carry out every built-in check of its services.

    Args:
        fleet: The environments.
        runs: What is asked of each.
        findings: Filled with the findings, by the label of the service, so that an interrupted run keeps them.

    Raises:
        EnvironmentUnusableError: None of the environments can be observed.
    """
    fleet.observe(read_ahead=fleet.labels)
    for run in runs:
        for label, service in run.labels.items():
            found = findings.setdefault(label, [])
            for check in checks_of(run.environment, service):
                found.append(fleet.finding(label, check))  # kept when it is interrupted
    return fleet.confirm(fleet.report(findings, (), complete=True), complete=True)
