from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, World
    from pytest_deploycheck.sandbox import SandboxService

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
NOWHERE = "sha256:" + "0" * 64


def metadata(pytester: pytest.Pytester, digest: Any, name: Any = None, *, file: str = "metadata.json") -> None:
    """Write what `docker buildx build --metadata-file` writes of a build that was pushed."""
    document = {
        "buildx.build.ref": "default/default/abc",
        "containerimage.config.digest": "sha256:" + "1" * 64,
        "containerimage.digest": digest,
        **({"image.name": name} if name else {}),
    }
    (pytester.path / file).write_text(json.dumps(document), encoding="utf-8")


def built(service: SandboxService) -> str:
    """Return the digest of the image that the service runs."""
    return str(service.running_tasks[0].image_digest)


def test_the_digest_that_was_built_is_verified(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """The image that CI built is expected, by digest."""
    metadata(pytester, built(world.backend))
    outcome = deploy("--deploy-image=@metadata.json", "-k", "image", env="shop")
    assert outcome.checks["image-exists"] == outcome.checks["tasks-run-image"] == "pass"
    assert outcome.report["services"][0]["image"]["digest"] == built(world.backend)


class Build(NamedTuple):
    """A build as its file tells it, and the checks of its service that fail.

    Attributes:
        name: The name in the file.
        digest: The digest in the file, or None for that of the image that the service runs.
        failed: The checks.
    """

    name: str | None
    digest: str | None = None
    failed: frozenset[str] = frozenset()


def test_a_file_for_each_service(deploy: Deploy, pytester: pytest.Pytester, world: World) -> None:
    """`SERVICE=@FILE` names the image of that service: the digest decides, and the name says where it was pushed.

    With or without a name, and with several of them, what was built is verified. A tag that moved since is no matter,
    a build that was never pushed fails though the tag is there, and so does one that was pushed elsewhere.
    """
    old = world.aws.push_image("shop-moved:ci", {"app": "built by CI"}, at=world.aws.now() - timedelta(hours=2))
    other = world.aws.push_image("other:1", {"app/main.py": "new backend"})
    builds = {
        "unnamed": Build(None),
        "tagged": Build("shop-tagged:new"),
        "whole": Build(f"{HOST}/shop-whole:new"),
        "twice": Build(f"{HOST}/shop-twice:new,{HOST}/shop-twice:latest"),
        "moved": Build("shop-moved:new", old.digest, frozenset({"tasks-run-image"})),
        "never-pushed": Build(f"{HOST}/shop-never-pushed:new", NOWHERE, frozenset({"image-exists", "tasks-run-image"})),
        "elsewhere": Build(f"{HOST}/other:1", other.digest, frozenset({"image-repository", "tasks-run-image"})),
    }
    digests = {}
    for name, build in builds.items():
        runs = built(world.add(name))
        assert runs != build.digest
        digests[name] = build.digest or runs
        metadata(pytester, digests[name], build.name, file=f"{name}.json")
    world.configure(*builds)
    outcome = deploy(*(f"--deploy-image={name}=@{name}.json" for name in builds), "-k", "image", env="shop")
    services = {service["name"]: service for service in outcome.report["services"]}
    assert {name: failed(services[name]) for name in builds} == {name: build.failed for name, build in builds.items()}
    there = [name for name in builds if name != "never-pushed"]
    assert {name: services[name]["image"]["digest"] for name in there} == {name: digests[name] for name in there}
    assert outcome.verdict == ("REFUTED", "image")


def failed(service: dict[str, Any]) -> set[str]:
    """Return the checks of a service of the report that failed; those on the image have to be among its checks."""
    statuses = {check["id"]: check["status"] for check in service["checks"]}
    assert {"image-exists", "image-repository", "tasks-run-image"} <= statuses.keys()
    return {name for name, status in statuses.items() if status == "fail"}


def test_the_variable(deploy: Deploy, pytester: pytest.Pytester, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DEPLOYCHECK_IMAGE` takes a file as the option does."""
    metadata(pytester, NOWHERE)
    assert built(world.backend) != NOWHERE
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
