"""The sandbox that many histories share, and the clients and the clock of their verifications."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from support.log_fakes import FakeClock

from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.run.verification import Verification
from pytest_deploycheck.sandbox import Sandbox
from trust.transport import answer_in_process

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session

LONG_STEP = 15.0
"""Seconds that pass at least between two polls."""


class Strides(FakeClock):
    """Time that passes in long steps: what polls find meanwhile is the same, as nothing happens during a wait."""

    def sleep(self, seconds: float) -> None:
        """Let more time pass than was asked for."""
        super().sleep(max(seconds, LONG_STEP))


class World:
    """A sandbox that many histories share, each in a cluster of its own, and the clients of their verifications."""

    def __init__(self, aws: Sandbox, folder: Path) -> None:
        self.aws = aws
        self.folder = folder
        self._session: Session | None = None

    def verification(self, environment: EnvironmentSettings, options: Options, source: Path) -> Verification:
        """Return a verification that shares the clients of the others: to make them is half of what one costs."""
        verification = Verification(environment, options, clock=Strides(), source=source)
        if self._session is None:
            self._session = verification._access.session
            answer_in_process(self.aws, self._session)
        verification._access._session = self._session
        return verification
