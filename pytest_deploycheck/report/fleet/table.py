"""The table of the services of a run: a row for each, with a mark for each link of the chain."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.config.settings import CHAIN
from pytest_deploycheck.judge.finding import WORST_FIRST, Status
from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.judge.wording import plural
from pytest_deploycheck.report.links import MARKS, left_out_of
from pytest_deploycheck.report.model import ServiceReport
from pytest_deploycheck.report.summary import VERDICT_TONES
from pytest_deploycheck.report.terminal.rows import Row, Span

_MOST_VERIFIED = 20
"""Verified services that have rows of their own; of more, only their number is shown."""

_NARROWEST, _WIDEST = 12, 40
"""The columns of a service's name; a longer one is cut."""


def table(services: Sequence[tuple[str, ServiceReport]]) -> list[Row]:
    """Return the head of the table and a row for each service, the worst first.

    Args:
        services: The services with their labels.
    """
    ordered = sorted(services, key=lambda one: one[1].verdict.rank)
    verified = [one for one in ordered if one[1].verdict is Verdict.VERIFIED]
    shown = ordered if len(verified) <= _MOST_VERIFIED else ordered[: len(ordered) - len(verified)]
    if not shown:
        return []
    width = max(_NARROWEST, *(min(len(label), _WIDEST) for label, _ in shown))
    head = f"  {'service':<{width}}  {'verdict':<8}  {'  '.join(f'{link:<8}' for link in CHAIN)}"
    rows = [Row(head.rstrip(), is_whole=True)]
    rows += [_row(label, service, width) for label, service in shown]
    if len(shown) < len(ordered):
        rows.append(Row(f"  and {plural(len(verified), 'service')} more, all VERIFIED", is_whole=True))
    return rows


def _row(label: str, service: ServiceReport, width: int) -> Row:
    verdict = service.verdict
    name = label if len(label) <= width else f"{label[: width - 1]}…"
    marks = "  ".join(f"{_mark(link, service):<8}" for link in CHAIN).rstrip()
    lead = (Span(f"  {name:<{width}}  "), Span(f"{verdict:<8}  ", VERDICT_TONES[verdict]))
    return Row(marks, lead, is_whole=True)


def _mark(link: str, service: ServiceReport) -> str:
    """Return the mark of the worst check of a link; `-` where nothing was asked of it."""
    asked = [one.status for one in service.asked(link)]
    if asked:
        return MARKS[min(asked, key=WORST_FIRST.index)]
    is_open = link == service.broken_link or left_out_of(link, service)
    return MARKS[Status.UNPROVEN] if is_open else "-"
