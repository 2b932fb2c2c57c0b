"""The results of a session: one for each check and each test, from all reports about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec import Struct, field

from pytest_deploycheck.facts.codec import from_json
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.judge.finding import Check, Finding, Status
from pytest_deploycheck.judge.verdict import UserTest
from pytest_deploycheck.plugin.outcomes.causes import ERROR, FAILED, WORST_FIRST
from pytest_deploycheck.plugin.outcomes.sent import attached

_CRASH = Problem(
    "",
    "WorkerCrashed",
    "The process that carried out this check crashed.",
    "See the output of the run for the reason, such as a lack of memory; then run again.",
)

_OUTCOMES_OF_PYTEST = frozenset({"passed", "failed", "skipped"})
"""The outcomes of pytest. Any other is that of a run which another plugin repeats, as `rerun` or `retried`."""

_TESTS = (*WORST_FIRST, "xfailed", "skipped", "xpassed", "passed")
_CHECKS = (Status.FAIL, Status.ERROR, Status.UNPROVEN, Status.SKIP, Status.PASS)
"""The outcomes of tests and of checks, the worst first."""


class _Result(Struct, frozen=True):
    """One result of a check or a test."""

    outcome: str
    services: tuple[str, ...] | None = None
    has_answers: bool = False
    finding: Finding | None = None
    service: str = ""
    is_crash: bool = False

    @property
    def rank(self) -> int:
        """The place of the outcome among all, the worst first."""
        return _CHECKS.index(Status(self.outcome)) if self.finding else _TESTS.index(self.outcome)

    @property
    def is_pass(self) -> bool:
        """True for a check or a test that passed."""
        return self.outcome in ("passed", Status.PASS)

    @property
    def is_unrelated(self) -> bool:
        """True for a test that did not fail and has nothing to do with the deployment."""
        return self.finding is None and self.services is None and self.outcome not in WORST_FIRST


class _Runs(Struct):
    """The runs of a check or a test in one process.

    Attributes:
        ended: The results of the runs that came to their end.
        repeated: The results of the runs that a plugin repeats, up to the run that is not repeated.
        current: The results of the run that is going on.
    """

    ended: list[_Result] = field(default_factory=list)
    repeated: list[_Result] = field(default_factory=list)
    current: list[_Result] = field(default_factory=list)

    def repeat(self) -> None:
        """End the current run as one that is repeated."""
        self.repeated += self.current
        self.current = []

    def end(self) -> None:
        """End the current run: if it passed, it replaces the runs that it repeats."""
        self.ended += self._counting()
        self.repeated, self.current = [], []

    def replace_crash(self, result: _Result) -> None:
        """Put a result in the place of a crash."""
        for results in (self.ended, self.repeated, self.current):
            results[:] = [result if one.is_crash else one for one in results]

    def results(self) -> list[_Result]:
        """Return the results that count."""
        return [*self.ended, *self._counting()]

    def _counting(self) -> list[_Result]:
        passed = bool(self.current) and _combined(self.current).is_pass
        return self.current if passed else [*self.repeated, *self.current]


def _combined(results: Sequence[_Result]) -> _Result:
    """Return the worst of some results, with the services and the answers of all of them."""
    worst = min(results, key=lambda result: result.rank)
    services = [result.services for result in results if result.services is not None]
    return _Result(
        worst.outcome,
        tuple(dict.fromkeys(name for names in services for name in names)) if services else None,
        any(result.has_answers for result in results),
        worst.finding,
        worst.service,
    )


class Results(Struct):
    """The results of the session, from the reports of all processes.

    Attributes:
        crashed: The node ids of tests and checks whose process crashed, as long as it is not known what they are about.
        reported: The node ids of all tests and checks that ended in some way.
        has_crash: Whether the process of one of them crashed.
    """

    crashed: set[str] = field(default_factory=set)
    reported: set[str] = field(default_factory=set)
    has_crash: bool = False
    _runs: dict[str, dict[str, _Runs]] = field(default_factory=dict)

    def add(self, report: pytest.TestReport) -> None:
        """Add the report of one phase of a test, or of a subtest."""
        sent = attached(report)
        self.reported.add(report.nodeid)
        if report.failed and not sent:
            # The process that ran it crashed, and nothing is known of it but its id.
            self.crashed.add(report.nodeid)
            self.has_crash = True
            result: _Result | None = _Result(ERROR, is_crash=True)
        else:
            result = _result(sent)
        if report.nodeid not in self._runs and (result is None or result.is_unrelated):
            return
        # With `--dist=each`, several workers run the test.
        worker = getattr(report, "worker_id", "")
        runs = self._runs.setdefault(report.nodeid, {}).setdefault(worker, _Runs())
        if result is not None:
            runs.current.append(result)
        if report.outcome not in _OUTCOMES_OF_PYTEST:
            runs.repeat()
        elif report.when == "teardown" and (runs.current or not runs.repeated):
            # The tear-down of a run that is repeated comes after it: the run that replaces it is still to come.
            runs.end()

    def attribute_crashes(
        self, checks: Mapping[str, tuple[str, Check]], concerns: Mapping[str, Sequence[str]] | None
    ) -> None:
        """Take note of what the crashed tests and checks are about, so that their crash counts for nothing else.

        Args:
            checks: The label of the service and the check, by node id.
            concerns: The labels of the services that each test about the deployment concerns, by node id; None where no
                process is left that knows them.
        """
        for nodeid in sorted(self.crashed):
            if nodeid in checks:
                service, check = checks[nodeid]
                result = _Result(str(Status.ERROR), finding=check.errs(_CRASH), service=service)
            elif concerns is not None:
                result = _Result(ERROR, tuple(concerns[nodeid]) if nodeid in concerns else None)
            else:
                continue
            self.crashed.discard(nodeid)
            for runs in self._runs[nodeid].values():
                runs.replace_crash(result)

    def findings(self) -> dict[str, dict[str, Finding]]:
        """Return the findings of the checks of each service, by their ids."""
        found: dict[str, dict[str, Finding]] = {}
        for result in self._combined().values():
            if result.finding is not None:
                found.setdefault(result.service, {})[result.finding.id] = result.finding
        return found

    @property
    def tests(self) -> tuple[UserTest, ...]:
        """The tests about the deployment, in the order in which they began."""
        return tuple(
            UserTest(nodeid, result.outcome, result.services, result.has_answers)
            for nodeid, result in self._combined().items()
            if result.services is not None
        )

    @property
    def other_failed(self) -> bool:
        """True where a test failed in a way that is neither a check's nor unproven."""
        return any(result.finding is None and result.outcome in (FAILED, ERROR) for result in self._combined().values())

    def _combined(self) -> dict[str, _Result]:
        every = {
            nodeid: [result for runs in workers.values() for result in runs.results()]
            for nodeid, workers in self._runs.items()
        }
        return {nodeid: _combined(results) for nodeid, results in every.items() if results}


def _result(sent: dict[str, Any]) -> _Result | None:
    """Return what a report counts for; None where it has no result of its own, as a set-up that passed."""
    if "finding" in sent:
        return _Result(sent["outcome"], finding=from_json(sent["finding"], Finding), service=sent["service"])
    outcome = sent.get("outcome", "")
    if not outcome:
        return None
    if "services" not in sent:
        return _Result(outcome)
    return _Result(outcome, tuple(sent["services"]), sent["has_answers"])
