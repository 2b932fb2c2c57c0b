"""A verification before anything was observed, and one that cannot observe."""

from __future__ import annotations

import pytest

from pytest_deploycheck.config.settings import EnvironmentSettings, Expectation, Options, Pattern, ServiceSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.judge.checks.logs import log_check
from pytest_deploycheck.judge.finding import TASKS_RUNNING, Status
from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.run.verification import Verification

EXPECTED = Expectation("expect", (Pattern("Found 3 platform sections"),))


@pytest.fixture
def verification() -> Verification:
    """Return the verification of a service that declares a log expectation."""
    web = ServiceSettings("web", "shop-web", logs=(EXPECTED,))
    environment = EnvironmentSettings("dev", region="eu-west-1", services={"web": web})
    return Verification(environment, Options(("web",)))


def test_before_the_observation_nothing_is_known(verification: Verification) -> None:
    """No call was made and nothing is wrong yet; who asks for the observation too early learns the order."""
    assert verification.made.calls == ()
    assert verification.problem is None
    with pytest.raises(RuntimeError, match="observe"):
        _ = verification.observation


def test_an_environment_that_is_given_up_is_in_error(verification: Verification) -> None:
    """Each check is in error with the reason of the environment, and no wait for logs begins."""
    verification.give_up(EnvironmentUnusableError("The credentials have expired.", "Log in again."))
    verification.begin_log_checks()
    findings = [verification.finding("web", check) for check in (TASKS_RUNNING, log_check(1, EXPECTED))]
    assert [one.status for one in findings] == [Status.ERROR, Status.ERROR]
    assert all("The credentials have expired." in one.summary for one in findings)
    assert all(one.remedy == "Log in again." for one in findings)
    report = verification.report({"web": findings}, (), complete=True)
    assert report.judgement.verdict is Verdict.UNPROVEN
    assert (report.observation.identity.account, report.observation.identity.region) == ("", "eu-west-1")
    assert report.calls == ()
