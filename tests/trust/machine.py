"""Histories of a deployment: what people and AWS do to a service, and what a verification says after each step."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.log_fakes import FakeClock

from pytest_deploycheck.config.settings import (
    EnvironmentSettings,
    Expectation,
    Options,
    Pattern,
    ServiceSettings,
)
from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.run.checks import checks_of
from pytest_deploycheck.run.verification import Verification
from pytest_deploycheck.sandbox import Sandbox, SandboxContainer
from trust.truth import PLATFORMS, TrueImage, TrueTask, Truth

if TYPE_CHECKING:
    from pytest_deploycheck.report.model import RunReport
    from pytest_deploycheck.sandbox import SandboxService, SandboxTask

Naming = Literal["tag", "digest", "moving tag", "nothing"]

FORBIDDEN = "platform='linkedin'"
OF_EACH_STATE = Counter[str]()
"""How often each verdict was given where it was true that the deployment is done, and where it was not."""

_numbers = itertools.count(1)


class World:
    """A sandbox that many histories share, each in a cluster of its own."""

    def __init__(self, aws: Sandbox, folder: Path) -> None:
        self.aws = aws
        self.folder = folder


class Deployments(RuleBasedStateMachine):
    """Pushes, rollouts and accidents; after each of them the verdict must be true."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.number = next(_numbers)
        self.aws = self.world.aws
        self.truth = Truth()
        self.time: datetime = self.aws.now() - timedelta(hours=10)
        self.handles: dict[str, TrueTask] = {}
        self.are_silent = False
        self.repository = f"shop-{self.number}"
        self.is_named: Naming = "tag"
        self.service: SandboxService
        self.has_sidecar = False

    @initialize(
        naming=st.sampled_from(["tag", "digest", "moving tag", "nothing"]),
        compares_source=st.booleans(),
        expects=st.booleans(),
        forbids=st.booleans(),
        sidecar=st.booleans(),
        keeps_records=st.booleans(),
        desired=st.integers(1, 3),
    )
    def begin(
        self,
        *,
        naming: Naming,
        compares_source: bool,
        expects: bool,
        forbids: bool,
        sidecar: bool,
        keeps_records: bool,
        desired: int,
    ) -> None:
        """Run a first version, and decide how this team verifies its deployments."""
        self.is_named, self.compares_source = naming, compares_source
        self.expects, self.forbids, self.has_sidecar = expects, forbids, sidecar
        self.aws.service_deployments = keeps_records
        self.truth.desired = desired
        if sidecar:
            self.aws.push_image(f"sidecar-{self.number}:1", {"bin/proxy": "1"}, at=self.time)
        self._push(1, 1, PLATFORMS[:1], with_latest=True)
        self.truth.reference = "latest"
        self.service = self.aws.create_service(
            "shop",
            cluster=f"shop-{self.number}",
            containers=self._containers("latest"),
            desired=desired,
            at=self._later(),
        )
        self.truth.rollout_image = self.truth.tags["latest"]
        self._see_tasks(self.truth.rollout_image)

    @rule(is_stale=st.booleans(), with_latest=st.booleans(), platforms=st.sampled_from([PLATFORMS[:1], PLATFORMS]))
    def push(self, *, is_stale: bool, with_latest: bool, platforms: tuple[str, ...]) -> None:
        """Build and push the next version; a stale build holds the files of the one before."""
        held = self.truth.version if is_stale else self.truth.version + 1
        self._push(self.truth.version + 1, held, platforms, with_latest=with_latest)

    @precondition(lambda self: any(image.is_there for image in self.truth.images))
    @rule(data=st.data())
    def retag(self, data: st.DataObject) -> None:
        """Move `latest` to an image that is there."""
        images = [image for image in self.truth.images if image.is_there]
        image = data.draw(st.sampled_from(images))
        self.aws.tag_image(f"{self.repository}@{image.digest}", "latest")
        self.truth.tags["latest"] = image

    @precondition(lambda self: any(image.is_there for image in self.truth.images))
    @rule(data=st.data())
    def delete_image(self, data: st.DataObject) -> None:
        """Let a lifecycle policy delete an image; tasks that run it go on."""
        images = [image for image in self.truth.images if image.is_there]
        image = data.draw(st.sampled_from(images))
        self.aws.delete_image(f"{self.repository}@{image.digest}")
        image.is_there = False
        self.truth.tags = {tag: one for tag, one in self.truth.tags.items() if one is not image}

    @rule(
        what=st.sampled_from(["same", "newest tag", "latest", "digest"]),
        ending=st.sampled_from(["COMPLETED", "COMPLETED", "COMPLETED", "IN_PROGRESS", "FAILED", "ROLLED_BACK"]),
    )
    def start_rollout(self, what: str, ending: str) -> None:
        """Start a rollout, by the reference that the definition has or by another, and let it end in some way."""
        newest = self.truth.images[-1]
        reference = {"same": self.truth.reference, "newest tag": newest.tags[0], "latest": "latest"}.get(
            what, f"@{newest.digest}"
        )
        image = self._named_by(reference)
        if image is None or self.truth.ending == "IN_PROGRESS" or self.truth.desired == 0:
            return
        self._roll_out(reference, image, ending)

    def _roll_out(self, reference: str, image: TrueImage, ending: str) -> None:
        containers = self._containers(reference)
        if ending == "COMPLETED":
            self.service.roll_out(containers=containers, at=self._later())
            self.truth.tasks.clear()
            self.truth.rollout_image, self.truth.reference, self.truth.ending = image, reference, "COMPLETED"
            self._see_tasks(image)
        elif ending == "IN_PROGRESS":
            self.service.roll_out(containers=containers, at=self._later(), status="IN_PROGRESS", new_running=1)
            self.truth.reference, self.truth.ending = reference, "IN_PROGRESS"
            self._see_tasks(image)
        elif ending == "FAILED":
            self.service.roll_out(containers=containers, at=self._later(), status="FAILED")
            self.truth.reference, self.truth.ending = reference, "FAILED"
            self._see_tasks(image)
        else:
            self.service.roll_out(containers=containers, at=self._later(), status="IN_PROGRESS", new_running=1)
            self.service.roll_back(at=self._later())
            self.truth.ending = "ROLLED_BACK"
            assert self.truth.rollout_image is not None
            self._see_tasks(self.truth.rollout_image)

    @precondition(lambda self: self.truth.ending == "IN_PROGRESS")
    @rule()
    def complete(self) -> None:
        """Let the rollout in progress complete."""
        image = self._running_image_of_rollout()
        self.service.rollout.complete(at=self._later())
        self.truth.rollout_image, self.truth.ending = image, "COMPLETED"
        self._see_tasks(image)

    @precondition(lambda self: self.truth.ending == "COMPLETED" and self._can_start())
    @rule(desired=st.integers(0, 3))
    def scale(self, desired: int) -> None:
        """Change how many tasks are wanted; new ones run what the rollout brought, whatever its tag names now."""
        self.service.scale(desired, at=self._later())
        self.truth.desired = desired
        assert self.truth.rollout_image is not None
        self._see_tasks(self.truth.rollout_image)

    @precondition(lambda self: self.truth.ending == "COMPLETED" and self._can_start() and self._running())
    @rule(data=st.data(), is_replaced=st.booleans())
    def crash(self, data: st.DataObject, *, is_replaced: bool) -> None:
        """Let a task die; ECS puts another in its place, at once or later."""
        task = data.draw(st.sampled_from(self._running()))
        if is_replaced:
            self.service.replace_task(task, at=self._later())
        else:
            task.stop(code="EssentialContainerExited", exit_code=1, at=self._later())
        assert self.truth.rollout_image is not None
        self._see_tasks(self.truth.rollout_image)

    @rule(are_silent=st.booleans())
    def lose_logs(self, *, are_silent: bool) -> None:
        """Let tasks that start from now on log nothing, or log again."""
        self.are_silent = are_silent

    @rule()
    def run_by_hand(self) -> None:
        """Run a standalone task of the newest image, such as a migration: it is not a task of the service."""
        image = self.truth.images[-1]
        if image.is_there:
            self.aws.run_task(
                "shop", cluster=f"shop-{self.number}", image=f"{self.repository}@{image.digest}", at=self._later()
            )

    @precondition(lambda self: self._running())
    @rule(data=st.data(), line=st.sampled_from(["other", FORBIDDEN]))
    def log(self, data: st.DataObject, line: str) -> None:
        """Let one of the tasks log a line."""
        task = data.draw(st.sampled_from(self._running()))
        task.log(line, at=self._later())
        self.handles[task.id].lines.append(line)
        self.handles[task.id].speaks = True

    @invariant()
    def the_verdict_is_true(self) -> None:
        """Verify the deployment: VERIFIED must be true, and what is true should be VERIFIED."""
        if not hasattr(self, "service"):
            return
        report, verification = self._verify()
        is_done = self._is_done()
        verdict = str(report.verdict)
        OF_EACH_STATE[f"{verdict} where {self._state(is_done=is_done)}"] += 1
        if report.verdict is Verdict.VERIFIED:
            assert is_done, self._story(report)
            self._deselection_proves_less(report, verification)
        elif report.verdict is Verdict.REFUTED:
            assert not is_done, self._story(report)

    def _deselection_proves_less(self, report: RunReport, verification: Verification) -> None:
        """Take each telling check away in turn: the evidence of a required link must have been selected."""
        (service,) = report.services
        telling = {"image-exists", "image-intended", "rollout-complete", "tasks-running", "tasks-run-image"}
        for left_out in service.findings:
            if left_out.id in telling or left_out.id.startswith("logs-"):
                others = [finding for finding in service.findings if finding is not left_out]
                less = verification.report({"shop": others}, (), complete=True)
                assert less.verdict is not Verdict.VERIFIED, f"VERIFIED without {left_out.id}"

    def _verify(self) -> tuple[RunReport, Verification]:
        truth = self.truth
        assert truth.expected is not None
        names = {
            "tag": f"{self.repository}:{truth.expected.tags[0]}",
            "digest": f"{self.repository}@{truth.expected.digest}",
            "moving tag": f"{self.repository}:latest",
            "nothing": None,
        }
        logs = []
        if self.expects:
            logs.append(Expectation("expect", (Pattern(f"running version {truth.version}."),)))
        if self.forbids:
            logs.append(Expectation("forbid", (Pattern(FORBIDDEN),)))
        settings = ServiceSettings(
            "shop",
            "shop",
            container="app",
            image=names[self.is_named],
            source={f"v{truth.version}": "/app"} if self.compares_source else {},
            logs=tuple(logs),
        )
        environment = EnvironmentSettings(
            "dev",
            cluster=f"shop-{self.number}",
            require=("image", "rollout", "tasks", "logs") if logs else ("image", "rollout", "tasks"),
            services={"shop": settings},
        )
        options = Options(("shop",), wait=0, log_wait=2)
        verification = Verification(environment, options, clock=FakeClock(), source=self._source())
        try:
            verification.observe()
            findings = {"shop": [verification.finding("shop", check) for check in checks_of(environment, "shop")]}
            report = verification.report(findings, (), complete=True)
            if report.verdict is Verdict.VERIFIED:
                report = verification.report(verification.confirm(findings), (), complete=True)
        finally:
            verification.close()
        return report, verification

    def _is_done(self) -> bool:
        """Return whether what was to be shipped runs, as far as this team's settings ask for it."""
        truth = self.truth
        assert truth.expected is not None
        is_there = truth.expected.is_there
        if self.is_named == "tag":
            is_there = truth.tags.get(truth.expected.tags[0]) is truth.expected
        if self.is_named == "moving tag":
            is_there = truth.tags.get("latest") is truth.expected
        return (
            is_there
            and truth.ending == "COMPLETED"
            and truth.runs_expected_image()
            and (not self.compares_source or truth.runs_expected_code())
            and (not self.expects or truth.logged(f"running version {truth.version}."))
            and (not self.forbids or not truth.logged(FORBIDDEN))
        )

    def _state(self, *, is_done: bool) -> str:
        if not is_done:
            return "it is not done"
        ties = self.is_named in {"tag", "digest"} or self.compares_source
        silent = (self.expects or self.forbids) and not all(task.speaks for task in self.truth.tasks)
        return "it is done" if ties and not silent else "it is done, and nothing can show it"

    def _story(self, report: RunReport) -> str:
        truth = self.truth
        (service,) = report.services
        findings = "\n".join(f"  {one.id} {one.status}: {one.summary}" for one in service.findings)
        tasks = [f"image {task.image.number} {task.lines}" for task in truth.tasks]
        expected = truth.expected.number if truth.expected else None
        return (
            f"{report.verdict}; expected image {expected} (version {truth.version}), named by {self.is_named}; "
            f"rollout {truth.ending} of {truth.reference}; desired {truth.desired}; tasks {tasks}\n{findings}"
        )

    def _push(self, version: int, held: int, platforms: tuple[str, ...], *, with_latest: bool) -> None:
        tags = (f"2025.11.{version}-{self.number}", *(["latest"] if with_latest else []))
        image = TrueImage(len(self.truth.images) + 1, dict.fromkeys(platforms, held), tags)
        at = self._later()
        pushed = self.aws.push_image(
            f"{self.repository}:{tags[0]}",
            {"app/main.py": self._code(held)},
            tags=tags[1:],
            platforms=platforms,
            at=at,
            created=at,
        )
        image.digest = pushed.digest
        self.truth.images.append(image)
        self.truth.tags.update(dict.fromkeys(tags, image))
        self.truth.expected, self.truth.version = image, version
        source = self._source() / f"v{version}"
        source.mkdir(parents=True, exist_ok=True)
        (source / "main.py").write_text(self._code(version), encoding="utf-8")

    def _code(self, version: int) -> str:
        return f"print({version!r})\n"

    def _source(self) -> Path:
        return self.world.folder / str(self.number)

    def _containers(self, reference: str) -> list[SandboxContainer]:
        image = f"{self.repository}{reference if reference.startswith('@') else f':{reference}'}"
        sidecar = [SandboxContainer(name="proxy", image=f"sidecar-{self.number}:1")] if self.has_sidecar else []
        return [SandboxContainer(name="app", image=image), *sidecar]

    def _named_by(self, reference: str) -> TrueImage | None:
        if reference.startswith("@"):
            digest = reference.removeprefix("@")
            return next((one for one in self.truth.images if one.digest == digest and one.is_there), None)
        return self.truth.tags.get(reference)

    def _running_image_of_rollout(self) -> TrueImage:
        return self._begun

    def _can_start(self) -> bool:
        """Return whether the image that ECS gives to new tasks can be pulled."""
        return self.truth.rollout_image is not None and self.truth.rollout_image.is_there

    def _running(self) -> list[SandboxTask]:
        if not hasattr(self, "service"):
            return []
        return [task for task in self.service.running_tasks if task.id in self.handles]

    def _see_tasks(self, image: TrueImage) -> None:
        """Take note of which tasks run now: those that are new run `image`, and log which version that is."""
        self._begun = image
        running = self.service.running_tasks
        for task in running:
            if task.id not in self.handles:
                line = f"running version {image.versions[PLATFORMS[0]]}."
                self.handles[task.id] = TrueTask(image, [] if self.are_silent else [line], not self.are_silent)
                if not self.are_silent:
                    task.log(line, at=self._later(seconds=30))
                    task.log("ready", at=self._later(seconds=30))
        self.truth.tasks = [self.handles[task.id] for task in running]

    def _later(self, *, seconds: float = 300) -> datetime:
        """Return the time of what happens next: each thing happens some minutes after the one before."""
        self.time += timedelta(seconds=seconds)
        return self.time
