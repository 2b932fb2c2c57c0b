"""The section of one service in the Markdown report."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.config.settings import CHAIN
from pytest_deploycheck.facts.timeline import Moment
from pytest_deploycheck.judge.finding import WORST_FIRST, Finding, Status
from pytest_deploycheck.judge.verdict import UserTest, Verdict
from pytest_deploycheck.judge.wording import at
from pytest_deploycheck.redaction import clean_lines
from pytest_deploycheck.report.compared import disagreement
from pytest_deploycheck.report.finding import closer_look
from pytest_deploycheck.report.links import breaking_finding, left_out_of, weight
from pytest_deploycheck.report.markdown.escaping import Own, block, code, lines_block, prose, table
from pytest_deploycheck.report.markdown.evidence import evidence
from pytest_deploycheck.report.markdown.marks import NOT_SELECTED, NOTHING_CHECKED, STATUSES, VERDICTS
from pytest_deploycheck.report.model import RunReport, ServiceReport

_MOMENTS = 30
"""Moments of the timeline that are shown, the latest ones."""

_CLOSE_LINES = 40
"""Lines of the closer look at a finding: differences, log lines, where the logs were read."""


def section(service: ServiceReport, report: RunReport, *, is_only: bool) -> list[str]:
    """Return the lines of a service: the chain, the disagreement, the next step, the evidence, what was not checked.

    Args:
        service: The result for the service.
        report: The result of the run.
        is_only: Whether it is the only service, so that the report's own heading names it.
    """
    own, broken = report.mask, service.broken_link
    lines = []
    if not is_only:
        link = f", broken link: **{broken}**" if broken else ""
        lines += [f"### {VERDICTS[service.verdict]} {code(service.name)}: {service.verdict}{link}", ""]
    lines.append(" → ".join(_chain(service)))
    first = breaking_finding(service, broken)
    if first:
        lines += ["", *_disagreement(service, first, own)]
    lines += _failed_tests(report.tests_of(service))
    lines += _rollback(service, own)
    lines += ["", *evidence(service, report)]
    lines += _other_checks(service, first, own)
    lines += _closer_look(first, own)
    lines += _timeline(service, own)
    return [*lines, *_not_looked_at(service, own)]


def _chain(service: ServiceReport) -> list[str]:
    """Each link with its mark, the broken one in bold."""
    shown = []
    for link in CHAIN:
        asked = service.asked(link)
        if asked:
            mark = STATUSES[min((one.status for one in asked), key=WORST_FIRST.index)]
        else:
            mark = NOT_SELECTED if left_out_of(link, service) else NOTHING_CHECKED
        symbol, _, word = mark.partition(" ")
        name = f"**{link}**" if link == service.broken_link else link
        shown.append(f"{symbol} {name} {word}")
    return shown


def _disagreement(service: ServiceReport, first: Finding, own: Own) -> list[str]:
    """The finding that breaks the chain: what disagrees, the likely cause, and what to do next."""
    compared = disagreement(service, first)
    lines = [f"**{first.id}**: {prose(compared.sentence if compared else first.summary, own)}"]
    if compared:
        rows = [
            [
                prose(side.label),
                code(side.what, own) if side.what else "",
                " ".join(filter(None, [prose(side.happened), at(side.at)])) if side.at else "",
                prose(side.detail, own),
            ]
            for side in compared.sides
        ]
        lines += ["", *table(["", "what", "when", "detail"], rows)]
    points = [f"- Likely cause: {prose(first.cause, own)}"] if first.cause else []
    points += [f"- What to do: {prose(first.remedy, own)}"] if first.remedy else []
    points += [f"- Note: {prose(note, own)}" for note in first.notes]
    lines += ["", *points] if points else []
    return [*lines, "", "Next:", "", *block(first.command, own)] if first.command else lines


def _failed_tests(tests: Sequence[UserTest]) -> list[str]:
    bad = [test for test in tests if test.outcome in ("failed", "error", "unproven")]
    if not bad:
        return []
    shown = [f"- {code(test.nodeid)}: {test.outcome}" for test in bad[:10]]
    more = [f"- and {len(bad) - 10} more"] if bad[10:] else []
    return ["", "Tests that did not pass:", "", *shown, *more]


def _rollback(service: ServiceReport, own: Own) -> list[str]:
    target = service.rollback
    if target is None or service.verdict is not Verdict.REFUTED:
        return []
    if service.proposed_rollback:
        return ["", f"Roll back to {prose(str(target), own)}:", "", *block(target.command, own)]
    return ["", f"Could be rolled back to: {prose(str(target), own)}"]


def _other_checks(service: ServiceReport, first: Finding | None, own: Own) -> list[str]:
    """The other checks of images, rollout and tasks that did not hold, each with its reason and its remedy."""
    # The findings of logs and health are rows of the evidence.
    shown = {"logs", "health"}
    bad = sorted(
        (one for one in service.findings if not (one.is_good or one is first or one.link in shown)), key=weight
    )
    if not bad:
        return []
    rows = [[code(one.id), STATUSES[one.status], prose(one.summary, own), prose(one.remedy, own)] for one in bad]
    return ["", *table(["also", "status", "reason", "what to do"], rows)]


def _closer_look(first: Finding | None, own: Own) -> list[str]:
    """The closer look of a finding: differences, the lines most like the expected one, the last log lines."""
    seen = closer_look(first) if first else []
    if not seen:
        return []
    shown = clean_lines([line.replace("\n", "\\n") for line in seen[:_CLOSE_LINES]], own, limit=300)
    more = [f"… and {len(seen) - _CLOSE_LINES} more lines"] if seen[_CLOSE_LINES:] else []
    return ["", *_folded(f"What {first.id if first else ''} read", lines_block([*shown, *more]))]


def _timeline(service: ServiceReport, own: Own) -> list[str]:
    moments = service.timeline
    if not moments:
        return []
    shown = moments[-_MOMENTS:]
    left_out = f", the last {len(shown)} of {len(moments)} events" if len(moments) > len(shown) else ""
    return ["", *_folded(f"Timeline (UTC){left_out}", table(["when", "what", "detail", "source"], _rows(shown, own)))]


def _rows(moments: Sequence[Moment], own: Own) -> list[list[str]]:
    return [
        [at(one.at).removesuffix(" UTC"), prose(one.what), code(one.detail, own, limit=160), prose(one.source)]
        for one in moments
    ]


def _not_looked_at(service: ServiceReport, own: Own) -> list[str]:
    """The checks that were skipped or not selected, and the facts that could not be read."""
    points = [f"- {code(one.id)}: {prose(one.summary, own)}" for one in service.findings if one.status is Status.SKIP]
    points += [f"- {code(check)}: not selected" for check in service.judgement.left_out]
    points += [
        f"- {prose(subject)}: {prose(problem.message, own)} {prose(problem.remedy, own)}"
        for subject, problem in service.facts.problems.items()
    ]
    return ["", *_folded(f"What was not looked at ({len(points)})", points)] if points else []


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    """Lines that are folded away until they are asked for; the title is the report's own text."""
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]
