"""The advice to a test that waits for a line which is not logged."""

from __future__ import annotations

import warnings

import pytest

_LEAST_SECONDS = 1.0
"""Seconds of a wait from which on the advice is worth a line."""


class LogAdvice:
    """Advises once per run to ask `absent()` instead of `not in`."""

    def __init__(self) -> None:
        self._is_given = False

    def after(self, item: pytest.Item, seconds: float) -> None:
        """Give the advice after a test passed in which `in` was false.

        Args:
            item: The test.
            seconds: Seconds that the longest wait for a line took that was not logged.
        """
        if self._is_given or seconds < _LEAST_SECONDS:
            return
        self._is_given = True
        message = pytest.PytestWarning(
            f"deploy_logs: `x not in deploy_logs` waits for the whole log wait each time ({seconds:.0f} s here). "
            "`assert deploy_logs.absent(x)` ends as soon as the absence is known."
        )
        path, line, _ = item.location
        # Recorded, not raised: in a project that turns warnings into errors, advice must not break a test.
        item.ihook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": warnings.WarningMessage(message, pytest.PytestWarning, path, (line or 0) + 1),
                "when": "runtest",
                "nodeid": item.nodeid,
                "location": None,
            }
        )
