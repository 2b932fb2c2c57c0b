"""Histories of a deployment: what people and AWS do to a service, and the verdict of a verification after each step."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pytest_deploycheck.judge.verdict import Verdict
from pytest_deploycheck.sandbox import SandboxContainer
from trust.team import FORBIDDEN, NAMINGS, Naming, Team, expected_line
from trust.truth import APPLICATION, HOME, PLATFORMS, Brought, TrueImage, TrueTask, Truth

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import SandboxService, SandboxTask
    from trust.world import World

OF_EACH_STATE = Counter[str]()
"""How often each verdict was given where it was true that the deployment is done, and where it was not."""

REFERENCES = ("same", "newest tag", "latest", "digest", "tag and digest", "earlier digest")
ENDINGS = ("COMPLETED", "COMPLETED", "COMPLETED", "IN_PROGRESS", "FAILED", "ROLLED_BACK")
MOUNTS = ("", "", "", "/data", APPLICATION)
"""The ways in which rollouts name their image and end, and the paths at which they mount a volume."""

_numbers = itertools.count(1)


class Deployments(RuleBasedStateMachine):
    """Pushes, rollouts and accidents; after each of them the verdict must be true."""

    world: World
    service: SandboxService
    team: Team

    def __init__(self) -> None:
        super().__init__()
        self.number = next(_numbers)
        self.aws = self.world.aws
        self.truth = Truth()
        self.time: datetime = self.aws.now() - timedelta(hours=10)
        self.tasks: dict[str, TrueTask] = {}
        self.have_logs, self.are_late = True, False
        self.repository = f"shop-{self.number}"
        self.has_service = False

    @initialize(
        naming=st.sampled_from(NAMINGS),
        compares_source=st.booleans(),
        expects=st.booleans(),
        forbids=st.booleans(),
        sidecar=st.booleans(),
        keeps_records=st.booleans(),
        resolves_once=st.sampled_from([True, True, False]),
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
        resolves_once: bool,
        desired: int,
    ) -> None:
        """Run a first version, and decide how this team verifies its deployments."""
        self.team = Team(self.number, naming, compares_source=compares_source, expects=expects, forbids=forbids)
        self.has_sidecar, self.resolves_once = sidecar, resolves_once
        self.aws.service_deployments = keeps_records
        self.truth.desired = desired
        if sidecar:
            self.aws.push_image(f"sidecar-{self.number}:1", {"bin/proxy": "1"}, at=self.time)
        image = self._push(dict.fromkeys(PLATFORMS[0], 1), with_latest=True)
        brought = Brought(image, "latest", "", resolves_once)
        self.service = self.aws.create_service(
            "shop",
            cluster=self.team.cluster,
            family=self.team.cluster,
            containers=self._containers(brought),
            volumes={"data": {"efsVolumeConfiguration": {"fileSystemId": "fs-1"}}},
            desired=desired,
            at=self._later(),
        )
        self.has_service = True
        self.truth.done = self.truth.begun = brought
        self._see_tasks(brought)

    def teardown(self) -> None:
        """Forget the service: the sandbox goes through all that it has, and later histories need none of it."""
        self.aws._world._services.clear()
        self.aws.calls.clear()

    @rule(
        platforms=st.sampled_from(PLATFORMS),
        stale=st.sampled_from(["none", "none", "all", "that of the tasks", "the others"]),
        with_latest=st.booleans(),
    )
    def push(self, *, platforms: tuple[str, ...], stale: str, with_latest: bool) -> None:
        """Build and push the next version; a stale build holds the files of the one before, for some platforms."""
        new = self.truth.version + 1
        is_stale = {"none": (), "all": platforms, "that of the tasks": (HOME,)}
        old = is_stale.get(stale, tuple(one for one in platforms if one != HOME))
        self._push({one: new - (one in old) for one in platforms}, with_latest=with_latest)

    @precondition(lambda self: any(image.is_there for image in self.truth.images))
    @rule(data=st.data())
    def retag(self, data: st.DataObject) -> None:
        """Move `latest` to an image that is there."""
        image = data.draw(st.sampled_from([image for image in self.truth.images if image.is_there]))
        self.aws.tag_image(f"{self.repository}@{image.digest}", "latest")
        self.truth.tags["latest"] = image

    @precondition(lambda self: any(image.is_there for image in self.truth.images))
    @rule(data=st.data())
    def delete_image(self, data: st.DataObject) -> None:
        """Let a lifecycle policy delete an image; tasks that run it go on."""
        image = data.draw(st.sampled_from([image for image in self.truth.images if image.is_there]))
        self.aws.delete_image(f"{self.repository}@{image.digest}")
        image.is_there = False
        self.truth.tags = {tag: one for tag, one in self.truth.tags.items() if one is not image}

    @precondition(lambda self: self.truth.ending != "IN_PROGRESS" and self.truth.desired > 0)
    @rule(
        what=st.sampled_from(REFERENCES),
        ending=st.sampled_from(ENDINGS),
        mount=st.sampled_from(MOUNTS),
        data=st.data(),
    )
    def start_rollout(self, what: str, ending: str, mount: str, data: st.DataObject) -> None:
        """Start a rollout, by the reference that the definition has or by another, and let it end in some way."""
        assert self.truth.begun is not None
        reference = self._reference(what, data)
        image = self.truth.named_by(reference)
        if ending == "ROLLED_BACK" and not self._image_for(self.truth.done):
            # The tasks of the rollback could not start.
            ending = "FAILED"
        if image is not None:
            self._roll_out(Brought(image, reference, mount, self.resolves_once), ending)

    def _reference(self, what: str, data: st.DataObject) -> str:
        newest = self.truth.images[-1]
        if what == "same":
            assert self.truth.done is not None
            return self.truth.done.reference
        if what == "earlier digest":
            return f"@{data.draw(st.sampled_from(self.truth.images)).digest}"
        named = {"newest tag": newest.tags[0], "latest": "latest", "digest": f"@{newest.digest}"}
        return named.get(what, f"{newest.tags[0]}@{newest.digest}")

    def _roll_out(self, brought: Brought, ending: str) -> None:
        truth, containers = self.truth, self._containers(brought)
        truth.begun = brought
        if ending == "COMPLETED":
            self.service.roll_out(containers=containers, at=self._later())
            truth.done, truth.ending = brought, "COMPLETED"
        elif ending == "IN_PROGRESS":
            self.service.roll_out(containers=containers, at=self._later(), status="IN_PROGRESS", new_running=1)
            truth.ending = "IN_PROGRESS"
        elif ending == "FAILED":
            self.service.roll_out(containers=containers, at=self._later(), status="FAILED")
            truth.ending = "FAILED"
        else:
            self.service.roll_out(containers=containers, at=self._later(), status="IN_PROGRESS", new_running=1)
            self.service.roll_back(at=self._later())
            truth.ending = "ROLLED_BACK"
            assert truth.done is not None
            brought = truth.done
        self._see_tasks(brought)

    @precondition(lambda self: self.truth.ending == "IN_PROGRESS" and self._image_for(self.truth.begun))
    @rule()
    def complete(self) -> None:
        """Let the rollout in progress complete."""
        self.service.rollout.complete(at=self._later())
        self.truth.done, self.truth.ending = self.truth.begun, "COMPLETED"
        self._see_tasks(self.truth.done)

    @precondition(lambda self: self.truth.ending == "COMPLETED" and self._image_for(self.truth.done))
    @rule(desired=st.integers(0, 3))
    def scale(self, desired: int) -> None:
        """Change how many tasks are wanted; unless it opted out, new ones run what the rollout brought."""
        self.service.scale(desired, at=self._later())
        self.truth.desired = desired
        self._see_tasks(self.truth.done)

    @precondition(
        lambda self: self.truth.ending == "COMPLETED" and self._image_for(self.truth.done) and self._running()
    )
    @rule(data=st.data(), is_replaced=st.booleans())
    def crash(self, data: st.DataObject, *, is_replaced: bool) -> None:
        """Let a task die; ECS puts another in its place, at once or later."""
        task = data.draw(st.sampled_from(self._running()))
        if is_replaced:
            self.service.replace_task(task, at=self._later())
        else:
            task.stop(code="EssentialContainerExited", exit_code=1, at=self._later())
        self._see_tasks(self.truth.done)

    @rule(have_logs=st.booleans(), are_late=st.booleans())
    def change_logs(self, *, have_logs: bool, are_late: bool) -> None:
        """Let tasks that start from now on log nothing, or lines that arrive late, or log again."""
        self.have_logs, self.are_late = have_logs, are_late

    @precondition(lambda self: any(task.late for task in self.tasks.values()))
    @rule()
    def let_lines_arrive(self) -> None:
        """Let the lines that are late arrive, with the times at which they were logged."""
        for task in self._running():
            true = self.tasks[task.id]
            for line in true.late:
                # Every line is logged some time after the one before it, and arrives now.
                task.log(line, at=self._later(seconds=1), arrives_in=1e-6)
            true.lines += true.late
            true.late.clear()

    @rule(logs_line=st.booleans())
    def run_by_hand(self, *, logs_line: bool) -> None:
        """Run a standalone task of the newest image, such as a migration: it is not a task of the service."""
        image = self.truth.images[-1]
        if image.is_there:
            reference = f"{self.repository}@{image.digest}"
            task = self.aws.run_task(self.team.cluster, cluster=self.team.cluster, image=reference, at=self._later())
            task.log(expected_line(self.truth.version) if logs_line else FORBIDDEN, at=self._later())

    @precondition(lambda self: self._running())
    @rule(data=st.data(), line=st.sampled_from(["other", FORBIDDEN]))
    def log(self, data: st.DataObject, line: str) -> None:
        """Let one of the tasks log a line; within its stream it arrives after those that are late."""
        task = data.draw(st.sampled_from(self._running()))
        true = self.tasks[task.id]
        true.has_logs = True
        self._log(task, true, line, 300)

    @invariant()
    def the_verdict_is_true(self) -> None:
        """Verify the deployment: VERIFIED must be true, and what is true should be VERIFIED."""
        if not self.has_service:
            return
        report, verification = self.team.verify(self.world, self.truth)
        is_done = self.team.is_done(self.truth)
        state = self.team.state(self.truth)
        OF_EACH_STATE[f"{report.verdict} where {state}"] += 1
        if report.verdict is Verdict.VERIFIED:
            assert is_done, self.team.story(self.truth, report)
            self.team.deselection_proves_less(report, verification)
        elif report.verdict is Verdict.REFUTED:
            assert self.team.is_wrong(self.truth), self.team.story(self.truth, report)

    def _push(self, versions: dict[str, int], *, with_latest: bool) -> TrueImage:
        truth = self.truth
        truth.version += 1
        tags = (f"2025.11.{truth.version}-{self.number}", *(["latest"] if with_latest else []))
        image = TrueImage(len(truth.images) + 1, versions, tags)
        at = self._later()
        pushed = self.aws.push_image(
            f"{self.repository}:{tags[0]}",
            tags=tags[1:],
            platforms={platform: {_path(platform): _code(version)} for platform, version in versions.items()},
            at=at,
            created=at,
        )
        image.digest, image.children = pushed.digest, pushed.children
        truth.images.append(image)
        truth.tags.update(dict.fromkeys(tags, image))
        truth.expected = image
        source = self.team.source(self.world) / f"v{truth.version}"
        source.mkdir(parents=True, exist_ok=True)
        (source / "main.py").write_text(_code(truth.version), encoding="utf-8")
        return image

    def _containers(self, brought: Brought) -> list[SandboxContainer]:
        named = brought.reference
        image = f"{self.repository}{named if named.startswith('@') else f':{named}'}"
        mounts = {brought.mount: "data"} if brought.mount else {}
        sidecar = [SandboxContainer(name="proxy", image=f"sidecar-{self.number}:1")] if self.has_sidecar else []
        return [
            SandboxContainer(name="app", image=image, mounts=mounts, resolve_once=brought.resolves_once),
            *sidecar,
        ]

    def _image_for(self, brought: Brought | None) -> TrueImage | None:
        """Return the image that ECS gives to new tasks, where it can be pulled."""
        return self.truth.image_of_new_tasks(brought) if brought else None

    def _running(self) -> list[SandboxTask]:
        if not self.has_service:
            return []
        return [task for task in self.service.running_tasks if task.id in self.tasks]

    def _see_tasks(self, brought: Brought | None) -> None:
        """Take note of which tasks run now; those that are new belong to a rollout, and log which version they run."""
        running = self.service.running_tasks
        for task in running:
            if task.id not in self.tasks:
                image = self._image_for(brought)
                assert brought is not None
                assert image is not None
                true = self.tasks[task.id] = TrueTask(image, has_logs=self.have_logs, mount=brought.mount)
                if self.have_logs:
                    for line in (expected_line(image.versions[HOME]), "ready"):
                        self._log(task, true, line, 30)
        self.truth.tasks = [self.tasks[task.id] for task in running]

    def _log(self, task: SandboxTask, true: TrueTask, line: str, seconds: float) -> None:
        if self.are_late or true.late:
            true.late.append(line)
        else:
            task.log(line, at=self._later(seconds=seconds))
            true.lines.append(line)

    def _later(self, *, seconds: float = 300) -> datetime:
        """Return the time of what happens next: each thing happens some minutes after the one before."""
        self.time += timedelta(seconds=seconds)
        return self.time


def _path(platform: str) -> str:
    return f"Files{APPLICATION}/main.py" if platform.startswith("windows") else f"{APPLICATION[1:]}/main.py"


def _code(version: int) -> str:
    return f"print({version!r})\n"
