"""The redaction of pytest's own reports: tracebacks, explanations of assertions and captured output."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pytest

from pytest_deploycheck.redaction import clean_lines
from pytest_deploycheck.redaction.handed import HANDED, KnownSecrets

_REPRESENTATIONS = "_pytest._code"
"""The package of pytest's classes that hold a failure as text."""


class ReportRedaction:
    """Masks what looks like a credential in each report, before the terminal, JUnit and other plugins show it.

    Args:
        own: Regular expressions of the user for further secrets.
    """

    def __init__(self, own: Sequence[str]) -> None:
        self._own = tuple(own)
        self._secrets = KnownSecrets(())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Mask the report when all others have written to it."""
        report = yield
        # What a test was given may be shown without the name that tells a secret, or in part.
        self._secrets = HANDED.secrets(self._own) if report.failed or report.longrepr else KnownSecrets(())
        report.longrepr = self._masked(report.longrepr)
        report.sections = [(title, self._masked(content)) for title, content in report.sections]
        report.user_properties = [(name, self._masked(value)) for name, value in report.user_properties]
        return report

    def _clean(self, lines: Sequence[str]) -> list[str]:
        return clean_lines([self._secrets.mask(line) for line in lines], self._own, limit=None)

    def _masked(self, value: Any) -> Any:
        """Return a value of a report with its texts masked; pytest's own objects are changed in place."""
        if isinstance(value, str):
            return "\n".join(self._clean(value.split("\n")))
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return self._clean(value)
        if isinstance(value, list | tuple):
            return type(value)(self._masked(one) for one in value)
        if type(value).__module__.startswith(_REPRESENTATIONS):
            for name, held in vars(value).items():
                setattr(value, name, self._masked(held))
        return value
