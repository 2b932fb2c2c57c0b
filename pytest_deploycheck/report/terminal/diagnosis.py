"""The rows of a report on what is wrong and what to do: the likely cause, the next command, the way back."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from pytest_deploycheck.judge.finding import Finding
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.report.finding import closer_look
from pytest_deploycheck.report.links import breaking_finding, for_reader, what_would_prove
from pytest_deploycheck.report.logs import nearest_lines
from pytest_deploycheck.report.model import ServiceReport
from pytest_deploycheck.report.terminal.rows import Row, Span, Tone

_LAST_LINES = 3
"""Log lines of a task that crashed which the summary shows; its check shows more of them."""

_NEAREST = 4
"""Lines of the nearest miss that it shows: where it was logged, both texts, and the marks below them."""


def diagnosis(
    service: ServiceReport, broken: str | None, tests: list[UserTest], now: datetime, verbosity: int
) -> list[Row]:
    """Return the rows on the likely cause and the next step, from the check that broke the first link."""
    first = breaking_finding(service, broken)
    if first is None and broken == "logs" and any(test.has_read_logs and test.outcome != "passed" for test in tests):
        return [_row("next", "read in the output of the test what it expected of the logs, and the last lines", 0)]
    if first is None:
        remedy = what_would_prove(broken)
        return [_row("next", remedy, 0)] if remedy else []
    rows = [_row("note", for_reader(note, service, now), 2) for note in first.notes]
    rows += [_row("likely cause", for_reader(first.cause, service, now), 4)] if first.cause else []
    rows += [Row(line, (Span("  "),), indent=6, most=2) for line in _evidence(first)]
    rows += [_row("what to do", first.remedy, 6)] if first.remedy else []
    rows += command("next", first.command) if first.command else []
    return rows if verbosity <= 0 else [replace(row, most=0) for row in rows]


def rollback(service: ServiceReport) -> list[Row]:
    """Return the proposal to roll back, where the expected image does harm."""
    target = service.proposed_rollback
    if target is None:
        return []
    return [_row("roll back to", str(target), 3), *command("roll back with", target.command)]


def advice(service: ServiceReport) -> list[Row]:
    """Return the recommendations, which stand whatever the verdict is."""
    return [_row("advice", text, 2) for text in service.advice]


def command(label: str, text: str) -> list[Row]:
    """Return a command on a line of its own, whole, so that it can be copied as it stands."""
    return [Row("", (Span(f"  {label}:", Tone.STRONG),)), Row(text, (Span("    "),), Tone.STRONG, is_whole=True)]


def _row(label: str, text: str, most: int) -> Row:
    return Row(text, (Span("  "), Span(f"{label}:", Tone.STRONG), Span(" ")), indent=4, most=most)


def _evidence(first: Finding) -> list[str]:
    """The lines that show the cause: the last ones of a task that crashed, or the one most like the expected one."""
    if first.link == "rollout":
        return closer_look(first)[-_LAST_LINES:]
    return nearest_lines(first.logs)[:_NEAREST] if first.logs else []
