"""The verification of an environment whose settings a test has made, without a configuration file."""

from __future__ import annotations

from pytest_deploycheck.config.settings import EnvironmentRun, EnvironmentSettings, Options
from pytest_deploycheck.polling import SystemClock
from pytest_deploycheck.report.model import RunReport
from pytest_deploycheck.run.fleet.fleet import Fleet
from pytest_deploycheck.run.fleet.interruption import InterruptibleClock
from pytest_deploycheck.run.fleet.verify import carry_out_all
from pytest_deploycheck.run.verification import Verification


def verify_settings(environment: EnvironmentSettings, options: Options) -> RunReport:
    """Carry out every built-in check of an environment, and return its report."""
    run = EnvironmentRun(environment, options)
    clock = InterruptibleClock(SystemClock())
    fleet = Fleet([run], [Verification(environment, options, clock=clock)], clock)
    try:
        (report,) = carry_out_all(fleet, [run], {}).environments
    finally:
        fleet.close()
    return report
