"""One verification, from the options to the report, without pytest.

A run observes the environment once (`Verification.observe`), judges the facts, and calls AWS again only for logs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.log import LogEvent
from pytest_deploycheck.facts.recorded.calls import CallsMade
from pytest_deploycheck.facts.snapshot import Identity, Observation, Problem, ServiceFacts
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.checks.logs import LogCheck
from pytest_deploycheck.judge.checks.rollout import judge_still_newest
from pytest_deploycheck.judge.finding import Check, Finding, Status
from pytest_deploycheck.judge.record import AskedLogs, RunRecord, record_of
from pytest_deploycheck.judge.verdict import Judgement, UserTest, Verdict, judge_run, judge_service
from pytest_deploycheck.polling import Clock, Overtime, SystemClock
from pytest_deploycheck.report.model import RunReport, ServiceReport
from pytest_deploycheck.run.checks import needed_checks
from pytest_deploycheck.run.connections import Access
from pytest_deploycheck.run.handles import Handles
from pytest_deploycheck.run.image_checks import ImageChecks
from pytest_deploycheck.run.logs.checks import LogChecks
from pytest_deploycheck.run.logs.tails import LogTails, TailSettings
from pytest_deploycheck.run.named_images import check_images
from pytest_deploycheck.run.on_demand import OnDemand
from pytest_deploycheck.run.recording.log_checks import RecordedLogChecks
from pytest_deploycheck.run.recording.replay import Replay
from pytest_deploycheck.run.recording.versions import versions
from pytest_deploycheck.run.rollout_wait import ShowRollouts, Watch
from pytest_deploycheck.run.service_checks import ServiceChecks

Findings = Mapping[str, Sequence[Finding]]
"""The findings of checks, by service: by its name in one environment, by its label in a run."""


class Verification:
    """One run against one environment.

    Args:
        environment: The environment.
        options: What was asked of this run.
        clock: Where the time of waits comes from.
        observation: The observation of another process, for a process that reads only logs.
        time_left: Tells how many seconds the running test may still take, or None where nothing limits it.
        source: The folder that is searched for the code that should have logged a line, or None.
        show_progress: Shows the progress of a wait for log lines; an empty text ends the display.
        show_rollouts: Shows the progress of the awaited rollouts.
        access: The connections to the environment; default: new ones.
        replay: The report whose facts are judged again; then nothing is contacted.

    Attributes:
        handles: Makes what a test holds.
        asked: What tests asked of the logs of each service, for the report to record.

    Raises:
        ConfigurationError: An image that was named is no reference.
    """

    def __init__(
        self,
        environment: EnvironmentSettings,
        options: Options,
        *,
        clock: Clock | None = None,
        observation: Observation | None = None,
        time_left: Callable[[], float | None] = lambda: None,
        source: Path | None = None,
        show_progress: Callable[[str], None] = lambda _: None,
        show_rollouts: ShowRollouts = lambda _, __: None,
        access: Access | None = None,
        replay: Replay | None = None,
    ) -> None:
        self.environment = environment
        self.options = options
        self._clock = clock or SystemClock()
        self._show_rollouts = show_rollouts
        self._replay = replay
        self.asked: dict[str, Sequence[AskedLogs]] = {}
        self._handed = replay.observation if replay else observation
        self._watch: Watch | None = None
        self._analyses: dict[str, ServiceAnalysis] = {}
        overtime = Overtime(self._clock)
        self._access = access or (replay.access(overtime) if replay else Access(environment, overtime))
        # The connections may be older than what is known of the services.
        self._access.environment = environment
        self._access.services = [environment.services[name].service for name in options.services]
        if self._handed:
            self._access.identity = self._handed.identity
            self._access.first.take_over(self._handed.services)
        root = source or Path.cwd()
        self._images = ImageChecks(
            environment, options, root, self._access.open_layer, replay.sources if replay else None
        )
        self.handles = Handles(
            environment,
            options,
            lambda: self.identity,
            self.analysis,
            self._images,
            OnDemand(self._access),
            self._clock,
            time_left,
        )
        self._tails = LogTails(
            self._access,
            environment,
            options,
            lambda: self.observation,
            TailSettings(self._clock, time_left, source, show_progress),
        )
        self._log_checks = (
            RecordedLogChecks(replay.record.services)
            if replay
            else LogChecks(self._tails.tail, options.log_wait, self._clock, self.now, self._access.overtime)
        )
        self._checks = ServiceChecks(
            environment,
            options,
            root,
            self._images,
            lambda: self.observation,
            self._last_lines,
            replay.record.release if replay else None,
        )
        check_images(environment, options)

    @property
    def identity(self) -> Identity:
        """The identity of the caller, its account and region; requested once.

        Raises:
            EnvironmentUnusableError: The credentials do not work, or AWS cannot be reached.
        """
        return self._access.identity

    @property
    def observation(self) -> Observation:
        """The observation.

        Raises:
            RuntimeError: Nothing has been observed yet.
        """
        seen = self._seen
        if seen is None:
            raise RuntimeError("observe() has to come first")
        return seen

    @property
    def made(self) -> CallsMade:
        """The calls of AWS's API that this process made, and what the rates of AWS cost it."""
        if not self._access.is_identified:
            return CallsMade(self._access.calls)
        budget = self._access.budgets.of(self.identity.account)
        return CallsMade(self._access.calls, budget.held, budget.throttles)

    @property
    def _seen(self) -> Observation | None:
        return self._watch.observation if self._watch else self._handed

    @property
    def problem(self) -> Problem | None:
        """The reason why the environment could not be observed at all, or None."""
        return self._seen.problem if self._seen else None

    def give_up(self, error: EnvironmentUnusableError) -> None:
        """Take the environment as one that cannot be observed: each of its checks is in error."""
        problem = Problem("", type(error).__name__, error.message, error.remedy)
        if not self._access.is_identified:
            self._access.identity = Identity("", "", self.environment.region or "", 0.0, self.environment.endpoint_url)
        unknown = {"service": problem, "tasks": problem}
        services = tuple(ServiceFacts(name, problems=unknown) for name in self.options.services)
        self._watch = None
        self._handed = Observation(self.identity, self.now(), self.now(), services, problem=problem)

    def now(self) -> datetime:
        """The time by the servers' clock (UTC): the machine that runs CI may be wrong about it."""
        return self._access.now()

    def observe(self, read_ahead: Collection[str] = ()) -> Observation:
        """Observe every selected service, and poll until its rollout is settled or the wait is over.

        Args:
            read_ahead: The services whose log checks are carried out next in this process: the lines that they expect
                are read while other services are still observed.

        Raises:
            EnvironmentUnusableError: The cluster or a service does not exist, or nothing may be looked at.
        """
        if self._replay:
            return self._replay.observation
        self._watch = Watch(
            self._access.observer(self.options),
            self.identity,
            timeout=self.options.wait,
            clock=self._clock,
            now=self.now,
            overtime=self._access.overtime,
            show=self._show_rollouts,
            show_service=lambda one: self._tails.read_ahead(one) if one.facts.name in read_ahead else None,
        )
        return self._watch.observe()

    def confirm(self, findings: Findings) -> Findings:
        """Observe once more and repeat the checks that passed: a deployment may have begun while the tests ran.

        Args:
            findings: What the checks found, by service.

        Returns:
            The current findings. An earlier finding that was not a pass is kept.
        """
        first = {facts.name: self.analysis(facts.name) for facts in self.observation.services}
        if self._watch is None or self._watch.refresh() is None:
            return findings
        return {
            service: [self._confirmed(first[service], finding) for finding in found]
            for service, found in findings.items()
        }

    def _confirmed(self, before: ServiceAnalysis, finding: Finding) -> Finding:
        now = self.analysis(before.facts.name)
        if finding.status is not Status.PASS or finding.link == "image":
            return finding
        repeated = self._checks.judge(now, finding.id)
        if repeated is None:
            return finding
        if finding.id == "rollout-complete":
            repeated = judge_still_newest(before, now, repeated)
        if repeated.is_good:
            return repeated
        return replace(
            repeated, summary=f"{repeated.summary} (it passed before the tests ran; this was observed after them)"
        )

    @property
    def image_differences(self) -> Sequence[str]:
        """The differences between image and checkout that tests have found so far, in words."""
        return self._images.differences

    @property
    def log_tails(self) -> Mapping[str, LogTail]:
        """The log tails that were asked for so far, by service."""
        return self._tails.tails

    def log_tail(self, service: str) -> LogTail:
        """The log tail of a service, the same for all who ask."""
        return self._tails.tail(service)

    def analysis(self, service: str) -> ServiceAnalysis:
        """Return the analysis of the last observation of a service, the same for all who ask."""
        facts = self.observation.service(service)
        known = self._analyses.get(service)
        if known is None or known.facts is not facts:
            waited_for = self._watch.analyses if self._watch else ()
            known = next((one for one in waited_for if one.facts is facts), None) or ServiceAnalysis(facts)
            self._analyses[service] = known
        return known

    def begin_log_checks(self) -> None:
        """Begin the wait that all log checks share, if it has not begun."""
        if self.problem is None:
            self._log_checks.begin()

    def finding(self, service: str, check: Check) -> Finding:
        """Carry out one check of a service."""
        if self.problem:
            return check.errs(self.problem)
        finding = self._checks.judge(self.analysis(service), check.id)
        if finding:
            return finding
        if not isinstance(check, LogCheck):
            raise TypeError(f"unknown check {check.id!r}")
        return self._log_checks.judge(service, check)

    def report(self, findings: Findings, tests: Sequence[UserTest], *, complete: bool) -> RunReport:
        """The verdict on what was found; where nothing was looked at, there is no service to speak of.

        Args:
            findings: What the checks found, by service.
            tests: The session's tests that used the fixtures.
            complete: Whether the run came to its end.
        """
        observation = self._seen or Observation(self.identity, self.now(), self.now(), ())
        services = tuple(
            self._service_report(facts, tuple(findings.get(facts.name, ())), tests, complete=complete)
            for facts in observation.services
        )
        observation = replace(observation, services=tuple(one.facts for one in services))
        made = self.made
        return RunReport(
            environment=self.environment.name,
            observation=observation,
            services=services,
            tests=tuple(tests),
            judgement=judge_run(service.judgement for service in services),
            complete=complete,
            mask=self.environment.mask,
            versions=versions(),
            record=self._record(observation, findings),
            replay_of=self._replay.name if self._replay else "",
            calls=made.calls,
            held=made.held,
            throttles=made.throttles,
        )

    def _service_report(
        self, facts: ServiceFacts, findings: tuple[Finding, ...], tests: Sequence[UserTest], *, complete: bool
    ) -> ServiceReport:
        """The result for one service, with the verdict on what its checks found."""
        judgement = judge_service(
            facts.name,
            findings,
            tests,
            require=self.environment.require,
            needed=needed_checks(self.environment, self.options, facts.name),
            complete=complete,
        )
        if self._replay and judgement.verdict is Verdict.VERIFIED:
            # What ran then verifies nothing about what runs now.
            judgement = Judgement(Verdict.UNPROVEN, None)
        analysis = self.analysis(facts.name)
        if self._watch and complete and judgement.verdict is Verdict.REFUTED and not facts.has_history:
            # What could be rolled back to is read only where that may be the thing to do.
            analysis = ServiceAnalysis(self._watch.with_history(facts))
        return ServiceReport(analysis, findings, judgement=judgement)

    def _record(self, observation: Observation, findings: Findings) -> RunRecord | None:
        """Return what a later run can judge again: for a replay, what it judged itself."""
        if self._replay:
            return self._replay.record
        if not observation.services:
            return None
        return record_of(
            self.environment, self.options, self._checks.release(), observation, findings, asked=self.asked
        )

    def close(self) -> None:
        """Release the resources that it holds."""
        self._tails.close()

    def _last_lines(self, service: str, task: str) -> Sequence[LogEvent]:
        """Return the last log lines of a task, as far as there is time to read them."""
        overtime = self._access.overtime
        with overtime.step(), overtime.explanation() as is_over:
            return self.log_tail(service).last_lines(task, is_over)
