"""The redaction of what pytest and other plugins report: tracebacks, explanations of assertions and captured output."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from typing import Any

import pytest

from pytest_deploycheck.redaction import clean, clean_lines, mask
from pytest_deploycheck.redaction.handed import HANDED, KnownSecrets

_REPRESENTATIONS = "_pytest._code"
"""The package of pytest's classes that hold a failure as text."""

_OPAQUE = ("image", "video")
"""The formats in which the content of what tests add to the report of pytest-html is not text."""


class ReportRedaction:
    """Masks what looks like a credential in each report, before the terminal, JUnit and other plugins show it.

    Whatever the plugin itself gives to another reporter goes through it as well, as it knows the masks of the run.
    """

    def __init__(self) -> None:
        self._own: tuple[str, ...] = ()
        self._secrets = KnownSecrets(())
        self._made: pytest.TestReport | None = None

    def begin(self, own: Sequence[str]) -> None:
        """Mask from now on what the environments of the run ask for.

        Args:
            own: Regular expressions of the user for further secrets.
        """
        self._own = tuple(own)

    def short(self, text: str) -> str:
        """Return a text of the plugin as it is given to a reporter."""
        return clean(text, own=self._own)

    def lines(self, text: str) -> str:
        """Return what another plugin took from a failure, without what tests were given."""
        self._secrets = HANDED.secrets(self._own)
        return str(self._masked(text))

    def attachment(self, text: str) -> str:
        """Return the text of a file as it is written: with its control characters, as no terminal shows it."""
        return mask(HANDED.secrets(self._own).mask(text), self._own)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Mask the report when all others have written to it."""
        self._made = yield
        self._redact(self._made)
        return self._made

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Mask the report of a subtest, which pytest makes of another and of what was captured since."""
        # What a worker of xdist sends was masked there.
        if report is not self._made and not hasattr(report, "node"):
            self._redact(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Mask a warning, which pytest lists at the end of the run."""
        text = str(warning_message.message)
        masked = self.lines(text)
        if masked != text:
            warning_message.message = masked

    def _redact(self, report: pytest.TestReport) -> None:
        # What a test was given may be shown without the name that tells a secret, or in part.
        self._secrets = HANDED.secrets(self._own) if report.failed or report.longrepr else KnownSecrets(())
        report.longrepr = self._masked(report.longrepr)
        report.sections = [(title, self._masked(content)) for title, content in report.sections]
        report.user_properties = [(name, self._masked(value)) for name, value in report.user_properties]
        if hasattr(report, "wasxfail"):
            report.wasxfail = self._masked(report.wasxfail)
        if extras := getattr(report, "extras", None):
            report.extras = [self._extra(one) for one in extras]  # type: ignore[attr-defined]  # pytest-html reads it
        if context := getattr(report, "context", None):
            for name in ("msg", "kwargs"):
                # The description of a subtest is frozen, and would quote its values once more if it were recreated.
                object.__setattr__(context, name, self._masked(getattr(context, name)))

    def _extra(self, extra: Any) -> Any:
        """Return what pytest-html shows beside a report with its text masked."""
        if not isinstance(extra, dict) or extra.get("format_type") in _OPAQUE:
            return extra
        return extra | {"content": self._masked(extra.get("content"))}

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
        if type(value) is dict:
            return {name: self._masked(one) for name, one in value.items()}
        if type(value).__module__.startswith(_REPRESENTATIONS):
            for name, held in vars(value).items():
                setattr(value, name, self._masked(held))
        return value
