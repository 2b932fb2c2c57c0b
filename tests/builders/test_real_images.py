from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
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
    from builders.conftest import Bench, Room
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

    def __init__(self, bench: Bench, image_format: str) -> None:
        self.bench = bench
        self.context = bench.builder.folder / "build-context"
        self.image_format = image_format
        write(bench.checkout, OLD)
        self.refresh()
        write(self.context, {"base/library.txt": "a library\n"})
        self.build("1")
        write(bench.checkout, NEW)
        self.said = self.build("2")

    def refresh(self) -> None:
        """Bring the checkout's files into the build context."""
        shutil.copytree(self.bench.checkout, self.context, dirs_exist_ok=True)

    def build(self, tag: str, *, cache: bool = True) -> str:
        """Build what is in the build context and push it; the revision in its label is always a new one."""
        dockerfile = DOCKERFILE.format(tag * 40)
        return self.bench.builder.build(tag, self.context, dockerfile, image_format=self.image_format, cache=cache)


@pytest.fixture(scope="module")
def incidents(benches: Callable[[str], Bench]) -> Callable[[str], Incident]:
    """Return the incident with images of a format: it happens once, and tests add to it what no other looks at."""
    return cache(lambda image_format: Incident(benches(image_format), image_format))


@pytest.fixture
def image_format() -> str:
    """Return the format of the images, where a test does not look at both."""
    return "oci"


@pytest.fixture
def incident(incidents: Callable[[str], Incident], image_format: str) -> Incident:
    """Return the incident, with the new files in the checkout."""
    return incidents(image_format)


@pytest.fixture
def scene(incident: Incident, enter: Callable[[Bench], Room]) -> Room:
    """Return the room of the incident."""
    return enter(incident.bench)


@FORMATS
def test_a_layer_from_a_real_cache_is_caught(incident: Incident, scene: Room) -> None:
    """A new digest with yesterday's files: the content fails, and so do the layers, which name the COPY step."""
    before, shipped = scene.open("1"), scene.open("2")
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
def test_a_build_without_the_cache_passes(incident: Incident, scene: Room) -> None:
    """The remedy is one: from the checkout as it is and without the cache, content and layers pass."""
    incident.refresh()
    assert CACHED not in incident.build("3", cache=False)
    before, mended = scene.open("1"), scene.open("3")
    assert mended.read_bytes(HANDLER).decode() == NEW["app/api/ws.py"]
    assert mended.manifest.layers[-1].diff_id != before.manifest.layers[-1].diff_id
    content, layers = judged(mended, before)
    assert (content.status, layers.status) == ("pass", "pass")
    assert "is new since" in layers.summary


def test_only_the_layer_with_the_source_is_downloaded(scene: Room) -> None:
    """Of an image by a real builder the history is understood: a layer that was copied elsewhere stays unread."""
    shipped = scene.open("2")
    scene.registry.gets.clear()
    assert not shipped.compare(SOURCE, PLACE).is_held
    _, app = shipped.manifest.layers
    assert [path.rpartition("/")[2] for path in scene.registry.gets] == [app.digest]


def test_a_verification_of_the_service_says_so(scene: Room, world: Sandbox) -> None:
    """The whole way: ECS runs the new digest, every task is fresh, and yet the run is refuted, with the step named."""
    images = [scene.uri(tag) for tag in ("1", "2")]
    now = world.now()
    service = world.create_service("shop", cluster="shop", image=images[0], at=now - timedelta(hours=1))
    baseline = scene.builder.folder / "before.json"
    configure(scene.checkout)
    write(scene.checkout, OLD)
    try:
        report = verify("dev", wait="0", log_wait="0", images={"shop": scene.open("1").image.digest})
    finally:
        write(scene.checkout, NEW)
    assert report.verdict == "VERIFIED"
    baseline.write_text(to_text(report))
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


def test_layers_compressed_with_zstd(scene: Room) -> None:
    """An image that skopeo compressed again with zstd has other layers, with the same content and the same proofs."""
    scene.builder.compress("2", "zstd", "zstd")
    before, image = scene.open("1"), scene.open("zstd")
    assert {layer.media_type for layer in image.manifest.layers} == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    assert not {layer.digest for layer in image.manifest.layers} & {layer.digest for layer in before.manifest.layers}
    assert held(image) == held(before)
    content, layers = judged(image, before)
    assert (content.status, layers.status) == ("fail", "fail")


def test_an_index_is_opened_for_the_platform_of_the_tasks(room: Room, world: Sandbox) -> None:
    """Of an index with yesterday's files for one platform only, that platform fails and the other passes."""
    dockerfile = "FROM scratch\nCOPY app/ /app/app/\n"
    for files, platform in ((OLD, "linux/amd64"), (NEW, "linux/arm64")):
        write(room.checkout, files)
        room.builder.make("both", room.checkout, dockerfile, "--manifest", "both", "--platform", platform)
    room.builder.push_list("both")
    assert room.open("both", "amd64").read_bytes(HANDLER).decode() == OLD["app/api/ws.py"]
    assert room.open("both", "arm64").read_bytes(HANDLER).decode() == NEW["app/api/ws.py"]
    architectures: dict[str, Architecture] = {"intel": "X86_64", "arm": "ARM64"}
    for name, architecture in architectures.items():
        world.create_service(name, cluster="shop", image=room.uri("both"), architecture=architecture, at=world.now())
    configure(room.checkout, *architectures)
    services = verify("dev", wait="0", log_wait="0").services
    found = {service.name: {one.id: str(one.status) for one in service.findings} for service in services}
    assert {name: statuses["image-content"] for name, statuses in found.items()} == {"intel": "fail", "arm": "pass"}


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def configure(checkout: Path, *names: str) -> None:
    """Configure services, or the service `shop`, whose image should hold the source."""
    tables = (
        f'[env.dev.services.{name}]\nservice = "{name}"\nsource = {{ "{SOURCE}" = "{PLACE}" }}\n'
        for name in names or ("shop",)
    )
    environment = '[env.dev]\ncluster = "shop"\nrequire = ["image", "rollout", "tasks"]\n'
    (checkout / "deploycheck.toml").write_text(environment + "".join(tables))


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
