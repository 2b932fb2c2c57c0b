"""The rows of a report for the links of the chain: a mark for each, and the evidence that breaks it or proves it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from pytest_deploycheck.config.settings import CHAIN
from pytest_deploycheck.judge.finding import Finding, Status
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.report.compared import Side, disagreement
from pytest_deploycheck.report.links import (
    MARKS,
    for_reader,
    left_out_of,
    proof_of,
    sentence_of,
    telling_finding,
    together,
    weight,
)
from pytest_deploycheck.report.model import ServiceReport
from pytest_deploycheck.report.moments import when
from pytest_deploycheck.report.terminal.rows import Row, Span, Tone

TONES = {
    Status.PASS: Tone.GOOD,
    Status.FAIL: Tone.BAD,
    Status.UNPROVEN: Tone.OPEN,
    Status.ERROR: Tone.OPEN,
    Status.SKIP: Tone.QUIET,
}
"""The tones of these marks."""

_COLUMN = 21
"""The column in which the evidence of a link begins."""

_MOST, _MOST_OF_BROKEN = 6, 8
"""Lines that the evidence of one link takes, and that of the broken link, unless more is asked for."""


def links(service: ServiceReport, broken: str | None, now: datetime, verbosity: int) -> list[list[Row]]:
    """Return the rows of each link, in the order of the chain.

    Args:
        service: The result for a service.
        broken: The broken link, or None.
        now: The time of the run, from which ages count.
        verbosity: 0 for a line for each link, 1 for one for each check, 2 for the reasons of skipped checks as well.
    """
    found = (_link(link, service, now, is_broken=link == broken, verbosity=verbosity) for link in CHAIN)
    return [rows for rows in found if rows]


def skipped(service: ServiceReport, verbosity: int) -> list[Row]:
    """One row on the checks that were skipped, however many there are; a closer look names them."""
    ids = [finding.id for finding in service.findings if finding.status is Status.SKIP]
    if not ids:
        return []
    text = f"{plural(len(ids), 'check')} not asked for{' (-v lists them)' if verbosity <= 0 else f': {together(ids)}'}"
    return [Row(text, (Span("  skipped  "), Span(f"{'-':<9} ", Tone.QUIET)), Tone.QUIET, _COLUMN)]


def tests_that_did_not_pass(tests: Sequence[UserTest]) -> list[Row]:
    """One row for each way in which tests did not pass."""
    rows = []
    for outcome, tone in (("failed", Tone.BAD), ("error", Tone.OPEN), ("unproven", Tone.OPEN)):
        ids = [test.nodeid for test in tests if test.outcome == outcome]
        if ids:
            more = f" (and {len(ids) - 1} more)" if ids[1:] else ""
            rows.append(_row("test", outcome, tone, f"{ids[0]}{more}"))
    return rows


def _link(link: str, service: ServiceReport, now: datetime, *, is_broken: bool, verbosity: int) -> list[Row]:
    """The rows of a link: the evidence that breaks it the most, or that proves it."""
    asked = service.asked(link)
    if not asked:
        if left_out_of(link, service):
            return [_row(link, "-", Tone.OPEN, "not selected")]
        # The link health is shown only where something was checked, or where it was required.
        return [] if link == "health" and not is_broken else [_row(link, "-", Tone.OPEN, "nothing was checked")]
    bad = sorted((one for one in asked if not one.is_good), key=weight)
    if not bad:
        shown = None if link == "logs" else telling_finding(asked)
        head = _row(link, MARKS[Status.PASS], Tone.GOOD, proof_of(asked, service, now))
        return [head, *_checks(asked, shown, service, now, verbosity)]
    worst, others = bad[0], bad[1:]
    also = f" (also {together([finding.id for finding in others])})" if others else ""
    compared = disagreement(service, worst)
    text = f"{worst.id}: {sentence_of(worst, service, now)}{also}"
    head = _row(link, MARKS[worst.status], TONES[worst.status], text, is_broken=is_broken)
    sides = _sides(compared.sides, now) if compared else []
    head = head if verbosity <= 0 else replace(head, most=0)
    return [head, *sides, *_checks(asked, worst, service, now, verbosity)]


def _row(link: str, mark: str, tone: Tone, text: str, *, is_broken: bool = False) -> Row:
    lead = (
        Span("  "),
        Span(f"{link:<8}", Tone.STRONG if is_broken else Tone.PLAIN),
        Span(" "),
        Span(f"{mark:<9} ", tone),
    )
    return Row(text, lead, indent=_COLUMN, most=_MOST_OF_BROKEN if is_broken else _MOST)


def _sides(sides: Sequence[Side], now: datetime) -> list[Row]:
    """The things that disagree, one below the other in the same columns."""
    labels, values = max(len(side.label) for side in sides), max(len(side.what) for side in sides)
    rows = []
    for side in sides:
        times = " ".join(filter(None, [side.happened, when(side.at, now)])) if side.at else ""
        columns = [f"{side.what:<{values}}" if side.detail or times else side.what, times, side.detail]
        lead = (Span("    "), Span(f"{side.label:<{labels}}  ", Tone.GOOD if side.is_expected else Tone.BAD))
        rows.append(Row("  ".join(filter(None, columns)), lead, indent=4 + labels + 2))
    return rows


def _checks(
    asked: Sequence[Finding], shown: Finding | None, service: ServiceReport, now: datetime, verbosity: int
) -> list[Row]:
    """One row for each check of a link, for a closer look, but for the one that the link's own row shows."""
    if verbosity <= 0:
        return []
    return [
        Row(
            f"{finding.id}: {for_reader(finding.summary, service, now)}",
            (Span(" " * 11), Span(f"{MARKS[finding.status]:<9} ", TONES[finding.status])),
            indent=_COLUMN,
        )
        for finding in asked
        if finding is not shown
    ]
