"""The activity of a test: what it asks of the logs and compares with the image, and how its report shows that."""

from __future__ import annotations

import pytest
from msgspec import Struct, field

from pytest_deploycheck.judge.analysis.logs.evidence import LAST_LINES
from pytest_deploycheck.judge.record import AskedLogs
from pytest_deploycheck.run.fleet.fleet import Fleet

LOG_SECTION = "deploy logs of"
"""The beginning of the name of a report's section that has log lines."""


class Activity(Struct):
    """The questions of a test about the logs and its comparisons with the image, since it was set up.

    Attributes:
        fleet: The verifications that the test uses.
    """

    fleet: Fleet
    _questions: dict[str, int] = field(default_factory=dict)
    _answers: dict[str, int] = field(default_factory=dict)
    _asked: dict[str, int] = field(default_factory=dict)
    _differences: int = 0

    def begin(self) -> None:
        """Note what was asked before the test."""
        tails = self.fleet.log_tails
        self._questions = {name: tail.questions for name, tail in tails.items()}
        self._answers = {name: tail.answers for name, tail in tails.items()}
        self._asked = {name: len(tail.asked) for name, tail in tails.items()}
        self._differences = len(self.fleet.image_differences)

    @property
    def asked(self) -> tuple[str, ...]:
        """The services whose logs were asked something."""
        tails = self.fleet.log_tails
        return tuple(name for name, tail in tails.items() if tail.questions > self._questions.get(name, 0))

    @property
    def asked_logs(self) -> dict[str, list[AskedLogs]]:
        """The questions about the logs of each service, with what was read for them."""
        return {
            name: found
            for name, tail in self.fleet.log_tails.items()
            if (found := tail.asked[self._asked.get(name, 0) :])
        }

    @property
    def answered(self) -> tuple[str, ...]:
        """The services whose logs were asked something and had at least one event."""
        tails = self.fleet.log_tails
        return tuple(name for name, tail in tails.items() if tail.answers > self._answers.get(name, 0))

    @property
    def differences(self) -> tuple[str, ...]:
        """The differences between image and checkout that were found, in words."""
        return tuple(self.fleet.image_differences[self._differences :])

    @property
    def longest_no(self) -> float:
        """Seconds of the longest wait for a line that was not logged."""
        return max((tail.longest_no for tail in self.fleet.log_tails.values()), default=0.0)

    def show(self, report: pytest.TestReport) -> None:
        """Add the last log lines and the differences to a report, where it does not have them already."""
        for name in self.asked:
            account = self.fleet.log_tails[name].account()
            if not all(line.strip() in report.longreprtext for line in account.splitlines()):
                report.sections.append((f"{LOG_SECTION} {name}, the last {LAST_LINES} lines", account))
        if self.differences:
            report.sections.append(("image and checkout", "\n\n".join(self.differences)))
