"""The verdict and the diagnosis at the end of pytest's output."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.report.fleet.summary import fleet_lines
from pytest_deploycheck.report.model import FleetReport
from pytest_deploycheck.report.summary import VERDICT_TONES
from pytest_deploycheck.report.terminal.rows import Tone

_MARKUP: dict[Tone, dict[str, bool]] = {
    Tone.PLAIN: {},
    Tone.GOOD: {"green": True},
    Tone.BAD: {"red": True},
    Tone.OPEN: {"yellow": True},
    Tone.STRONG: {"bold": True},
    Tone.QUIET: {"light": True},
}
"""The tones of a report in the markup of pytest, which knows where colours are wanted."""


def write_summary(reporter: pytest.TerminalReporter, report: FleetReport, written: Sequence[str]) -> None:
    """Write the verdict, where it is not VERIFIED the diagnosis, and lines on the reports that were written."""
    if reporter.config.option.no_summary:
        # What GitHub Actions reads is no summary for people.
        written = [text for text in written if text.startswith("::")]
    else:
        reporter.write_sep("=", "deployment", **_MARKUP[VERDICT_TONES[report.verdict]])
        width, verbosity = reporter._tw.fullwidth, reporter.config.get_verbosity()  # noqa: SLF001  # no other way
        for line in fleet_lines(report, width=width, verbosity=verbosity):
            is_head = str(line).startswith(tuple(Verdict))
            for span in line.spans:
                reporter.write(span.text, **_MARKUP[span.tone], **({"bold": True} if is_head else {}))
            reporter.line("")
    for text in written:
        reporter.write_line(text)
