"""How a long wait gets on: one line on a terminal that is written over, and nothing anywhere else."""

from __future__ import annotations

from contextlib import nullcontext
from shutil import get_terminal_size
from typing import Any

import pytest


class Progress:
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
