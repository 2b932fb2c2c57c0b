from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox import sandbox_layer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_deploycheck.judge.finding import Finding
    from pytest_deploycheck.sandbox import SandboxImage, SandboxLayer
    from verification.conftest import Room, Seen

OLD = {"app/main.py": "platform = 'linkedin'\n", "app/api/ws.py": "ws\n"}
NEW = {**OLD, "app/main.py": "platforms = ['linkedin', 'twitter']\n"}
STEP = "COPY app/ ./app/"
BASE = sandbox_layer({"etc/os-release": "ID=debian\n"}, "# debian.sh")
LOG = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s

#4 [1/3] FROM docker.io/library/python:3.12-slim
#4 DONE 0.0s

#5 [2/3] WORKDIR /
#5 CACHED

#6 [3/3] COPY app/ ./app/
#6 {end}

#9 exporting to image
#9 DONE 0.0s
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with the code that is expected, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, NEW)
    return tmp_path


def write(project: Path, files: Mapping[str, str]) -> None:
    """Write files of the image into the checkout, below `backend`."""
    for name, content in files.items():
        path = project / "backend" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


@pytest.fixture
def old(room: Room, project: Path) -> SandboxImage:
    """Return the image of yesterday, which the service runs."""
    assert project.is_dir()
    image = room.aws.push_image("shop:1", OLD, at=room.ago(90))
    room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(60))
    return image


def roll_out(room: Room, files: Mapping[str, str] | None = None, **more: Any) -> SandboxImage:
    """Push `shop:2` and roll it out."""
    image = room.aws.push_image("shop:2", files, at=room.ago(10), **more)
    service = next(iter(room.aws._world.services.values()))
    service.roll_out("shop:2", at=room.ago(8))
    return image


def verified(room: Room, *, source: Mapping[str, str] | None = None, build_log: Path | None = None) -> Seen:
    """Verify `shop:2`; nothing is asked of the logs."""
    table: dict[str, Any] = {"service": "shop", "image": "shop:2"}
    if source is None or source:
        table["source"] = dict(source or {"backend/app": "/app"})
    environment = {"require": ["image", "rollout", "tasks"]}
    return room.verify(services={"shop": table}, environment=environment, build_log=build_log)


def words(finding: Finding) -> str:
    """All that a finding says."""
    return "\n".join(
        [
            finding.summary,
            finding.cause,
            finding.remedy,
            finding.command,
            finding.details,
            *finding.notes,
            json.dumps(dict(finding.evidence), default=str),
        ]
    )


def test_the_incident(room: Room, old: SandboxImage) -> None:
    """A new tag and digest on yesterday's layer: verified as long as nobody asks for the content, refuted then."""
    new = roll_out(room, cached_from=old)
    assert new.digest != old.digest
    assert verified(room, source={}).report.verdict == "VERIFIED"
    seen = verified(room)
    assert (seen.report.verdict, seen.report.broken_link) == ("REFUTED", "image")
    assert seen.statuses["image-content"] == seen.statuses["image-layers"] == "fail"
    assert seen.statuses["rollout-complete"] == seen.statuses["tasks-run-image"] == "pass"


def test_the_evidence_of_a_cached_layer(room: Room, old: SandboxImage) -> None:
    """The failure names the step, when its layer was first pushed, and the command that builds it again."""
    roll_out(room, cached_from=old)
    finding = verified(room).finding("image-layers")
    assert finding.status == "fail"
    assert STEP in words(finding)
    assert old.pushed_at.strftime("%Y-%m-%d %H:%M") in words(finding)
    assert "docker buildx build" in finding.command
    assert "--no-cache" in finding.command
    assert finding.remedy


@pytest.mark.usefixtures("old")
def test_a_new_layer_passes(room: Room) -> None:
    """The source changed and so did its layer."""
    roll_out(room, NEW)
    seen = verified(room)
    assert seen.statuses["image-layers"] == "pass"
    assert seen.report.verdict == "VERIFIED"


def test_the_same_layer_on_the_same_source_passes(room: Room, old: SandboxImage, project: Path) -> None:
    """A cached layer is right where its source did not change."""
    write(project, OLD)
    roll_out(room, cached_from=old)
    seen = verified(room)
    assert seen.statuses["image-content"] == seen.statuses["image-layers"] == "pass"


@pytest.mark.usefixtures("project")
def test_nothing_to_compare_with_is_a_skip(room: Room) -> None:
    """Without an earlier image, a baseline and a build log nothing is claimed."""
    room.aws.push_image("shop:2", NEW, at=room.ago(70))
    room.aws.create_service("shop", cluster="shop", image="shop:2", at=room.ago(60))
    seen = verified(room)
    assert seen.finding("image-layers").status == "skip"
    assert seen.report.verdict == "VERIFIED"


@pytest.mark.usefixtures("old")
def test_without_a_source_it_is_a_skip(room: Room) -> None:
    """The expected content of the layers is not known without a source."""
    roll_out(room, NEW)
    assert verified(room, source={}).finding("image-layers").status == "skip"


@pytest.mark.usefixtures("project")
def test_an_image_that_was_only_pushed_before(room: Room) -> None:
    """The image pushed before to the same repository is compared with, though it was never rolled out."""
    old = room.aws.push_image("shop:1", OLD, at=room.ago(90))
    room.aws.push_image("shop:2", at=room.ago(70), cached_from=old)
    room.aws.create_service("shop", cluster="shop", image="shop:2", at=room.ago(60))
    assert verified(room).statuses["image-layers"] == "fail"


@pytest.mark.usefixtures("project")
def test_a_deleted_image_is_nothing_to_compare_with(room: Room) -> None:
    """If the image of the earlier rollout is gone, nothing is claimed of layers; the content is looked at."""
    old = room.aws.push_image("shop:1", OLD, at=room.ago(90))
    service = room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(60))
    room.aws.push_image("shop:2", at=room.ago(10), cached_from=old)
    service.roll_out("shop:2", at=room.ago(8))
    room.aws.delete_image("shop:1")
    seen = verified(room)
    assert seen.statuses["image-content"] == "fail"
    assert seen.statuses.get("image-layers") not in {"pass", "error"}


def other_compression(files: Mapping[str, str]) -> tuple[SandboxLayer, SandboxLayer]:
    """Return one layer stored in two ways."""
    one, two = sandbox_layer(files, compression="gzip"), sandbox_layer(files, compression="zstd")
    assert one.digest != two.digest
    assert one.diff_id == two.diff_id
    return one, two


@pytest.mark.usefixtures("project")
def test_a_cached_layer_that_is_stored_in_another_way(room: Room) -> None:
    """The same tar compressed again has another digest; the diff id gives it away."""
    before, after = other_compression(OLD)
    room.aws.push_image("shop:1", layers=[BASE, before], at=room.ago(90))
    service = room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(60))
    room.aws.push_image("shop:2", layers=[BASE, after], at=room.ago(10))
    service.roll_out("shop:2", at=room.ago(8))
    seen = verified(room)
    assert seen.statuses["image-layers"] == "fail"
    assert STEP in words(seen.finding("image-layers"))


def two_steps(room: Room, *layers: SandboxLayer) -> Seen:
    """Return what is seen where the old image has two COPY layers, and the new one these."""
    old = [sandbox_layer(OLD, f"{STEP} # buildkit"), sandbox_layer({"lib/a.py": "1\n"}, "COPY lib/ ./lib/ # buildkit")]
    room.aws.push_image("shop:1", layers=[BASE, *old], at=room.ago(90))
    service = room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(60))
    room.aws.push_image("shop:2", layers=[BASE, *(layers or old)], at=room.ago(10))
    service.roll_out("shop:2", at=room.ago(8))
    return verified(room, source={"backend/app": "/app", "backend/lib": "/lib"})


def test_of_two_steps_the_stale_one_is_named(room: Room, project: Path) -> None:
    """A step on unchanged source is rightly cached; only the other is held against the image."""
    write(project, {"lib/a.py": "1\n"})
    seen = two_steps(room)
    finding = seen.finding("image-layers")
    assert finding.status == "fail"
    assert STEP in finding.summary + finding.cause
    assert "COPY lib/" not in finding.summary + finding.cause


def test_one_step_new_and_one_rightly_cached(room: Room, project: Path) -> None:
    """The layer of the source that changed is new, the other is the same: it passes."""
    write(project, {"lib/a.py": "1\n"})
    seen = two_steps(room, sandbox_layer(NEW, STEP), sandbox_layer({"lib/a.py": "1\n"}, "COPY lib/ ./lib/ # buildkit"))
    assert seen.statuses["image-content"] == seen.statuses["image-layers"] == "pass"


@pytest.mark.usefixtures("project")
def test_a_file_that_is_new_in_the_checkout(room: Room) -> None:
    """A file that did not exist when the cached layer was built is missing, and the step is still named."""
    old = room.aws.push_image("shop:1", {"app/api/ws.py": "ws\n"}, at=room.ago(90))
    room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(60))
    roll_out(room, cached_from=old)
    seen = verified(room)
    assert seen.statuses["image-content"] == seen.statuses["image-layers"] == "fail"
    assert STEP in words(seen.finding("image-layers"))


@pytest.mark.usefixtures("old")
def test_a_wrong_layer_that_is_new_is_not_a_cached_one(room: Room) -> None:
    """An image built from other code is wrong, but not for a cached layer: that is not claimed."""
    roll_out(room, {**NEW, "app/main.py": "something else\n"})
    seen = verified(room)
    assert seen.statuses["image-content"] == "fail"
    assert seen.statuses.get("image-layers") != "fail"


@pytest.mark.usefixtures("project")
def test_a_cached_layer_for_several_platforms(room: Room) -> None:
    """An image for several platforms is compared like any other."""
    both = ("linux/amd64", "linux/arm64")
    old = room.aws.push_image("shop:1", OLD, platforms=both, at=room.ago(90))
    room.aws.create_service("shop", cluster="shop", image="shop:1", at=room.ago(60))
    roll_out(room, platforms=both, cached_from=old)
    assert verified(room).statuses["image-layers"] == "fail"


def log_file(project: Path, end: str) -> Path:
    """Return a file with the output of a build whose COPY step ended in some way."""
    path = project / "build.log"
    path.write_text(LOG.format(end=end), encoding="utf-8")
    return path


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("files", "end", "status"),
    [(OLD, "CACHED", "fail"), (NEW, "CACHED", "pass"), (NEW, "DONE 0.1s", "pass")],
    ids=["cached on changed source", "cached on unchanged source", "built"],
)
def test_a_build_log_alone(room: Room, project: Path, files: Mapping[str, str], end: str, status: str) -> None:
    """Without an earlier image the build log tells: a cached step is wrong where the image lacks its source."""
    room.aws.push_image("shop:2", files, at=room.ago(70))
    room.aws.create_service("shop", cluster="shop", image="shop:2", at=room.ago(60))
    finding = verified(room, build_log=log_file(project, end)).finding("image-layers")
    assert finding.status == status
    if status == "fail":
        assert STEP in words(finding)
        assert "--no-cache" in finding.command


def test_layers_that_may_not_be_read(room: Room, old: SandboxImage) -> None:
    """If nothing may be downloaded, whether a layer is stale is not known."""
    roll_out(room, cached_from=old)
    room.aws.deny("ecr:GetDownloadUrlForLayer")
    assert verified(room).finding("image-layers").status in {"error", "unproven"}


def test_layers_of_an_image_that_is_gone(room: Room, old: SandboxImage) -> None:
    """If the layer itself is gone, neither check passes."""
    new = roll_out(room, cached_from=old)
    room.aws.replace_blob("shop", new.layers[-1].digest, None)
    seen = verified(room)
    assert seen.finding("image-content").status in {"error", "unproven"}
    assert seen.finding("image-layers").status not in {"pass", "skip"}
