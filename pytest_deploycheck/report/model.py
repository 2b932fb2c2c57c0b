"""What a run came to: facts, findings, tests and the verdict, ready to be written down."""

from __future__ import annotations

from msgspec import Struct

from pytest_deploycheck.facts.snapshot import Observation, ServiceFacts
from pytest_deploycheck.judge.analysis.rollback import RollbackTarget, rollback_target
from pytest_deploycheck.judge.checks.rollout import Rollout
from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.judge.verdict import Judgement, UserTest, Verdict


class ServiceReport(Struct, frozen=True):
    """What a run came to for one service.

    Attributes:
        facts: What was seen of it.
        rollout: What became of its rollout.
        findings: What its checks found, in the order of the chain.
        judgement: The verdict on it.
    """

    facts: ServiceFacts
    rollout: Rollout
    findings: tuple[Finding, ...]
    judgement: Judgement

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.facts.name

    @property
    def rollback(self) -> RollbackTarget | None:
        """The image that one could roll back to, or None where none is known."""
        return rollback_target(self.facts)


class RunReport(Struct, frozen=True):
    """What a run came to.

    Attributes:
        environment: The environment's name.
        observation: What was seen of it.
        services: What it came to for each selected service.
        tests: The session's tests that used the fixtures.
        judgement: The verdict of the run.
        complete: Whether the run came to its end.
        mask: Regular expressions of the user for secrets that are masked in everything written.
    """

    environment: str
    observation: Observation
    services: tuple[ServiceReport, ...]
    tests: tuple[UserTest, ...]
    judgement: Judgement
    complete: bool
    mask: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """VERIFIED, REFUTED or UNPROVEN."""
        return self.judgement.verdict

    @property
    def broken_link(self) -> str | None:
        """The first link of the chain that does not hold, or None where all do."""
        return self.judgement.broken_link
