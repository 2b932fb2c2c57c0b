"""The links of the chain in a report of any format: the finding that breaks each, what proves it, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from pytest_deploycheck.judge.checks.logs import number_of
from pytest_deploycheck.judge.finding import FIXED_CHECKS, POLICIES, WORST_FIRST, Finding, Status
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.report.compared import disagreement
from pytest_deploycheck.report.model import ServiceReport
from pytest_deploycheck.report.moments import with_ages, with_short_tasks

MARKS = {
    Status.PASS: "ok",
    Status.FAIL: "FAIL",
    Status.UNPROVEN: "unproven",
    Status.ERROR: "error",
    Status.SKIP: "skipped",
}
"""The statuses as they are marked in a report for people."""

_TELLING = frozenset({"image-exists", "rollout-complete", "tasks-run-image"})
"""The checks whose summary is shown for their link when it holds."""

_PROVING = {
    "logs": "declare a [[…logs]] expectation, or assert on deploy_logs in a test",
    "health": "declare alarms or an error_rate, put the service behind a load balancer, give its container a health "
    "check, or take health out of `require`",
}
"""The remedy for a link that no check covers."""

_TOGETHER = 3
"""Log expectations in a row that are named together, as `logs-1 to logs-7`."""


def for_reader(sentence: str, service: ServiceReport, now: datetime) -> str:
    """Return a sentence of a finding for a person: how long ago each time was, and short ids of tasks."""
    return with_short_tasks(with_ages(sentence, now), (task.id for task in service.facts.tasks or ()))


def weight(finding: Finding) -> tuple[bool, int, bool]:
    """The worst first; a policy last, and what was seen although forbidden before what is missing."""
    return finding.id in POLICIES, WORST_FIRST.index(finding.status), not finding.is_proof


def left_out_of(link: str | None, service: ServiceReport) -> list[str]:
    """The checks of a link that would prove it and were not selected."""
    known = {check.id: check.link for check in FIXED_CHECKS}
    return [
        check
        for check in service.judgement.left_out
        if (known.get(check) or ("logs" if number_of(check) else "health")) == link
    ]


def breaking_finding(service: ServiceReport, broken: str | None) -> Finding | None:
    """Return the finding that breaks a link the most; None where none of its checks does."""
    bad = [finding for finding in service.findings if finding.link == broken and not finding.is_good]
    return min(bad, key=weight) if bad else None


def what_would_prove(link: str | None) -> str:
    """Return the remedy for a link that no check covers; empty where checks cover it."""
    return _PROVING.get(link or "", "")


def proof_of(asked: Sequence[Finding], service: ServiceReport, now: datetime) -> str:
    """Return what proves a link, as a sentence on its checks, all of which passed."""
    if asked[0].link == "logs":
        return f"{plural(len(asked), 'log expectation')} {'holds' if len(asked) == 1 else 'hold'}"
    return for_reader(telling_finding(asked).summary, service, now)


def telling_finding(asked: Sequence[Finding]) -> Finding:
    """Return the finding that says the most about a link that holds."""
    return next((one for one in asked if one.id in _TELLING), asked[0])


def sentence_of(finding: Finding, service: ServiceReport, now: datetime) -> str:
    """Return a finding in a sentence, which leaves things that disagree to be shown beside it."""
    compared = disagreement(service, finding)
    return compared.sentence if compared else for_reader(finding.summary, service, now)


def together(ids: Sequence[str]) -> str:
    """Return ids of checks in a list, those of many log expectations in a row as `logs-1 to logs-7`."""
    runs: list[list[str]] = [[ids[0]]] if ids else []
    for before, one in pairwise(ids):
        number = number_of(before)
        if number and number_of(one) == number + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) >= _TOGETHER else ", ".join(run) for run in runs)
