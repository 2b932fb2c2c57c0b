"""The number of histories that are tried, and the summary of them in the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

VERDICTS = "verdicts"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how often each verdict was given, by what was true."""
    total = Counter[str]()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == VERDICTS:
                total.update(dict(_pairs(str(value))))
    if total:
        terminalreporter.section("verdicts by what was true")
        for state, count in sorted(total.items()):
            terminalreporter.line(f"{count:8}  {state}")


def _pairs(text: str) -> list[tuple[str, int]]:
    return [(state, int(count)) for state, count in (line.rsplit("=", 1) for line in text.split("; ") if line)]
