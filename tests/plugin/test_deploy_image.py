from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugin.conftest import Collect, Deploy, World

BOTH = ("backend", "worker")


@pytest.fixture
def images(world: World, pytester: pytest.Pytester) -> World:
    """Return a world of two services whose configuration names no image, and tests that print what was expected."""
    world.add("worker")
    world.configure(*BOTH)
    path = pytester.path / "deploycheck.toml"
    path.write_text(
        "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("image")),
        encoding="utf-8",
    )
    return world


def expected(deploy: Deploy, *args: str) -> dict[str, str]:
    """Return the expected reference for each service, without the registry."""
    outcome = deploy(*args, "-k", "image", env="shop")
    return {
        service["name"]: service["images"][0]["reference"].rpartition("/")[2] for service in outcome.report["services"]
    }


@pytest.mark.usefixtures("images")
def test_the_image_of_each_service(deploy: Deploy) -> None:
    """`SERVICE=REF` is for one service, a bare `REF` for those without one of their own."""
    assert expected(deploy, "--deploy-image=backend=old", "--deploy-image=new") == {
        "backend": "shop-backend:old",
        "worker": "shop-worker:new",
    }


@pytest.mark.usefixtures("images")
def test_the_variable_is_a_list(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DEPLOYCHECK_IMAGE` holds several, with commas; the command line takes its place as a whole."""
    monkeypatch.setenv("DEPLOYCHECK_IMAGE", " backend=old , worker=new,")
    assert expected(deploy) == {"backend": "shop-backend:old", "worker": "shop-worker:new"}
    assert expected(deploy, "--deploy-image=worker=old") == {
        "backend": "shop-backend:latest",
        "worker": "shop-worker:old",
    }


@pytest.mark.usefixtures("images")
def test_an_empty_variable_counts_as_unset(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty variable the expected image is what the task definition names."""
    monkeypatch.setenv("DEPLOYCHECK_IMAGE", "")
    assert expected(deploy) == {"backend": "shop-backend:latest", "worker": "shop-worker:latest"}


def test_a_digest_and_a_whole_reference(deploy: Deploy, world: World) -> None:
    """A bare digest keeps the task definition's repository; a whole reference is taken as it is."""
    new = world.backend.running_tasks[0].image_digest
    assert expected(deploy, f"--deploy-image={new}") == {"backend": f"shop-backend@{new}"}
    outcome = deploy("--deploy-image=123456789012.dkr.ecr.us-east-1.amazonaws.com/other:1", "-k", "image", env="shop")
    assert outcome.checks["image-exists"] == "fail"
    assert outcome.checks["image-repository"] == "fail"
    assert outcome.verdict == ("REFUTED", "image")


@pytest.mark.usefixtures("world")
def test_a_bare_tag_for_this_run(deploy: Deploy) -> None:
    """An image named for this run is the one expected, whatever the file says; a bare tag names no repository."""
    outcome = deploy("--deploy-image=old", env="shop")
    assert outcome.checks["tasks-run-image"] == "fail"
    assert outcome.checks["image-repository"] == "skip"


@pytest.mark.usefixtures("configured")
def test_the_header_says_where_it_came_from(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected image stands in the header with its source."""
    monkeypatch.setenv("DEPLOYCHECK_IMAGE", "backend=1,worker=2")
    assert "backend=1 worker=2 (from DEPLOYCHECK_IMAGE)" in collect("--deploy-env=prod").header
    assert "3 (from --deploy-image)" in collect("--deploy-env=prod", "--deploy-image=3").header


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("backnd=1", ["'backnd=1'", "'backend'"]),
        ("backend=", ["'backend='"]),
        ("@build.json", ["build.json cannot be read"]),
        ("backend=@build.json", ["build.json cannot be read"]),
    ],
)
@pytest.mark.usefixtures("configured")
def test_a_bad_value_is_refused(collect: Collect, value: str, words: list[str]) -> None:
    """A service that is not there, no image at all, and files that are not there are refused by name."""
    message = collect("--deploy-env=dev", f"--deploy-image={value}").refused()
    assert "--deploy-image" in message
    for word in words:
        assert word in message


@pytest.mark.usefixtures("configured")
def test_two_images_for_one_service_are_refused(collect: Collect) -> None:
    """An ambiguous value is not guessed at."""
    message = collect("--deploy-env=dev", "--deploy-image=backend=1", "--deploy-image=backend=2").refused()
    assert "'1'" in message
    assert "'2'" in message


@pytest.mark.parametrize("value", ["shop backend", "UPPER/case:1", "sha256:abc", "shop:ta g"])
@pytest.mark.usefixtures("world")
def test_what_is_no_reference_is_refused(deploy: Deploy, value: str) -> None:
    """A text that cannot name an image ends the run before any test, with one message."""
    assert value in deploy(f"--deploy-image={value}", env="shop").refused()


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("gap", ["", "\n"], ids=["one line", "lines"])
def test_a_file_without_the_equals_sign_is_explained(collect: Collect, pytester: pytest.Pytester, gap: str) -> None:
    """A bare `@FILE` is replaced by the lines of the file by pytest; the message says so, and how to write it."""
    (pytester.path / "metadata.json").write_text(f'{{{gap}"containerimage.digest": "sha256:0"{gap}}}', encoding="utf-8")
    message = collect("--deploy-env=dev", "--deploy-image", "@metadata.json").refused()
    assert "--deploy-image=@FILE" in message
