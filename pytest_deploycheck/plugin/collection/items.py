"""The built-in checks as ordinary pytest items, without a test file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_deploycheck.judge.finding import Check, Finding, Status
from pytest_deploycheck.plugin.collection.node_ids import ROOT

FINDING: pytest.StashKey[Finding] = pytest.StashKey()

CarryOut = Callable[["CheckItem"], Finding]


class CheckFailed(AssertionError):  # noqa: N818  # as below
    """A check that failed: reporters such as allure take an AssertionError for a failed test."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.summary)
        self.finding = finding


class CheckNotProven(Exception):  # noqa: N818  # the name stands in no traceback; it carries a finding
    """A check that is unproven or in error: reporters take any other exception for a broken test."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.summary)
        self.finding = finding


class CheckItem(pytest.Item):
    """One check of one service.

    Attributes:
        check: The check.
        service: The label of the service.
    """

    def __init__(self, *, check: Check, service: str, carry_out: CarryOut, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.service = service
        self._carry_out = carry_out
        self.add_marker(pytest.mark.deploycheck)

    def runtest(self) -> None:
        """Carry out the check; raise a finding that is not a pass."""
        finding = self._carry_out(self)
        self.stash[FINDING] = finding
        if finding.status is Status.SKIP:
            pytest.skip(finding.summary)
        if finding.status is Status.FAIL:
            raise CheckFailed(finding)
        if finding.status is not Status.PASS:
            raise CheckNotProven(finding)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """Return the finding in words; a traceback would lead into this package and not to the deployment."""
        if isinstance(excinfo.value, CheckFailed | CheckNotProven):
            from pytest_deploycheck.report.finding import explain_finding  # noqa: PLC0415  # only on failure

            return explain_finding(excinfo.value.finding)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path | str, int | None, str]:
        """Return the place of the check: no file, and its own name; pytest wants a line where a mark skips an item."""
        return ROOT, 0, f"{self.service}: {self.check.id}"

    def _initrequest(self) -> None:
        """Forget the finding of the run before; pytest-retry calls this before it repeats an item."""
        if FINDING in self.stash:
            del self.stash[FINDING]


class ServiceCollector(pytest.Collector):
    """The checks of one service."""

    def __init__(self, *, checks: tuple[Check, ...], carry_out: CarryOut, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._checks = checks
        self._carry_out = carry_out

    def collect(self) -> Iterator[CheckItem]:
        """Yield the checks, in the order of the chain."""
        for check in self._checks:
            yield CheckItem.from_parent(self, name=check.id, check=check, service=self.name, carry_out=self._carry_out)


class RootCollector(pytest.Collector):
    """The checks of all selected services."""

    def __init__(self, *, checks: dict[str, tuple[Check, ...]], carry_out: CarryOut, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._checks = checks
        self._carry_out = carry_out

    def collect(self) -> Iterator[ServiceCollector]:
        """Yield a collector for each service."""
        for service, checks in self._checks.items():
            yield ServiceCollector.from_parent(self, name=service, checks=checks, carry_out=self._carry_out)
