"""The verdict: what all findings and tests together prove, and the first link that does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from pytest_deploycheck.config.settings import CHAIN
from pytest_deploycheck.judge.finding import Finding, Status


class Verdict(StrEnum):
    """The answer of a run, the worst first."""

    REFUTED = "REFUTED"
    UNPROVEN = "UNPROVEN"
    VERIFIED = "VERIFIED"


WORST_FIRST = (Verdict.REFUTED, Verdict.UNPROVEN, Verdict.VERIFIED)

_FAILED = frozenset({"failed"})
_OPEN = frozenset({"error", "unproven"})


class UserTest(Struct, frozen=True):
    """A test of the session that used the fixtures.

    Attributes:
        nodeid: Its id.
        outcome: pytest's word for the result: `failed` where it refutes, `error` where it is broken; or `unproven`.
        services: The services it tests; empty where it uses only what all services share.
        heard_logs: True where it asked the logs something and at least one event was read.
    """

    nodeid: str
    outcome: str
    services: tuple[str, ...] = ()
    heard_logs: bool = False

    def concerns(self, service: str) -> bool:
        """Tell if its result counts for a service."""
        return not self.services or service in self.services


class Judgement(Struct, frozen=True):
    """A verdict and the first broken link, or None where all hold."""

    verdict: Verdict
    broken_link: str | None


def judge_service(
    name: str, findings: Sequence[Finding], tests: Sequence[UserTest], *, require: Sequence[str], complete: bool
) -> Judgement:
    """The verdict on one service.

    Args:
        name: The service's name in the configuration.
        findings: What its checks found; deselected checks are not among them.
        tests: The session's tests that used the fixtures.
        require: The links that must be proven.
        complete: Whether the run came to its end; one that was interrupted proves nothing.
    """
    outcomes = [test.outcome for test in tests if test.concerns(name)]
    failed = {finding.link for finding in findings if finding.status is Status.FAIL}
    if failed or any(outcome in _FAILED for outcome in outcomes):
        broken = _first(failed) or _first(_unproven_links(name, findings, tests, require))
        return Judgement(Verdict.REFUTED, broken)
    unproven = _unproven_links(name, findings, tests, require)
    if unproven or _OPEN.intersection(outcomes) or not complete:
        return Judgement(Verdict.UNPROVEN, _first(unproven))
    return Judgement(Verdict.VERIFIED, None)


def judge_run(judgements: Iterable[Judgement]) -> Judgement:
    """The verdict of a run: the worst of its services', with the earliest broken link among those that have it."""
    judgements = list(judgements)
    if not judgements:
        return Judgement(Verdict.UNPROVEN, None)
    worst = min((judgement.verdict for judgement in judgements), key=WORST_FIRST.index)
    return Judgement(worst, _first(one.broken_link for one in judgements if one.verdict is worst))


def _unproven_links(
    name: str, findings: Sequence[Finding], tests: Sequence[UserTest], require: Sequence[str]
) -> set[str]:
    """The links that were asked for and are not proven: no pass where one is required, or a check left open."""
    passed = {finding.link for finding in findings if finding.status is Status.PASS}
    if any(test.outcome == "passed" and test.heard_logs and name in test.services for test in tests):
        passed.add("logs")
    open_links = {finding.link for finding in findings if not finding.is_good}
    return {link for link in CHAIN if link in open_links or (link in require and link not in passed)}


def _first(links: Iterable[str | None]) -> str | None:
    found = set(links)
    return next((link for link in CHAIN if link in found), None)
