from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck import verify
from pytest_deploycheck.checkout.git import checkout as state_of
from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.judge.checks.image_content import judge_content
from pytest_deploycheck.judge.checks.image_layers import judge_layers
from pytest_deploycheck.report.document import to_text
from pytest_deploycheck.sandbox import Sandbox
from pytest_deploycheck.sandbox.world.ecs.task_definitions import Architecture

if TYPE_CHECKING:
    from builders.conftest import Room
    from pytest_deploycheck.handles.image_files import ImageFiles
    from pytest_deploycheck.judge.finding import Finding

OLD = {"app/main.py": "import api\n", "app/api/ws.py": "platform = request['platform']\n"}
NEW = {"app/main.py": "import api\n", "app/api/ws.py": "platforms = request['requested_platforms']\n"}
SOURCE, PLACE = "app", "/app/app"
HANDLER = "/app/app/api/ws.py"
STEP = "COPY dir:"
CACHED = "Using cache"

DOCKERFILE = (
    "FROM scratch\nCOPY base/ /usr/lib/base/\nCOPY app/ /app/app/\nLABEL org.opencontainers.image.revision={}\n"
)

FORMATS = pytest.mark.parametrize("image_format", ["oci", "docker"])


class Incident:
    """A build that took its COPY layer from the cache, as its build context still had yesterday's files."""

    def __init__(self, room: Room, image_format: str = "oci") -> None:
        self.room = room
        self.context = room.builder.folder / "build-context"
        self.image_format = image_format
        write(room.checkout, OLD)
        self.refresh()
        write(self.context, {"base/library.txt": "a library\n"})
        self.build("1")
        write(room.checkout, NEW)
        self.said = self.build("2")

    def refresh(self) -> None:
        """Bring the checkout's files into the build context."""
        shutil.copytree(self.room.checkout, self.context, dirs_exist_ok=True)

    def build(self, tag: str, *, cache: bool = True) -> str:
        """Build what is in the build context and push it; the revision in its label is always a new one."""
        dockerfile = DOCKERFILE.format(tag * 40)
        return self.room.builder.build(tag, self.context, dockerfile, image_format=self.image_format, cache=cache)


@FORMATS
def test_a_layer_from_a_real_cache_is_caught(room: Room, image_format: str) -> None:
    """A new digest with yesterday's files: the content fails, and so do the layers, which name the COPY step."""
    incident = Incident(room, image_format)
    before, shipped = room.open("1"), room.open("2")
    assert incident.said.count(CACHED) == 2
    assert shipped.image.digest != before.image.digest
    assert shipped.read_bytes(HANDLER).decode() == OLD["app/api/ws.py"]
    assert shipped.manifest.layers[-1].diff_id == before.manifest.layers[-1].diff_id is not None
    content, layers = judged(shipped, before)
    assert content.status == "fail"
    assert "1 of 2 files differs (api/ws.py)" in content.summary
    assert STEP in content.cause
    assert f"+{NEW['app/api/ws.py'].strip()}" in content.details
    assert layers.status == "fail"
    assert layers.is_proof
    assert layers.summary.startswith(STEP)
    assert "--no-cache" in layers.command


@FORMATS
def test_a_build_without_the_cache_passes(room: Room, image_format: str) -> None:
    """The remedy is one: from the room.checkout as it is and without the cache, content and layers pass."""
    incident = Incident(room, image_format)
    incident.refresh()
    assert CACHED not in incident.build("3", cache=False)
    before, mended = room.open("1"), room.open("3")
    assert mended.read_bytes(HANDLER).decode() == NEW["app/api/ws.py"]
    assert mended.manifest.layers[-1].diff_id != before.manifest.layers[-1].diff_id
    content, layers = judged(mended, before)
    assert (content.status, layers.status) == ("pass", "pass")
    assert "is new since" in layers.summary


def test_only_the_layer_with_the_source_is_downloaded(room: Room) -> None:
    """Of an image by a real builder the history is understood: a layer that was copied elsewhere stays unread."""
    Incident(room)
    shipped = room.open("2")
    room.registry.gets.clear()
    assert not shipped.compare(SOURCE, PLACE).is_held
    _, app = shipped.manifest.layers
    assert [path.rpartition("/")[2] for path in room.registry.gets] == [app.digest]


def test_a_verification_of_the_service_says_so(room: Room, world: Sandbox) -> None:
    """The whole way: ECS runs the new digest, every task is fresh, and yet the run is refuted, with the step named."""
    Incident(room)
    images = [room.uri(tag) for tag in ("1", "2")]
    now = world.now()
    service = world.create_service("shop", cluster="shop", image=images[0], at=now - timedelta(hours=1))
    baseline = room.builder.folder / "before.json"
    configure(room.checkout)
    write(room.checkout, OLD)
    report = verify("dev", wait="0", log_wait="0", images={"shop": room.open("1").image.digest})
    assert report.verdict == "VERIFIED"
    baseline.write_text(to_text(report))
    write(room.checkout, NEW)
    service.roll_out(images[1], at=now - timedelta(minutes=5))
    report = verify("dev", wait="0", log_wait="0", baseline=baseline)
    findings = {finding.id: finding for finding in report.services[0].findings}
    assert findings["tasks-run-image"].status == findings["rollout-complete"].status == "pass"
    assert findings["image-content"].status == findings["image-layers"].status == "fail"
    assert STEP in findings["image-layers"].summary
    assert report.verdict == "REFUTED"


def test_files_that_a_later_step_removed_or_replaced(room: Room) -> None:
    """An image whose upper layer takes files away shows the files that a container of it has, and no others."""
    write(
        room.checkout,
        {
            "srv/kept.txt": "kept",
            "srv/gone.txt": "gone",
            "srv/folder/gone.txt": "gone with its folder",
            "srv/again/old.txt": "gone, though its folder is there",
            "srv/becomes-a-file/old.txt": "gone, as its folder is a file",
            "srv/becomes-a-folder": "gone, as it is a folder",
        },
    )
    (room.checkout / "srv" / "link").symlink_to("kept.txt")
    room.builder.make("base", room.checkout, "FROM scratch\nCOPY srv/ /srv/\n")
    if os.geteuid() != 0:
        pytest.skip("buildah mounts for root only")
    with room.builder.mounted("base", commit="changed") as root:
        (root / "srv/gone.txt").unlink()
        for name in ("folder", "again", "becomes-a-file"):
            shutil.rmtree(root / "srv" / name)
        (root / "srv/becomes-a-folder").unlink()
        added = {"srv/again/new.txt": "new", "srv/becomes-a-file": "a file", "srv/becomes-a-folder/new.txt": "new"}
        write(root, added)
    room.builder.push("changed")
    image = room.open("changed")
    assert len(image.manifest.layers) == 2
    with room.builder.mounted("changed") as root:
        assert held(image) == tree(root)
    assert "/srv/kept.txt" in held(image)
    assert not any(image.exists(path) for path in ("/srv/gone.txt", "/srv/folder", "/srv/again/old.txt"))


def test_layers_compressed_with_zstd(room: Room) -> None:
    """An image that skopeo compressed again with zstd has other layers, with the same content and the same proofs."""
    Incident(room)
    room.builder.compress("2", "zstd", "zstd")
    before, image = room.open("1"), room.open("zstd")
    assert {layer.media_type for layer in image.manifest.layers} == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    assert not {layer.digest for layer in image.manifest.layers} & {layer.digest for layer in before.manifest.layers}
    assert held(image) == held(before)
    content, layers = judged(image, before)
    assert (content.status, layers.status) == ("fail", "fail")


@pytest.mark.parametrize(("architecture", "status"), [("X86_64", "fail"), ("ARM64", "pass")])
def test_an_index_is_opened_for_the_platform_of_the_tasks(
    room: Room, world: Sandbox, architecture: Architecture, status: str
) -> None:
    """Of an index with yesterday's files for one platform only, that platform fails and the other passes."""
    dockerfile = "FROM scratch\nCOPY app/ /app/app/\n"
    for files, platform in ((OLD, "linux/amd64"), (NEW, "linux/arm64")):
        write(room.checkout, files)
        room.builder.make("both", room.checkout, dockerfile, "--manifest", "both", "--platform", platform)
    room.builder.push_list("both")
    assert room.open("both", "amd64").read_bytes(HANDLER).decode() == OLD["app/api/ws.py"]
    assert room.open("both", "arm64").read_bytes(HANDLER).decode() == NEW["app/api/ws.py"]
    world.create_service("shop", cluster="shop", image=room.uri("both"), architecture=architecture, at=world.now())
    configure(room.checkout)
    (service,) = verify("dev", wait="0", log_wait="0").services
    assert {one.id: one.status for one in service.findings}["image-content"] == status


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def configure(checkout: Path) -> None:
    """Configure a service whose image should hold the source."""
    (checkout / "deploycheck.toml").write_text(
        '[env.dev]\ncluster = "shop"\nrequire = ["image", "rollout", "tasks"]\n'
        f'[env.dev.services.shop]\nservice = "shop"\nsource = {{ "{SOURCE}" = "{PLACE}" }}\n'
    )


def judged(files: ImageFiles, before: ImageFiles) -> tuple[Finding, Finding]:
    """Return the findings on content and layers of an image, after another image."""
    compared = [files.compare(SOURCE, PLACE)]
    previous = Previous("the image before it", before.image.digest, layers=before.manifest.layers)
    return (
        judge_content(compared, state_of(files.root), files.config),
        judge_layers(compared, previous, None, reference=files.image.reference, digests=[files.image.digest]),
    )


def held(files: ImageFiles) -> dict[str, bytes]:
    """Every file of an image, with what it holds."""
    return {path: files.read_bytes(path) for path in files.files("/")}


def tree(root: Path) -> dict[str, bytes]:
    """Every file in a folder, with what it holds, by its path from there."""
    return {f"/{path.relative_to(root).as_posix()}": path.read_bytes() for path in root.rglob("*") if path.is_file()}
