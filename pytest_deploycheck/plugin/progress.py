"""The progress of a long wait: one line on a terminal that is overwritten, and sparse lines without a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.report.progress import MANY, SparseLines, fleet_line, is_due, progress_line

if TYPE_CHECKING:
    from pytest_deploycheck.judge.progress import Progress

_QUIET = -1
"""The verbosity below which no progress is written."""


class ProgressLine:
    """Shows a line while something is waited for.

    Args:
        config: The configuration of the run; without a reporter, as in a worker of xdist, nothing is shown.
        monotonic: The clock of the sparse lines.
    """

    def __init__(self, config: pytest.Config, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._monotonic = monotonic
        self._shown = ""
        self._began: float | None = None
        self._written_at = 0.0

    def show(self, text: str) -> None:
        """Show a line in the place of the last one; an empty text removes it.

        Without a terminal a line is written now and then, so that the log of a CI job shows that the run goes on.
        """
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        if not reporter.isatty:
            self._write_sparsely(reporter, text)
            return
        if text == self._shown:
            return
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        # What a test writes is captured; this is no part of it.
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            if not self._shown:
                # The line on which pytest writes its letters stays as it is.
                reporter.ensure_newline()
            # A line that wraps could not be written over.
            reporter.rewrite(text[: get_terminal_size().columns - 1], erase=True)
            if not text:
                # What pytest writes next begins where the line began.
                reporter.rewrite("")
        self._shown = text

    def _write_sparsely(self, reporter: Any, text: str) -> None:
        if not text:
            self._began = None
            return
        now = self._monotonic()
        if self._began is None:
            # A wait of seconds writes nothing.
            self._began, self._written_at = now, 0.0
        elapsed = now - self._began
        if reporter.verbosity >= _QUIET and is_due(elapsed, self._written_at):
            self._written_at = elapsed
            reporter.ensure_newline()
            reporter.write_line(f"deploycheck: {text}")


class RolloutProgress:
    """Shows the progress of the rollouts that are waited for.

    Args:
        config: The configuration of the run.
        line: Shows a line on a terminal.
        total: The number of services of the run. Many share a line.
    """

    def __init__(self, config: pytest.Config, line: ProgressLine, total: int) -> None:
        self._config = config
        self._line = line
        self._total = total
        self._sparse = SparseLines(total)

    def show(self, rollouts: Sequence[Progress], elapsed: float) -> None:
        """Show their progress after `elapsed` seconds; no rollouts end the display."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or reporter.verbosity < _QUIET:
            return
        if reporter.isatty:
            if rollouts and self._total >= MANY:
                self._line.show(fleet_line(rollouts, self._total, elapsed))
            else:
                self._line.show("; ".join(progress_line(one, elapsed) for one in rollouts))
            return
        for text in self._sparse.due(rollouts, elapsed):
            reporter.ensure_newline()
            reporter.write_line(f"deploycheck: {text}")
