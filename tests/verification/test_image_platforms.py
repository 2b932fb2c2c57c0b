from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.v2_registry import V2Registry

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from pathlib import Path

    from verification.conftest import Room

OLD, NEW = {"app/main.py": "old\n"}, {"app/main.py": "new\n"}
NEED = {"require": ["image", "tasks"]}
SOURCE = {"service": "shop", "image": "shop:2", "source": {"app": "/app"}}
LINUX, WINDOWS = "linux/amd64", "windows(10.0.20348.2762)/amd64"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with the new code, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text(NEW["app/main.py"], encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("on_linux", "on_windows", "status"), [(NEW, OLD, "pass"), (OLD, NEW, "fail")], ids=["linux new", "windows new"]
)
def test_linux_tasks_run_the_child_for_linux(
    room: Room, on_linux: dict[str, str], on_windows: dict[str, str], status: str
) -> None:
    """The child of an index for the tasks' operating system is compared, not another of the same architecture."""
    room.aws.push_image("shop:2", platforms=[(WINDOWS, on_windows), (LINUX, on_linux)], at=room.ago(60))
    room.aws.create_service("shop", cluster="shop", image="shop:2", at=room.ago(50))
    seen = room.verify(services={"shop": SOURCE}, environment=NEED)
    assert seen.statuses["tasks-run-image"] == "pass"
    assert seen.statuses["image-content"] == status


def test_a_child_for_windows_is_not_run_by_linux_tasks(room: Room) -> None:
    """Linux tasks that show the index do not run its child for Windows, and the finding names the platform."""
    image = room.aws.push_image("shop:2", platforms=[(WINDOWS, NEW), (LINUX, OLD)], at=room.ago(60))
    room.aws.create_service("shop", cluster="shop", image="shop:2", at=room.ago(50))
    (child,) = {digest for platform, digest in image.children.items() if "windows" in str(platform)}
    seen = room.verify(image=child)
    assert seen.statuses["tasks-run-image"] == "fail"
    assert "platform" in seen.finding("tasks-run-image").summary


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("old", "status"), [("linux/arm64", "fail"), ("linux/s390x", "pass")])
def test_each_platform_that_tasks_run_is_compared(room: Room, old: str, status: str) -> None:
    """With tasks on two architectures, old code on one of them is found, and the finding names it."""
    platforms = [(name, OLD if name == old else NEW) for name in (LINUX, "linux/arm64")]
    room.aws.push_image("shop:2", platforms=platforms, at=room.ago(60))
    service = room.aws.create_service("shop", cluster="shop", image="shop:2", desired=2, at=room.ago(50))
    task = service.tasks[1]
    task.definition = replace(task.definition, settings=replace(task.definition.settings, architecture="ARM64"))
    seen = room.verify(services={"shop": SOURCE}, environment=NEED)
    assert seen.statuses["tasks-run-image"] == "pass"
    assert seen.statuses["image-content"] == status
    assert (old in seen.finding("image-content").summary) is (status == "fail")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("path", "status"), [("/app", "unproven"), ("/var/data", "pass")])
def test_a_mounted_volume_hides_the_image(room: Room, path: str, status: str) -> None:
    """The mount points of the task definition count: files below one are not those of the image."""
    room.aws.push_image("shop:2", NEW, at=room.ago(60))
    container = SandboxContainer(name="app", image="shop:2", mounts={path: "data"})
    room.aws.create_service("shop", cluster="shop", containers=[container], at=room.ago(50))
    seen = room.verify(services={"shop": SOURCE}, environment=NEED)
    assert seen.statuses["image-content"] == status


def test_a_plain_registry_beside_an_emulator_is_asked(room: Room) -> None:
    """A host with a port that is not a registry of the emulator is asked as any other registry."""
    with V2Registry().serving() as registry:
        digest = registry.add_image()
        reference = str(registry.reference())
        room.aws.create_service("shop", cluster="shop", image=reference, at=room.ago(50))
        seen = room.verify(image=reference)
        assert seen.statuses["image-exists"] == "pass"
        assert seen.service.facts.judged[0].expected.digest == digest
        assert registry.asked("/manifests/")
        missing = room.verify(image=str(registry.reference("gone")))
        assert missing.statuses["image-exists"] == "fail"
