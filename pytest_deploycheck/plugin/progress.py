"""How a long wait gets on: one line on a terminal that is written over, and sparse lines where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck.judge.progress import Progress

_QUIET = -1
"""The verbosity from which on a run says nothing of how it gets on."""


class ProgressLine:
    """Shows a line while something is waited for.

    Args:
        config: The run's; where it has no reporter on a terminal, as in a worker of xdist, nothing is shown.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._shown = ""

    def show(self, text: str) -> None:
        """Show a line in the place of the last; an empty one takes it away."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or not reporter.isatty or text == self._shown:
            return
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        # What a test writes is captured; this is no part of it.
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            if not self._shown:
                # The line that pytest is writing its letters on stays as it is.
                reporter.ensure_newline()
            # A line that wraps could not be written over.
            reporter.rewrite(text[: get_terminal_size().columns - 1], erase=True)
            if not text:
                # What pytest writes next begins where the line began.
                reporter.rewrite("")
        self._shown = text


class RolloutProgress:
    """Shows how far the rollouts are that are waited for.

    Args:
        config: The run's.
        line: Shows a line on a terminal.
    """

    def __init__(self, config: pytest.Config, line: ProgressLine) -> None:
        self._config = config
        self._line = line
        self._sparse = SparseLines()

    def show(self, rollouts: Sequence[Progress], elapsed: float) -> None:
        """Show how far they are after `elapsed` seconds; none ends it."""
        from pytest_deploycheck.report.progress import progress_line  # noqa: PLC0415  # only where something is awaited

        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or reporter.verbosity < _QUIET:
            return
        if reporter.isatty:
            self._line.show("; ".join(progress_line(one, elapsed) for one in rollouts))
            return
        for text in self._sparse.due(rollouts, elapsed):
            reporter.ensure_newline()
            reporter.write_line(f"deploycheck: {text}")


class SparseLines:
    """Says of a wait what has changed, and now and then that it goes on: for the logs of CI jobs.

    A line comes when the tasks stand otherwise than in the last one, but not more often than every `SHORTEST` seconds;
    and where nothing changes, every `LONGEST` seconds.
    """

    SHORTEST = 5.0
    LONGEST = 60.0

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, float]] = {}

    def due(self, rollouts: Sequence[Progress], elapsed: float) -> list[str]:
        """The lines to write after a wait of `elapsed` seconds."""
        from pytest_deploycheck.report.progress import progress_line, standing  # noqa: PLC0415  # as above

        if not rollouts:
            self._said.clear()
        lines = []
        for one in rollouts:
            now = standing(one)
            before, said_at = self._said.get(one.service, ("", -self.LONGEST))
            quiet = elapsed - said_at
            if (now != before and quiet >= self.SHORTEST) or quiet >= self.LONGEST:
                self._said[one.service] = now, elapsed
                lines.append(progress_line(one, elapsed))
        return lines
