"""The result of a run: facts, findings, tests and the verdict."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from pytest_deploycheck.facts.recorded.calls import Calls
from pytest_deploycheck.facts.snapshot import Observation, ServiceFacts
from pytest_deploycheck.facts.timeline import Moment
from pytest_deploycheck.judge.analysis.rollback import RollbackTarget
from pytest_deploycheck.judge.analysis.service import Rollout, ServiceAnalysis
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.judge.proposal import proposes_rollback
from pytest_deploycheck.judge.record import RunRecord
from pytest_deploycheck.judge.timeline import timeline
from pytest_deploycheck.judge.verdict import Judgement, UserTest, Verdict


class _Judged(Struct, frozen=True, kw_only=True):
    """A result with a verdict.

    Attributes:
        judgement: The verdict on it, with what that is based on.
    """

    judgement: Judgement

    @property
    def verdict(self) -> Verdict:
        """VERIFIED, REFUTED or UNPROVEN."""
        return self.judgement.verdict

    @property
    def broken_link(self) -> str | None:
        """The first link of the chain that does not hold, or None where all do."""
        return self.judgement.broken_link


class ServiceReport(_Judged, frozen=True):
    """The result of a run for one service.

    Attributes:
        analysis: The analysis of its facts.
        findings: The findings of its checks, in the order of the chain.
    """

    analysis: ServiceAnalysis
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.facts.name

    @property
    def facts(self) -> ServiceFacts:
        """The facts of the service."""
        return self.analysis.facts

    @property
    def rollout(self) -> Rollout:
        """The rollout that was verified."""
        return self.analysis.rollout

    @property
    def rollback(self) -> RollbackTarget | None:
        """The image to roll back to, or None where none is known."""
        return self.analysis.rollback_target

    @property
    def proposed_rollback(self) -> RollbackTarget | None:
        """The image to roll back to, where the expected one does harm; else None."""
        return self.rollback if proposes_rollback(self.analysis, self.findings) else None

    @property
    def advice(self) -> tuple[str, ...]:
        """The recommendations of its checks, each once; they stand whatever the verdict is."""
        return tuple(dict.fromkeys(text for finding in self.findings for text in finding.advice))

    @property
    def timeline(self) -> tuple[Moment, ...]:
        """The known events in the life of the service, the earliest first."""
        return timeline(self.analysis, self.findings)

    def finding(self, check: str) -> Finding | None:
        """Return the finding of a check by its id, or None where it was not selected."""
        return next((finding for finding in self.findings if finding.id == check), None)

    def asked(self, link: str) -> list[Finding]:
        """Return the findings of a link, without those of skipped checks."""
        return [one for one in self.findings if one.link == link and one.status is not Status.SKIP]


class RunReport(_Judged, frozen=True):
    """The result of a run.

    Attributes:
        environment: The environment's name.
        observation: The observation of it.
        services: The result for each selected service.
        tests: The session's tests that used the fixtures.
        complete: Whether the run came to its end.
        mask: Regular expressions of the user for secrets that are masked in everything written.
        versions: The versions of this software and of what it runs on, by name.
        record: The settings and facts from which it can be judged again; None for a report that is not written.
        calls: The calls of AWS's API, by operation.
        replay_of: The report whose facts were judged again, as it was named; empty for a run that observed.
        held: The seconds during which calls were held back, as AWS allows no more of them.
        throttles: The calls that AWS throttled all the same; they were repeated.
    """

    environment: str
    observation: Observation
    services: tuple[ServiceReport, ...]
    tests: tuple[UserTest, ...]
    complete: bool
    mask: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    record: RunRecord | None = None
    calls: tuple[Calls, ...] = ()
    replay_of: str = ""
    held: float = 0.0
    throttles: int = 0

    def tests_of(self, service: ServiceReport) -> list[UserTest]:
        """Return the tests whose results count for a service."""
        return [test for test in self.tests if test.concerns(service.name)]


class FleetReport(_Judged, frozen=True):
    """The result of a run over one environment or several.

    Attributes:
        environments: The result for each environment.
        tests: The session's tests that used the fixtures; of several environments, with the labels of services.
        complete: Whether the run came to its end.
    """

    environments: tuple[RunReport, ...]
    tests: tuple[UserTest, ...]
    complete: bool
