from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, World

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
NOWHERE = "sha256:" + "0" * 64


def metadata(pytester: pytest.Pytester, digest: Any, name: Any = None, **more: Any) -> None:
    """Write what `docker buildx build --metadata-file` writes of a build that was pushed."""
    document = {
        "buildx.build.ref": "default/default/abc",
        "containerimage.config.digest": "sha256:" + "1" * 64,
        "containerimage.digest": digest,
        **({"image.name": name} if name else {}),
        **more,
    }
    (pytester.path / "metadata.json").write_text(json.dumps(document), encoding="utf-8")


def built(world: World) -> str:
    """Return the digest of the image that the service runs."""
    return str(world.backend.running_tasks[0].image_digest)


@pytest.mark.parametrize("name", [None, "shop-backend:new", f"{HOST}/shop-backend:new"])
def test_the_digest_that_was_built_is_verified(
    deploy: Deploy, pytester: pytest.Pytester, world: World, name: str | None
) -> None:
    """The image that CI built is expected, by digest, if the file names where it was pushed or not."""
    metadata(pytester, built(world), name)
    outcome = deploy("--deploy-image=@metadata.json", "-k", "image", env="shop")
    assert outcome.checks["image-exists"] == outcome.checks["tasks-run-image"] == "pass"
    assert outcome.report["services"][0]["image"]["digest"] == built(world)


def test_a_tag_that_moved_since_is_no_matter(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """The digest decides: tasks that run what the tag means now do not run what CI built."""
    old = world.aws.push_image("shop-backend:ci", {"app": "built by CI"}, at=world.aws.now() - timedelta(hours=2))
    metadata(pytester, old.digest, "shop-backend:new")
    outcome = deploy("--deploy-image=@metadata.json", "-k", "image", env="shop")
    assert outcome.report["services"][0]["image"]["digest"] == old.digest
    assert outcome.checks["image-exists"] == "pass"
    assert outcome.checks["tasks-run-image"] == "fail"


def test_a_build_that_was_never_pushed(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """A digest that is not in the registry fails, though the tag is there."""
    assert built(world) != NOWHERE
    metadata(pytester, NOWHERE, f"{HOST}/shop-backend:new")
    outcome = deploy("--deploy-image=@metadata.json", "-k", "image", env="shop")
    assert outcome.checks["image-exists"] == "fail"
    assert outcome.verdict == ("REFUTED", "image")


def test_a_build_that_was_pushed_elsewhere(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """The name in the file says where it was pushed: another repository than the service's fails."""
    other = world.aws.push_image("other:1", {"app/main.py": "new backend"})
    metadata(pytester, other.digest, f"{HOST}/other:1")
    outcome = deploy("--deploy-image=@metadata.json", "-k", "image", env="shop")
    assert outcome.checks["image-repository"] == "fail"


def test_several_names_of_one_build(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """A build that was pushed under several tags has several names, with commas."""
    metadata(pytester, built(world), f"{HOST}/shop-backend:new,{HOST}/shop-backend:latest")
    outcome = deploy("--deploy-image=@metadata.json", "-k", "image", env="shop")
    assert outcome.checks["image-exists"] == outcome.checks["tasks-run-image"] == "pass"


def test_a_file_for_one_service(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """`SERVICE=@FILE` names the image of that service, and the variable does what the option does."""
    metadata(pytester, built(world))
    outcome = deploy("--deploy-image=backend=@metadata.json", "-k", "image", env="shop")
    assert outcome.checks["tasks-run-image"] == "pass"


def test_the_variable(deploy: Deploy, pytester: pytest.Pytester, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DEPLOYCHECK_IMAGE` takes a file as the option does."""
    metadata(pytester, NOWHERE)
    assert built(world) != NOWHERE
    monkeypatch.setenv("DEPLOYCHECK_IMAGE", "@metadata.json")
    assert deploy("-k", "image-exists", env="shop").checks["image-exists"] == "fail"


@pytest.mark.usefixtures("configured")
def test_the_header_says_where_it_came_from(collect: Collect, pytester: pytest.Pytester) -> None:
    """The header shows what is expected, and the option."""
    metadata(pytester, NOWHERE)
    header = collect("--deploy-env=dev", "--deploy-image=@metadata.json").header
    assert "(from --deploy-image)" in header
    assert "metadata.json" in header or NOWHERE[:19] in header


BAD: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"sha256:abc",
    "binary": b"\xff\xfe\x00",
    "a list": b"[]",
    "nested": b"[" * 100_000 + b"]" * 100_000,
    "no digest": b'{"image.name": "shop:1"}',
    "a bad digest": b'{"containerimage.digest": "sha256:abc"}',
    "a digest of another kind": b'{"containerimage.digest": 7}',
    "a bad name": json.dumps({"containerimage.digest": NOWHERE, "image.name": "UPPER CASE:?"}).encode(),
    "a name of another kind": json.dumps({"containerimage.digest": NOWHERE, "image.name": [1]}).encode(),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
@pytest.mark.usefixtures("world")
def test_a_file_that_names_no_image_is_refused(deploy: Deploy, pytester: pytest.Pytester, text: bytes) -> None:
    """A file that names no digest ends the run before it begins, with the option and the file."""
    (pytester.path / "metadata.json").write_bytes(text)
    message = deploy("--deploy-image=@metadata.json", env="shop").refused()
    assert "--deploy-image" in message
    assert "metadata.json" in message or "UPPER" in message
    assert len(message) < 2000


@pytest.mark.parametrize("value", ["@nowhere.json", "@folder", "@", "backend=@"])
@pytest.mark.usefixtures("world")
def test_a_file_that_cannot_be_read_is_refused(deploy: Deploy, pytester: pytest.Pytester, value: str) -> None:
    """A file that is not there, a folder and no name at all are refused by name."""
    pytester.mkdir("folder")
    message = deploy(f"--deploy-image={value}", env="shop").refused()
    assert "--deploy-image" in message
    assert value.partition("@")[2] in message
