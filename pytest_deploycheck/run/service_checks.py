"""The checks of a service that are judged by its facts: all but those of the declared log expectations."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.checkout.dockerfile import copied_folders
from pytest_deploycheck.checkout.git import CI_VARIABLES
from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.facts.log import LogEvent
from pytest_deploycheck.facts.snapshot import Observation, ServiceFacts
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.checks.alarms import judge_alarms
from pytest_deploycheck.judge.checks.containers import judge_containers
from pytest_deploycheck.judge.checks.error_rate import judge_error_rate
from pytest_deploycheck.judge.checks.image import judge_exists, judge_pushed, judge_repository, judge_tag
from pytest_deploycheck.judge.checks.image_intent import KnownRelease, judge_intended
from pytest_deploycheck.judge.checks.rollout import judge_complete
from pytest_deploycheck.judge.checks.targets import judge_targets
from pytest_deploycheck.judge.checks.tasks import judge_run_image, judge_running
from pytest_deploycheck.judge.finding import Finding, Status, TaskLines
from pytest_deploycheck.run.image_checks import ImageChecks


class ServiceChecks(Struct):
    """Carries out the checks of services by their facts.

    Attributes:
        environment: The environment.
        options: What was asked of this run.
        root: The project's root.
        images: The checks that open images.
        observation: Returns what was observed.
        last_lines: Returns the last log lines of a task, by the service and the id of the task.
        recorded_release: The release of the run that is replayed; None for a run of its own.
    """

    environment: EnvironmentSettings
    options: Options
    root: Path
    images: ImageChecks
    observation: Callable[[], Observation]
    last_lines: Callable[[str, str], Sequence[LogEvent]]
    recorded_release: KnownRelease | None = None
    _contents: dict[tuple[str | None, ...], Finding] = field(default_factory=dict)

    def judge(self, analysis: ServiceAnalysis, check: str) -> Finding | None:
        """Return the finding of a check, or None where there is no check of this id among them."""
        judge = self._judges(analysis).get(check)
        return judge() if judge else None

    def _judges(self, analysis: ServiceAnalysis) -> Mapping[str, Callable[[], Finding]]:
        """Return the functions that carry out the checks, by check id."""
        facts = analysis.facts
        settings = self.environment.services[facts.name]
        return {
            "image-exists": lambda: judge_exists(analysis),
            "image-intended": lambda: judge_intended(
                analysis,
                self.release(),
                judge_pushed(analysis, self._pushed_after(facts)),
                lambda: self._content(facts),
            ),
            "image-tag": lambda: judge_tag(analysis, strict_tags=self.environment.strict_tags),
            "image-repository": lambda: judge_repository(analysis),
            "image-pushed": lambda: judge_pushed(analysis, self._pushed_after(facts)),
            "image-content": lambda: self._content(facts),
            "image-layers": lambda: self.images.judge_layers(facts),
            "rollout-complete": lambda: self._rollout(analysis),
            "tasks-running": lambda: judge_running(analysis),
            "tasks-run-image": lambda: judge_run_image(analysis),
            "targets-healthy": lambda: judge_targets(analysis),
            "containers-healthy": lambda: judge_containers(analysis),
            "alarms-ok": lambda: judge_alarms(analysis, settings.alarms),
            "error-rate": lambda: judge_error_rate(analysis, settings.error_rate),
        }

    def release(self) -> KnownRelease:
        """Return the facts of the release from outside the cluster."""
        return self.recorded_release or KnownRelease(
            environment=self.environment.name,
            region=self.observation().identity.region,
            intent=self.environment.intent,
            commit=self.options.commit,
            ci_variable=next((name for name in CI_VARIABLES if os.environ.get(name)), ""),
            copied=copied_folders(self.root),
            command=self.options.command,
        )

    def _content(self, facts: ServiceFacts) -> Finding:
        """Return the finding of `image-content`, which two checks need and which opens layers."""
        key = (facts.name, *(one.expected.digest for one in facts.judged))
        if key not in self._contents:
            self._contents[key] = self.images.judge_content(facts)
        return self._contents[key]

    def _pushed_after(self, facts: ServiceFacts) -> datetime | None:
        after = self.options.pushed_after or self.environment.services[facts.name].pushed_after
        return after.resolve(self.observation().began_at) if after else None

    def _rollout(self, analysis: ServiceAnalysis) -> Finding:
        """`rollout-complete`, with the last log lines of a task that did not stay up."""
        finding = judge_complete(analysis, waited=self.observation().waited, verify=self.options.command)
        failed = [task for task in analysis.failed_tasks if task.started_at]
        if finding.status is not Status.FAIL or not failed:
            return finding
        lines = self.last_lines(analysis.facts.name, failed[0].id)
        return replace(finding, last_lines=(TaskLines(failed[0].id, tuple(lines)),))
