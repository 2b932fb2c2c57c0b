"""One finding in words: what a failed check prints."""

from __future__ import annotations

from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.redaction import clean
from pytest_deploycheck.report.logs import account_of


def explain_finding(finding: Finding) -> str:
    """What was found, the likely cause, what to do, and what was looked at."""
    head = "" if finding.status is Status.FAIL else f"{finding.status}: "
    lines = [f"{head}{finding.summary}"]
    lines += [f"note: {note}" for note in finding.notes]
    lines += [f"likely cause: {finding.cause}"] if finding.cause else []
    lines += [f"what to do: {finding.remedy}"] if finding.remedy else []
    lines += [f"next: {finding.command}"] if finding.command else []
    lines += ["", finding.details] if finding.details else []
    lines += ["", account_of(finding.logs)] if finding.logs else []
    return clean("\n".join(lines), 20_000)
