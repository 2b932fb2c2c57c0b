"""How a long wait gets on: one line on a terminal that is written over, and nothing anywhere else."""

from __future__ import annotations

from typing import Any

import pytest


class Progress:
    """Shows a line while something is waited for.

    Args:
        config: The run's; where it has no reporter on a terminal, as in a worker of xdist, nothing is shown.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_shown = False

    def show(self, text: str) -> None:
        """Show a line in the place of the last; an empty one takes it away."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or not reporter.isatty or not (text or self._is_shown):
            return
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        if capture is None:
            self._write(reporter, text)
            return
        # What a test writes is captured; this is no part of it.
        with capture.global_and_fixture_disabled():
            self._write(reporter, text)

    def _write(self, reporter: Any, text: str) -> None:
        if not self._is_shown:
            # The line that pytest is writing its letters on stays as it is.
            reporter.ensure_newline()
            reporter.write_line("")
        width = reporter._tw.fullwidth - 1  # noqa: SLF001  # a longer line would wrap, and could not be written over
        reporter.rewrite(text[:width], erase=True)
        if not text:
            reporter.rewrite("")
        self._is_shown = bool(text)
