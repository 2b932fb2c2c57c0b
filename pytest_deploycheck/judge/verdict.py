"""The verdict: what all findings and tests together prove, and the first broken link."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from pytest_deploycheck.config.settings import CHAIN
from pytest_deploycheck.judge.finding import HEALTH_CHECKS, POLICIES, Check, Finding, Status


class Verdict(StrEnum):
    """The result of a run, the worst first."""

    REFUTED = "REFUTED"
    UNPROVEN = "UNPROVEN"
    VERIFIED = "VERIFIED"

    @property
    def rank(self) -> int:
        """Its place in this order."""
        return list(Verdict).index(self)


_FAILED = frozenset({"failed"})
_OPEN = frozenset({"error", "unproven"})


class UserTest(Struct, frozen=True):
    """A test of the session that used the fixtures.

    Attributes:
        nodeid: Its id.
        outcome: pytest's word for the result: `failed` where it refutes, `error` where it is broken; or `unproven`.
        services: The services it tests; empty where it uses only what all services share.
        has_read_logs: True where it asked the logs something and at least one event was read.
    """

    nodeid: str
    outcome: str
    services: tuple[str, ...] = ()
    has_read_logs: bool = False

    def concerns(self, service: str) -> bool:
        """Tell if its result counts for a service."""
        return not self.services or service in self.services


class Judgement(Struct, frozen=True):
    """A verdict, with what it is based on.

    Attributes:
        verdict: The verdict.
        broken_link: The first broken link, or None where all hold.
        left_out: The ids of checks that would prove a required link and did not run, as they were not selected.
    """

    verdict: Verdict
    broken_link: str | None
    left_out: tuple[str, ...] = ()


def judge_service(
    name: str,
    findings: Sequence[Finding],
    tests: Sequence[UserTest],
    *,
    require: Sequence[str],
    needed: Iterable[Check],
    complete: bool,
) -> Judgement:
    """Return the verdict on one service.

    Args:
        name: The service's name in the configuration.
        findings: The findings of its checks; deselected checks have none.
        tests: The session's tests that used the fixtures.
        require: The links that must be proven.
        needed: The checks that must pass for their link to be proven: the telling ones, and those that are configured.
        complete: Whether the run came to its end; an interrupted run proves nothing.
    """
    outcomes = [test.outcome for test in tests if test.concerns(name)]
    evidence = [finding for finding in findings if finding.id not in POLICIES]
    # A policy is considered last: it says nothing about what runs, and must not hide a link that is broken.
    policies = {finding.link for finding in findings if finding.id in POLICIES and not finding.is_good}
    failed = {finding.link for finding in evidence if finding.status is Status.FAIL}
    unproven, left_out = _unproven_links(name, evidence, tests, require, tuple(needed))
    left_out = left_out if complete else ()
    broken = _first(failed) or _first(unproven) or _first(policies)
    if any(one.status is Status.FAIL for one in findings) or any(outcome in _FAILED for outcome in outcomes):
        return Judgement(Verdict.REFUTED, broken, left_out)
    if broken or _OPEN.intersection(outcomes) or not complete:
        return Judgement(Verdict.UNPROVEN, broken, left_out)
    return Judgement(Verdict.VERIFIED, None)


def judge_run(judgements: Iterable[Judgement]) -> Judgement:
    """Return the verdict of a run: the worst of its services, with their earliest broken link."""
    judgements = list(judgements)
    if not judgements:
        return Judgement(Verdict.UNPROVEN, None)
    worst = min((judgement.verdict for judgement in judgements), key=lambda verdict: verdict.rank)
    return Judgement(worst, _first(one.broken_link for one in judgements if one.verdict is worst))


def _unproven_links(
    name: str,
    findings: Sequence[Finding],
    tests: Sequence[UserTest],
    require: Sequence[str],
    needed: Sequence[Check],
) -> tuple[set[str], tuple[str, ...]]:
    """The required links that are not proven, those with an open check, and the needed checks that did not run."""
    unproven, left_out = set(), []
    for link in CHAIN:
        found = [finding for finding in findings if finding.link == link]
        ids = {finding.id for finding in found if not finding.is_left_out}
        missing = [check.id for check in needed if check.link == link and check.id not in ids]
        is_proven = not missing and any(finding.status is Status.PASS for finding in found)
        if link == "logs" and any(
            test.outcome == "passed" and test.has_read_logs and name in test.services for test in tests
        ):
            is_proven = True
        if any(not one.is_good for one in found) or (link in require and not is_proven):
            unproven.add(link)
        if link in require and not is_proven:
            left_out += missing
            if link == "health" and not found:
                left_out += [check.id for check in HEALTH_CHECKS if check.id not in missing]
    return unproven, tuple(left_out)


def _first(links: Iterable[str | None]) -> str | None:
    found = set(links)
    return next((link for link in CHAIN if link in found), None)
