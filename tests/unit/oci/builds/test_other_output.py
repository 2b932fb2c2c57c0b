from __future__ import annotations

import pytest
from support.build_logs import CLASSIC, MULTI_PLATFORM, ONE, PLAIN, SCREEN

from pytest_deploycheck.oci.builds.log import parse_build_log
from pytest_deploycheck.oci.builds.other_output import kind_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("\x1f\ufffd\x08\x00", "a compressed file"),
        (" \n", "an empty file"),
        ("<!DOCTYPE html>\n<html><title>Sign in</title>", "a web page"),
        (" +build | --> COPY app ./app\n", "the output of Earthly"),
        ("building '/nix/store/aaa-image.drv'...\n", "the output of Nix"),
        ("REPOSITORY   TAG   IMAGE ID\n", "the output of docker images"),
        ("    [creator]     ===> ANALYZING\n", "the output of Cloud Native Buildpacks"),
        ('{\n  "containerimage.digest": "sha256:00"\n}', "a metadata file of docker buildx build"),
        ('{"buildx.build.ref": "default/1"}', "a metadata file of docker buildx build"),
        ("# syntax=docker/dockerfile:1\n\nFROM python:3.12\nCOPY app/ ./app/\n", "a Dockerfile"),
        (f"{ONE}\n", "the output of docker build --quiet"),
        (f"The push refers to repository [shop]\nlatest: digest: {ONE} size: 2841\n", "the output of docker push"),
        ("latest: Pulling from library/python\nStatus: Image is up to date for python:latest\n", "docker pull"),
        ("===> DETECTING\n[builder] npm ci\n", "the output of Cloud Native Buildpacks"),
        ("Containerizing application to shop.example/shop...\n", "the output of Jib"),
        ("INFO: Analyzed target //app:image (0 packages loaded).\n", "the output of Bazel"),
        ("=== test session starts ===\ncollected 3 items\n", "the output of pytest"),
    ],
)
def test_text_without_build_steps_is_named(text: str, kind: str) -> None:
    """The message names what the file looks like, so that a wrong file is found at once."""
    with pytest.raises(ValueError, match=rf"^this looks like .*{kind}.*, which holds no build steps: expected lines"):
        parse_build_log(text)


@pytest.mark.parametrize("text", ["a sentence\n", "FROMAGE\n", f"image {ONE}\n"])
def test_unknown_text_has_no_name(text: str) -> None:
    """No program is named where nothing is typical of one."""
    assert kind_of(text) is None


@pytest.mark.parametrize("log", [PLAIN, SCREEN, CLASSIC, MULTI_PLATFORM])
def test_a_build_log_with_other_output_around_it_is_read(log: str) -> None:
    """The push after a build, and tests before it, do not hide the steps."""
    around = f"collected 3 items\n{log}\nThe push refers to repository [shop]\n"
    assert parse_build_log(around).steps == parse_build_log(log).steps
