"""A team and the way it verifies its deployments: how it names the image, and what it declares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from pytest_deploycheck.config.settings import EnvironmentSettings, Expectation, Options, Pattern, ServiceSettings
from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.run.checks import checks_of
from trust.truth import APPLICATION, HOME, Truth

if TYPE_CHECKING:
    from pytest_deploycheck.report.model import RunReport
    from pytest_deploycheck.run.verification import Verification
    from trust.world import World

Naming = Literal["tag", "digest", "manifest of the tasks", "manifest of another platform", "moving tag", "nothing"]
NAMINGS: tuple[Naming, ...] = get_args(Naming)
"""The ways in which a team names the image that was to be shipped."""

FORBIDDEN = "platform='linkedin'"
TELLING = frozenset({"image-exists", "image-intended", "rollout-complete", "tasks-running", "tasks-run-image"})


def expected_line(version: int) -> str:
    """Return the line that a version logs when it starts."""
    return f"running version {version}."


@dataclass(frozen=True, kw_only=True)
class _Declared:
    compares_source: bool
    expects: bool
    forbids: bool


class Team:
    """A team.

    Args:
        number: The number of its history.
        naming: How it names the image that was to be shipped.
        declared: What else it declares: `source`, an expected line, a forbidden line.
    """

    def __init__(self, number: int, naming: Naming, **declared: bool) -> None:
        self.naming = naming
        self.cluster = f"shop-{number}"
        self._declared = _Declared(**declared)

    def source(self, world: World) -> Path:
        """Return the folder of its checkout."""
        return world.folder / self.cluster

    def verify(self, world: World, truth: Truth) -> tuple[RunReport, Verification]:
        """Verify the deployment, and observe it a second time where it is verified."""
        environment = self._environment(truth)
        verification = world.verification(environment, Options(("shop",), wait=0, log_wait=2), self.source(world))
        try:
            verification.observe()
            findings = {"shop": [verification.finding("shop", check) for check in checks_of(environment, "shop")]}
            report = verification.report(findings, (), complete=True)
            if report.verdict is Verdict.VERIFIED:
                report = verification.report(verification.confirm(findings), (), complete=True)
        finally:
            verification.close()
        return report, verification

    def deselection_proves_less(self, report: RunReport, verification: Verification) -> None:
        """Take each telling check away in turn: the evidence of a required link must have been selected."""
        (service,) = report.services
        for left_out in service.findings:
            if left_out.id in TELLING or left_out.id.startswith("logs-"):
                others = [finding for finding in service.findings if finding is not left_out]
                less = verification.report({"shop": others}, (), complete=True)
                assert less.verdict is not Verdict.VERIFIED, f"VERIFIED without {left_out.id}"

    def is_done(self, truth: Truth) -> bool:
        """Return whether what was to be shipped runs, as far as this team's settings ask for it."""
        return self._is_seen(truth) and (not self._declared.compares_source or truth.runs_expected_code())

    def is_wrong(self, truth: Truth) -> bool:
        """Return whether something is wrong that can be seen."""
        return not self._is_seen(truth) or (self._declared.compares_source and truth.runs_other_code())

    def state(self, truth: Truth) -> str:
        """Return what is true, for the count of verdicts."""
        if self.is_wrong(truth):
            return "it is not done"
        hidden = self._declared.compares_source and not truth.runs_expected_code()
        ties = self.naming not in {"moving tag", "nothing"} or self._declared.compares_source
        asks_logs = self._declared.expects or self._declared.forbids
        # A line that is late may be the only one of its stream since the rollout ended.
        has_logs = all(task.has_logs and task.lines and not task.late for task in truth.tasks)
        is_knowable = ties and not hidden and (has_logs or not asks_logs)
        return "it is done" if is_knowable else "it is done, and nothing can show it"

    def story(self, truth: Truth, report: RunReport) -> str:
        """Return the world and the findings, for the message of a verdict that is not true."""
        (service,) = report.services
        findings = "\n".join(f"  {one.id} {one.status}: {one.summary}" for one in service.findings)
        tasks = [f"image {one.image.number} mount {one.mount!r} {one.lines} late {one.late}" for one in truth.tasks]
        expected = truth.expected.number if truth.expected else None
        return (
            f"{report.verdict}; expected image {expected} (version {truth.version}), named by {self.naming}; "
            f"{self._declared}; rollout {truth.ending} of {truth.begun}; desired {truth.desired}; tasks {tasks}\n"
            f"{findings}"
        )

    def _is_seen(self, truth: Truth) -> bool:
        assert truth.expected is not None
        is_there = truth.expected.is_there
        if self.naming == "tag":
            is_there = truth.tags.get(truth.expected.tags[0]) is truth.expected
        if self.naming == "moving tag":
            is_there = truth.tags.get("latest") is truth.expected
        if self.naming == "manifest of another platform":
            is_there = is_there and _other_platform(truth) == HOME
        return (
            is_there
            and truth.ending == "COMPLETED"
            and truth.runs_expected_image()
            and (not self._declared.expects or truth.logged(expected_line(truth.version)))
            and (not self._declared.forbids or not truth.logged(FORBIDDEN))
        )

    def _environment(self, truth: Truth) -> EnvironmentSettings:
        logs = []
        if self._declared.expects:
            logs.append(Expectation("expect", (Pattern(expected_line(truth.version)),)))
        if self._declared.forbids:
            logs.append(Expectation("forbid", (Pattern(FORBIDDEN),)))
        settings = ServiceSettings(
            "shop",
            "shop",
            container="app",
            image=self._image(truth),
            source={f"v{truth.version}": APPLICATION} if self._declared.compares_source else {},
            logs=tuple(logs),
        )
        return EnvironmentSettings(
            "dev",
            cluster=self.cluster,
            require=("image", "rollout", "tasks", "logs") if logs else ("image", "rollout", "tasks"),
            services={"shop": settings},
        )

    def _image(self, truth: Truth) -> str | None:
        image = truth.expected
        assert image is not None
        return {
            "tag": f"{self.cluster}:{image.tags[0]}",
            "digest": f"{self.cluster}@{image.digest}",
            "manifest of the tasks": f"{self.cluster}@{image.digest_for(HOME)}",
            "manifest of another platform": f"{self.cluster}@{image.digest_for(_other_platform(truth))}",
            "moving tag": f"{self.cluster}:latest",
            "nothing": None,
        }[self.naming]


def _other_platform(truth: Truth) -> str:
    """Return a platform of the expected image that is not that of the tasks, or theirs where it has no other."""
    assert truth.expected is not None
    return next((platform for platform in truth.expected.versions if platform != HOME), HOME)
