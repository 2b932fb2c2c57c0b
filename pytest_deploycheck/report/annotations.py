"""Annotations of GitHub Actions: one for each check that did not hold, on top of the page of the run."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.redaction import one_line
from pytest_deploycheck.report.links import breaking_finding, together, weight
from pytest_deploycheck.report.model import RunReport, ServiceReport

_MOST = 10
"""Annotations of one kind that GitHub takes from a step."""

_LONGEST = 1000
"""Characters of one text in an annotation."""


def annotate(report: RunReport) -> list[str]:
    """Return the workflow commands: an error for each failed check, a warning for those unproven or in error.

    Checks of a link that are unproven for want of the same thing share a warning. Of more annotations than GitHub
    takes, those that break the chain come first.
    """
    errors: list[str] = []
    warnings: list[str] = []
    for service in report.services:
        for finding, *others in _alike(_in_order(service)):
            text = _annotation(service, finding, others, report)
            (errors if finding.status is Status.FAIL else warnings).append(text)
    errors += [
        _command("error", "deploycheck: test", f"{test.nodeid} failed", report.mask)
        for test in report.tests
        if test.outcome == "failed"
    ]
    if not (errors or warnings) and report.verdict is not Verdict.VERIFIED:
        why = "nothing was verified" if report.complete else "the run did not come to its end"
        warnings.append(
            _command("warning", "deploycheck", f"{report.verdict}: {report.environment}: {why}", report.mask)
        )
    return errors[:_MOST] + warnings[:_MOST]


def _in_order(service: ServiceReport) -> list[Finding]:
    """The checks that did not hold, the one that breaks the chain first."""
    first = breaking_finding(service, service.broken_link)
    others = sorted((one for one in service.findings if not one.is_good and one is not first), key=weight)
    return [first, *others] if first else others


def _alike(findings: Sequence[Finding]) -> list[list[Finding]]:
    """The findings, those together that are not proven for want of the same thing."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        of_its_own = finding.id if finding.status is Status.FAIL else ""
        groups.setdefault((of_its_own, finding.status, finding.link, finding.remedy), []).append(finding)
    return list(groups.values())


def _annotation(service: ServiceReport, finding: Finding, others: Sequence[Finding], report: RunReport) -> str:
    also = f" (also {together([one.id for one in others])})" if others else ""
    lines = [f"{finding.summary}{also}"]
    lines += [f"likely cause: {finding.cause}"] if finding.cause else []
    lines += [f"what to do: {finding.remedy}"] if finding.remedy else []
    lines += [f"next: {finding.command}"] if finding.command else []
    lines += [f"(replay of {report.replay_of})"] if report.replay_of else []
    kind = "error" if finding.status is Status.FAIL else "warning"
    head = f"{service.name} {finding.id}: {finding.status}"
    return _command(kind, head, "\n".join(one_line(line, _LONGEST) for line in lines), report.mask)


def _command(kind: str, title: str, message: str, own: Sequence[str]) -> str:
    """A workflow command; nothing in its texts ends it or begins another."""
    lines = "\n".join(one_line(line, _LONGEST, own) for line in message.split("\n"))
    properties = _escaped(one_line(title, _LONGEST, own)).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={properties}::{_escaped(lines)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
