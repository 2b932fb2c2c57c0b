"""The text of one finding, which a failed check prints."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.redaction import clean
from pytest_deploycheck.report.logs import ReadLines, account_of, last_lines_of, reading


def explain_finding(finding: Finding, own: Sequence[str] = (), read: ReadLines = reading) -> str:
    """Return the text of a finding: the evidence, the likely cause, the remedy, and what to look at.

    Args:
        finding: The finding.
        own: Regular expressions of the user for further secrets.
        read: Returns the lines on what was read of the logs.
    """
    head = "" if finding.status is Status.FAIL else f"{finding.status}: "
    lines = [f"{head}{finding.summary}"]
    lines += [f"note: {note}" for note in finding.notes]
    lines += [f"note: advice: {advice}" for advice in finding.advice]
    lines += [f"likely cause: {finding.cause}"] if finding.cause else []
    lines += [f"what to do: {finding.remedy}"] if finding.remedy else []
    lines += [f"next: {finding.command}"] if finding.command else []
    closer = closer_look(finding, read)
    lines += ["", *closer] if closer else []
    return clean("\n".join(lines), 20_000, own)


def closer_look(finding: Finding, read: ReadLines = reading) -> list[str]:
    """Return the lines for a closer look: details, links to the console, and what was read of the logs."""
    links = [f"in the AWS console: {one['console']}" for one in finding.evidence.get("stopped", ()) if one["console"]]
    lines = [line for one in finding.last_lines for line in last_lines_of(one)]
    account = account_of(finding.logs, read).splitlines() if finding.logs else []
    return [*finding.details.splitlines(), *links, *lines, *account]
