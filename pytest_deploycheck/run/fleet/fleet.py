"""The verification of all environments of a run: one, or several side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentRun
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.recorded.calls import CallsMade
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.judge.checks.logs import LogCheck
from pytest_deploycheck.judge.finding import Check, Finding
from pytest_deploycheck.judge.record import AskedLogs
from pytest_deploycheck.judge.verdict import UserTest, Verdict, judge_run
from pytest_deploycheck.report.model import FleetReport, RunReport
from pytest_deploycheck.run.fleet.interruption import InterruptibleClock
from pytest_deploycheck.run.verification import Findings, Verification


class Fleet:
    """The verifications of a run, one for each environment.

    A service has a label in the run: its name, and `ENVIRONMENT/NAME` where the run has several environments. Of
    several environments, one that cannot be observed has all its checks in error, and the others go on.

    Args:
        runs: The environments, and what is asked of each.
        verifications: The verification of each.
        clock: The clock of their waits.
    """

    def __init__(
        self, runs: Sequence[EnvironmentRun], verifications: Sequence[Verification], clock: InterruptibleClock
    ) -> None:
        self._members = list(zip(runs, verifications, strict=True))
        self._clock = clock
        self._homes = {
            label: (verification, service)
            for run, verification in self._members
            for label, service in run.labels.items()
        }

    @property
    def verifications(self) -> list[Verification]:
        """The verification of each environment."""
        return [verification for _, verification in self._members]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the selected services."""
        return tuple(self._homes)

    def of(self, label: str) -> tuple[Verification, str]:
        """Return the verification of the environment of a service, and the service's name there."""
        return self._homes[label]

    def environment(self, name: str) -> Verification:
        """Return the verification of an environment."""
        return next(verification for run, verification in self._members if run.environment.name == name)

    def identify(self) -> None:
        """Ask for the identity of the caller in each environment.

        Raises:
            EnvironmentUnusableError: None of them can be observed.
        """
        self._in_each(lambda verification: verification.identity)

    def observe(self, read_ahead: Collection[str] = ()) -> None:
        """Observe every environment, and wait in each until the rollouts are settled or the wait is over.

        Args:
            read_ahead: The labels of the services whose log checks are carried out next in this process.

        Raises:
            EnvironmentUnusableError: None of them can be observed.
        """
        ahead: dict[str, list[str]] = defaultdict(list)
        for label in read_ahead:
            verification, service = self._homes[label]
            ahead[verification.environment.name].append(service)
        self._in_each(lambda verification: verification.observe(ahead.get(verification.environment.name, ())))

    def finding(self, label: str, check: Check) -> Finding:
        """Carry out one check of a service."""
        verification, service = self._homes[label]
        if isinstance(check, LogCheck):
            # The expectations of all environments share one wait, which begins with the first of them.
            for one in self.verifications:
                one.begin_log_checks()
        return verification.finding(service, check)

    @property
    def log_tails(self) -> Mapping[str, LogTail]:
        """The log tails that were asked for so far, by the label of the service."""
        return {
            run.prefix + service: tail
            for run, verification in self._members
            for service, tail in verification.log_tails.items()
        }

    @property
    def image_differences(self) -> Sequence[str]:
        """The differences between image and checkout that tests have found so far, in words."""
        return [text for verification in self.verifications for text in verification.image_differences]

    def record_asked(self, asked: Mapping[str, Sequence[AskedLogs]]) -> None:
        """Let the reports record what tests asked of the logs, by the label of the service."""
        for label, questions in asked.items():
            if label in self._homes:
                verification, service = self._homes[label]
                verification.asked[service] = questions

    def report(self, findings: Findings, tests: Sequence[UserTest], *, complete: bool) -> FleetReport:
        """Return the verdict on each environment and on the run.

        Args:
            findings: The findings of the checks.
            tests: The session's tests that used the fixtures, with the labels of services.
            complete: Whether the run came to its end.
        """
        environments = [
            verification.report(_own(run, findings), _tests_of(run, tests), complete=complete)
            for run, verification in self._members
        ]
        return _combined(environments, tests, complete=complete)

    def confirm(self, report: FleetReport, *, complete: bool) -> FleetReport:
        """Observe the verified environments once more, and return the verdict on what is found then.

        A deployment may have begun while the tests ran.

        Args:
            report: The report of the run.
            complete: Whether the run came to its end.
        """
        verified = {one.environment for one in report.environments if one.verdict is Verdict.VERIFIED}
        confirmed: dict[str, RunReport] = {one.environment: one for one in report.environments}

        def confirm(verification: Verification) -> None:
            name = verification.environment.name
            if name in verified:
                before = confirmed[name]
                findings = verification.confirm({one.name: one.findings for one in before.services})
                confirmed[name] = verification.report(findings, before.tests, complete=complete)

        self._in_each(confirm)
        return _combined(list(confirmed.values()), report.tests, complete=complete)

    @property
    def made(self) -> Mapping[str, CallsMade]:
        """The calls of AWS's API that this process made, by the environment."""
        return {one.environment.name: one.made for one in self.verifications}

    def with_workers(self, report: FleetReport, workers: Sequence[Mapping[str, CallsMade]]) -> FleetReport:
        """Return a report with the calls of other processes beside those of this one."""
        environments = []
        for one in report.environments:
            own = CallsMade(one.calls, one.held, one.throttles)
            made = own.with_workers([worker[one.environment] for worker in workers if one.environment in worker])
            environments.append(replace(one, calls=made.calls, held=made.held, throttles=made.throttles))
        return replace(report, environments=tuple(environments))

    def close(self) -> None:
        """Release the resources that it holds."""
        for verification in self.verifications:
            verification.close()

    def _in_each(self, act: Callable[[Verification], object]) -> None:
        """Do the same in every environment that can be observed, side by side; one that cannot be is given up."""
        members = [one for one in self.verifications if one.problem is None]
        if len(self._members) == 1 and members:
            act(members[0])
            return
        pool = ThreadPoolExecutor(max_workers=max(1, len(members)), thread_name_prefix="deploycheck")
        try:
            running = [(verification, pool.submit(act, verification)) for verification in members]
            for verification, future in running:
                try:
                    future.result()
                except EnvironmentUnusableError as error:
                    verification.give_up(error)
        except BaseException:
            self._clock.interrupt()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        self._require_one()

    def _require_one(self) -> None:
        problems = [one.problem for one in self.verifications]
        unusable = [problem for problem in problems if problem]
        if len(unusable) < len(problems):
            return
        if len(unusable) == 1:
            raise EnvironmentUnusableError(unusable[0].message, unusable[0].remedy)
        raise EnvironmentUnusableError(
            "None of the environments can be observed.\n" + "\n".join(problem.message for problem in unusable),
            "\n".join(dict.fromkeys(problem.remedy for problem in unusable)),
        )


def _own(run: EnvironmentRun, findings: Findings) -> Findings:
    """Return the findings of the services of an environment, by their names."""
    return {service: list(findings.get(label, ())) for label, service in run.labels.items()}


def _tests_of(run: EnvironmentRun, tests: Sequence[UserTest]) -> list[UserTest]:
    """Return the tests that concern an environment, with the names of its services."""
    return [
        replace(test, services=tuple(label.removeprefix(run.prefix) for label in own))
        for test in tests
        if (own := [label for label in test.services if label.startswith(run.prefix)]) or not test.services
    ]


def _combined(environments: Sequence[RunReport], tests: Sequence[UserTest], *, complete: bool) -> FleetReport:
    return FleetReport(
        environments=tuple(environments),
        tests=tuple(tests),
        judgement=judge_run(one.judgement for one in environments),
        complete=complete,
    )
