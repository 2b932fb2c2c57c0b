"""The verification of several environments side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace
from support.log_fakes import FakeClock
from support.runs import run_report, service_report
from support.worlds import completed, never_restarted, rolling, task

from pytest_deploycheck.config.settings import EnvironmentRun, EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.recorded.calls import CallsMade
from pytest_deploycheck.facts.snapshot import Problem, ServiceFacts
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.finding import FIXED_CHECKS, Finding
from pytest_deploycheck.judge.progress import Progress, progress
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.report.model import RunReport
from pytest_deploycheck.run.fleet.fleet import Fleet
from pytest_deploycheck.run.fleet.interruption import InterruptibleClock, WaitInterruptedError
from pytest_deploycheck.run.fleet.progress import GatheredProgress
from pytest_deploycheck.run.verification import Verification


class Stub:
    """A verification of one environment with one service, `web`.

    Attributes:
        problem: Why it was given up.
        tests: The tests that its report was made of.
        findings: The findings that its report was made of.
        confirmed: How often it was confirmed.
    """

    def __init__(self, name: str, facts: ServiceFacts, observe: Callable[[], object] = lambda: None) -> None:
        self.environment = EnvironmentSettings(name, services={"web": ServiceSettings("web", "web")})
        self.facts = replace(facts, name="web")
        self._observe = observe
        self.problem: Problem | None = None
        self.tests: Sequence[UserTest] = ()
        self.findings: Any = None
        self.confirmed = 0

    def observe(self, read_ahead: Sequence[str]) -> None:
        """Observe, without lines that are read ahead."""
        assert not read_ahead
        self._observe()

    def give_up(self, error: EnvironmentUnusableError) -> None:
        """Note the problem."""
        self.problem = Problem("", "", error.message, error.remedy)

    def report(self, findings: object, tests: Sequence[UserTest], *, complete: bool) -> RunReport:
        """Return the report of its facts."""
        self.tests, self.findings = tests, findings
        report = run_report(service_report(self.facts), tests=tests, complete=complete)
        return replace(report, environment=self.environment.name)

    def confirm(self, findings: object) -> object:
        """Count it; the service is not what it was."""
        self.confirmed += 1
        self.facts = replace(never_restarted("service deployments"), name="web")
        return findings


def fleet_of(*stubs: Stub) -> Fleet:
    """Return a fleet of environments."""
    runs = [EnvironmentRun(one.environment, Options(("web",)), f"{one.environment.name}/") for one in stubs]
    return Fleet(runs, [cast("Verification", one) for one in stubs], InterruptibleClock(FakeClock()))


def unusable(message: str) -> Callable[[], object]:
    """Return an observation that is not possible."""

    def observe() -> object:
        raise EnvironmentUnusableError(message, "Fix it.")

    return observe


def test_environments_are_observed_side_by_side() -> None:
    """Each waits for the other, which only works at the same time."""
    both = threading.Barrier(2, timeout=10)
    fleet_of(Stub("eu", completed(), both.wait), Stub("us", completed(), both.wait)).observe()
    assert not both.broken


def test_one_that_cannot_be_observed_is_given_up() -> None:
    """The others go on."""
    eu, us = Stub("eu", completed()), Stub("us", completed(), unusable("No cluster."))
    fleet_of(eu, us).observe()
    assert eu.problem is None
    assert us.problem is not None
    assert us.problem.message == "No cluster."


def test_none_can_be_observed() -> None:
    """One error names the reasons of all, and each remedy once."""
    stubs = [Stub("eu", completed(), unusable("No cluster.")), Stub("us", completed(), unusable("No credentials."))]
    with pytest.raises(EnvironmentUnusableError) as caught:
        fleet_of(*stubs).observe()
    assert caught.value.message.splitlines()[1:] == ["No cluster.", "No credentials."]
    assert caught.value.remedy == "Fix it."


def test_the_only_environment_raises_its_own_error() -> None:
    """A run over one environment is what it is without others."""
    with pytest.raises(EnvironmentUnusableError, match=r"^No cluster\.\nFix it\.$"):
        fleet_of(Stub("eu", completed(), unusable("No cluster."))).observe()


def test_an_interruption_ends_the_waits_of_all() -> None:
    """The waits in other threads end when one environment ends the run."""
    begun, ended = threading.Event(), threading.Event()
    clock = InterruptibleClock(FakeClock())

    def wait() -> None:
        try:
            while True:
                begun.set()
                clock.sleep(1)
                time.sleep(0.01)
        except WaitInterruptedError:
            ended.set()

    def interrupt() -> None:
        assert begun.wait(10)
        raise KeyboardInterrupt

    stubs = [Stub("eu", completed(), interrupt), Stub("us", completed(), wait)]
    runs = [EnvironmentRun(one.environment, Options(("web",)), f"{one.environment.name}/") for one in stubs]
    with pytest.raises(KeyboardInterrupt):
        Fleet(runs, [cast("Verification", one) for one in stubs], clock).observe()
    assert ended.wait(10)


def test_each_environment_is_judged_by_its_own_findings_and_tests() -> None:
    """Labels become the names of its services; a test that concerns no service concerns all environments."""
    eu, us = Stub("eu", completed()), Stub("us", completed())
    finding: Finding = FIXED_CHECKS[0].passes("yes")
    tests = [
        UserTest("test_eu", "passed", ("eu/web",)),
        UserTest("test_us", "passed", ("us/web",)),
        UserTest("test_other_service", "skipped", ("eu/left-out",)),
        UserTest("test_environment_without_services", "passed", ("lost/",)),
        UserTest("test_all", "passed"),
    ]
    report = fleet_of(eu, us).report({"eu/web": [finding]}, tests, complete=True)
    assert (eu.findings, us.findings) == ({"web": [finding]}, {"web": []})
    assert [(one.nodeid, one.services) for one in eu.tests] == [
        ("test_eu", ("web",)),
        ("test_other_service", ("left-out",)),
        ("test_all", ()),
    ]
    assert [one.nodeid for one in us.tests] == ["test_us", "test_all"]
    assert report.tests == tuple(tests)


def test_verified_environments_are_confirmed() -> None:
    """A verified environment is observed once more; any other is left as it is."""
    eu, us = Stub("eu", completed()), Stub("us", never_restarted("service deployments"))
    fleet = fleet_of(eu, us)
    before = fleet.report({}, (), complete=True)
    assert [one.verdict for one in before.environments] == ["VERIFIED", "REFUTED"]
    after = fleet.confirm(before, complete=True)
    assert [one.verdict for one in after.environments] == ["REFUTED", "REFUTED"]
    assert [one.environment for one in after.environments] == ["eu", "us"]
    assert (eu.confirmed, us.confirmed) == (1, 0)


def test_progress_is_shown_together() -> None:
    """Nothing is shown before each environment has been observed; then all that is awaited, by its label."""
    shown: list[list[str]] = []

    def show(rollouts: Sequence[Progress], _: float) -> None:
        shown.append([one.service for one in rollouts])

    runs = [EnvironmentRun(EnvironmentSettings(name), Options(("web",)), f"{name}/") for name in ("eu", "us")]
    gathered = GatheredProgress(show, runs)
    eu, us = (gathered.of(run) for run in runs)
    facts = replace(rolling("service deployments", task("one")), name="web")
    awaited = [progress(ServiceAnalysis(facts))]
    eu(awaited, 1.0)
    assert shown == []
    us(awaited, 2.0)
    eu((), 3.0)
    us((), 4.0)
    assert shown == [["eu/web", "us/web"], ["us/web"], []]


def test_the_progress_masks_what_its_environment_asks_for() -> None:
    """The newest event of a service is shown without what `mask` matches in that environment."""
    shown: list[str] = []
    run = EnvironmentRun(EnvironmentSettings("eu", mask=(r"C-\d+",)), Options(("web",)), "")
    take = GatheredProgress(lambda rollouts, _: shown.extend(one.last_event for one in rollouts), [run]).of(run)
    take([replace(progress(ServiceAnalysis(rolling("service deployments"))), last_event="failed for C-123")], 1.0)
    assert shown == ["failed for [masked]"]


def test_what_holding_back_cost_the_workers_is_reported_too() -> None:
    """Workers go on side by side, after the controller: the longest of them counts, and every throttle."""
    stubs = [Stub("eu", completed()), Stub("us", completed())]
    report = fleet_of(*stubs).report({}, (), complete=True)
    environments = tuple(replace(one, held=10.0, throttles=1) for one in report.environments)
    workers = [{"eu": CallsMade(held=4.0, throttles=2)}, {"eu": CallsMade(held=7.0), "us": CallsMade()}]
    eu, us = fleet_of(*stubs).with_workers(replace(report, environments=environments), workers).environments
    assert (eu.held, eu.throttles) == (17.0, 3)
    assert (us.held, us.throttles) == (10.0, 1)
