"""One verification, from the options to the report, without pytest.

A run observes the environment once (`Verification.observe`), judges the facts, and calls AWS again only for logs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from pytest_deploycheck.checkout.dockerfile import copied_folders
from pytest_deploycheck.checkout.git import CI_VARIABLES
from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.snapshot import Identity, Observation, ServiceFacts
from pytest_deploycheck.handles.environment import DeployEnvironment
from pytest_deploycheck.handles.health import Alarms, TargetHealth, alarms, target_health
from pytest_deploycheck.handles.image import DeployedImage, deployed_image
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.handles.release import Release, release
from pytest_deploycheck.judge.analysis.service import Rollout, ServiceAnalysis
from pytest_deploycheck.judge.checks.alarms import judge_alarms
from pytest_deploycheck.judge.checks.containers import judge_containers
from pytest_deploycheck.judge.checks.error_rate import judge_error_rate
from pytest_deploycheck.judge.checks.image import judge_exists, judge_pushed, judge_repository, judge_tag
from pytest_deploycheck.judge.checks.image_intent import KnownRelease, judge_intended
from pytest_deploycheck.judge.checks.logs import LogCheck
from pytest_deploycheck.judge.checks.rollout import judge_complete, judge_same
from pytest_deploycheck.judge.checks.targets import judge_targets
from pytest_deploycheck.judge.checks.tasks import judge_run_image, judge_running
from pytest_deploycheck.judge.finding import Check, Finding, Status, TaskLines
from pytest_deploycheck.judge.verdict import UserTest, Verdict, judge_run, judge_service
from pytest_deploycheck.oci.reference import check_expected
from pytest_deploycheck.polling import Clock, SystemClock
from pytest_deploycheck.report.model import RunReport, ServiceReport
from pytest_deploycheck.run.checks import checks_of, needed_checks
from pytest_deploycheck.run.connections import Access
from pytest_deploycheck.run.image_checks import ImageChecks
from pytest_deploycheck.run.log_checks import LogChecks
from pytest_deploycheck.run.log_tails import LogTails, TailSettings
from pytest_deploycheck.run.rollout_wait import ShowRollouts, Watch


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
        cache: The folder in which blobs of images are kept, or None for one that goes with the process.

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
        cache: Path | None = None,
    ) -> None:
        self.environment = environment
        self.options = options
        self._clock = clock or SystemClock()
        self._show_rollouts = show_rollouts
        self._handed = observation
        self._watch: Watch | None = None
        self._analyses: dict[str, ServiceAnalysis] = {}
        self._access = Access(environment, cache)
        if observation:
            self._access.identity = observation.identity
            self._access.first.take_over(observation.services)
        self._root = source or Path.cwd()
        self._images = ImageChecks(environment, options, self._root, self._access.open_layer)
        self._contents: dict[tuple[str | None, ...], Finding] = {}
        self._tails = LogTails(
            self._access,
            environment,
            options,
            lambda: self.observation,
            TailSettings(self._clock, time_left, source, show_progress),
        )
        self._log_checks = LogChecks(self._tails.tail, options.log_wait, self._clock, self.now)
        for name in options.services:
            _check_image(name, environment, options)

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
        seen = self._watch.observation if self._watch else self._handed
        if seen is None:
            raise RuntimeError("observe() has to come first")
        return seen

    def now(self) -> datetime:
        """The time by the servers' clock (UTC): the machine that runs CI may be wrong about it."""
        return self._access.now()

    def observe(self) -> Observation:
        """Observe every selected service, and poll until its rollout is settled or the wait is over.

        Raises:
            EnvironmentUnusableError: The cluster or a service does not exist, or nothing may be looked at.
        """
        self._watch = Watch(
            self._access.observer(self.options),
            self.identity,
            timeout=self.options.wait,
            clock=self._clock,
            now=self.now,
            show=self._show_rollouts,
        )
        return self._watch.observe()

    def confirm(self, findings: Mapping[str, Sequence[Finding]]) -> dict[str, list[Finding]]:
        """Observe once more and repeat the checks that passed: a deployment may have begun while the tests ran.

        Args:
            findings: What the checks found, by service.

        Returns:
            The current findings. An earlier finding that was not a pass is kept.
        """
        first = {facts.name: self.analysis(facts.name) for facts in self.observation.services}
        if self._watch is None or self._watch.refresh() is None:
            return {service: list(found) for service, found in findings.items()}
        return {
            service: [self._confirmed(first[service], finding) for finding in found]
            for service, found in findings.items()
        }

    def _confirmed(self, before: ServiceAnalysis, finding: Finding) -> Finding:
        now = self.analysis(before.facts.name)
        judge = self._judges(now).get(finding.id)
        if finding.status is not Status.PASS or judge is None or finding.link == "image":
            return finding
        repeated = judge_same(before, now, judge()) if finding.id == "rollout-complete" else judge()
        if repeated.is_good:
            return repeated
        return replace(
            repeated, summary=f"{repeated.summary} (it passed before the tests ran; this was observed after them)"
        )

    def deploy_environment(self) -> DeployEnvironment:
        """The environment, as a test holds it."""
        return DeployEnvironment(
            name=self.environment.name,
            account=self.identity.account,
            region=self.identity.region,
            cluster=self.environment.cluster,
            base_url=self.environment.base_url,
            services=self.environment.services,
        )

    def deployed_image(self, service: str) -> DeployedImage:
        """The expected image for a service, as a test holds it.

        Raises:
            AssertionError: It is not in its registry.
            UnprovenError: It could not be looked at, or several containers are judged and none was named.
        """
        facts = self.observation.service(service)
        return deployed_image(facts, self._images.opened(facts))

    def release(self, service: str) -> Release:
        """Return what was named to be shipped for a service."""
        counts = self.environment.intent != "task-definition"
        return release(self.observation.service(service), self.options.commit if counts else None)

    def target_health(self, service: str) -> TargetHealth:
        """Return the health of the new tasks of a service in its target groups.

        Raises:
            UnprovenError: That could not be looked at.
        """
        return target_health(self.analysis(service))

    def alarms(self, service: str) -> Alarms:
        """The alarms that are declared for a service, as a test holds them.

        Raises:
            UnprovenError: They could not be looked at, or one of them does not exist.
        """
        return alarms(self.observation.service(service))

    @property
    def image_differences(self) -> Sequence[str]:
        """The differences between image and checkout that tests have found so far, in words."""
        return self._images.differences

    def rollout(self, service: str) -> Rollout:
        """Return the rollout of a service."""
        return self.analysis(service).rollout

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

    def finding(self, service: str, check: Check) -> Finding:
        """Carry out one check of a service."""
        judge = self._judges(self.analysis(service)).get(check.id)
        if judge:
            return judge()
        if not isinstance(check, LogCheck):
            raise TypeError(f"unknown check {check.id!r}")
        return self._log_checks.judge(service, check)

    def _judges(self, analysis: ServiceAnalysis) -> Mapping[str, Callable[[], Finding]]:
        """The functions that carry out the checks of a service that need no logs, by check id."""
        facts = analysis.facts
        settings = self.environment.services[facts.name]
        return {
            "image-exists": lambda: judge_exists(analysis),
            "image-intended": lambda: judge_intended(
                analysis, self._release, judge_pushed(analysis, self._pushed_after()), lambda: self._content(facts)
            ),
            "image-tag": lambda: judge_tag(analysis, strict_tags=self.environment.strict_tags),
            "image-repository": lambda: judge_repository(analysis),
            "image-pushed": lambda: judge_pushed(analysis, self._pushed_after()),
            "image-content": lambda: self._content(facts),
            "image-layers": lambda: self._images.judge_layers(facts),
            "rollout-complete": lambda: self._judge_rollout(analysis),
            "tasks-running": lambda: judge_running(analysis),
            "tasks-run-image": lambda: judge_run_image(analysis),
            "targets-healthy": lambda: judge_targets(analysis),
            "containers-healthy": lambda: judge_containers(analysis),
            "alarms-ok": lambda: judge_alarms(analysis, settings.alarms),
            "error-rate": lambda: judge_error_rate(analysis, settings.error_rate),
        }

    def report(self, findings: dict[str, list[Finding]], tests: Sequence[UserTest], *, complete: bool) -> RunReport:
        """The verdict on what was found; where nothing was looked at, there is no service to speak of.

        Args:
            findings: What the checks found, by service.
            tests: The session's tests that used the fixtures.
            complete: Whether the run came to its end.
        """
        observation = self.observation if self._watch else Observation(self.identity, self.now(), self.now(), ())
        services = []
        for facts in observation.services:
            found = tuple(findings.get(facts.name, ()))
            judgement = judge_service(
                facts.name,
                found,
                tests,
                require=self.environment.require,
                needed=needed_checks(self.environment, self.options, facts.name),
                complete=complete,
            )
            services.append(ServiceReport(self.analysis(facts.name), found, judgement))
        return RunReport(
            environment=self.environment.name,
            observation=observation,
            services=tuple(services),
            tests=tuple(tests),
            judgement=judge_run(service.judgement for service in services),
            complete=complete,
            mask=self.environment.mask,
        )

    @property
    def _release(self) -> KnownRelease:
        """Return the facts of the release from outside the cluster."""
        return KnownRelease(
            environment=self.environment.name,
            region=self.identity.region,
            intent=self.environment.intent,
            commit=self.options.commit,
            ci_variable=next((name for name in CI_VARIABLES if os.environ.get(name)), ""),
            copied=copied_folders(self._root),
            command=self.options.command,
        )

    def _content(self, facts: ServiceFacts) -> Finding:
        """Return the finding of `image-content`, which two checks need and which opens layers."""
        key = (facts.name, *(one.expected.digest for one in facts.judged))
        if key not in self._contents:
            self._contents[key] = self._images.judge_content(facts)
        return self._contents[key]

    def _pushed_after(self) -> datetime | None:
        after = self.options.pushed_after
        return after.resolve(self.observation.began_at) if after else None

    def close(self) -> None:
        """Release the resources that it holds."""
        self._tails.close()

    def _judge_rollout(self, analysis: ServiceAnalysis) -> Finding:
        """`rollout-complete`, with the last log lines of a task that did not stay up."""
        finding = judge_complete(analysis, waited=self.observation.waited)
        failed = [task for task in analysis.failed_tasks if task.started_at]
        if finding.status is not Status.FAIL or not failed:
            return finding
        lines = self.log_tail(analysis.facts.name).last_words(failed[0].id)
        return replace(finding, last_lines=(TaskLines(failed[0].id, tuple(lines)),))


def _check_image(service: str, environment: EnvironmentSettings, options: Options) -> None:
    """See that the image named for a service is a reference, before anything is contacted."""
    by_option = options.images.get(service)
    text = by_option or environment.services[service].image
    if text is None:
        return
    try:
        for reference in text.split(","):
            check_expected(reference)
    except ValueError as error:
        where = "--deploy-image" if by_option else f"env.{environment.name}.services.{service}.image"
        raise ConfigurationError(
            f"{where}: {text!r} is no reference to an image: {error}.",
            "Give a tag, a digest (sha256:…), repository:tag, or a whole reference with its registry.",
        ) from error


def verify(
    environment: EnvironmentSettings, options: Options, *, clock: Clock | None = None, source: Path | None = None
) -> RunReport:
    """Carry out every built-in check of an environment.

    Args:
        environment: The environment.
        options: What to look at and how long to wait.
        clock: Where the time of waits comes from.
        source: The folder that is searched for the code that should have logged a line, or None.

    Raises:
        ConfigurationError: An image that was named is no reference.
        EnvironmentUnusableError: There is nothing to look at, or no way in.
    """
    verification = Verification(environment, options, clock=clock, source=source)
    verification.observe()
    try:
        findings = {
            service: [verification.finding(service, check) for check in checks_of(environment, service)]
            for service in options.services
        }
    finally:
        verification.close()
    report = verification.report(findings, (), complete=True)
    if report.verdict is not Verdict.VERIFIED:
        return report
    return verification.report(verification.confirm(findings), (), complete=True)
