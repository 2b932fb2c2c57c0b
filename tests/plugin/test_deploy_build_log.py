from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from plugin.conftest import Collect, Deploy
    from pytest_deploycheck.sandbox import Sandbox

OLD = {"app/main.py": "old\n"}
NEW = {"app/main.py": "new\n"}
TABLES = """
[env.shop]
region = "us-east-1"
cluster = "shop"
require = ["image", "rollout", "tasks"]

[env.shop.services.web]
service = "shop-web"
"""
SOURCE = 'source = { "backend/app" = "/app" }\n'

PLAIN = """\
#4 [1/4] FROM docker.io/library/python:3.12-slim
#4 DONE 0.0s

#5 [2/4] WORKDIR /srv
#5 CACHED

#6 [3/4] COPY requirements.txt ./
#6 CACHED

#7 [4/4] COPY app/ ./app/
#7 {end}
"""
SCREEN = (
    "\x1b[1A\x1b[0G\x1b[?25l[+] Building 3.2s (12/12) FINISHED      docker:default\n"
    "\x1b[34m => CACHED [2/4] WORKDIR /srv                                      0.0s\n\x1b[0m"
    "\x1b[34m => CACHED [3/4] COPY requirements.txt ./                          0.0s\n\x1b[0m"
    "\x1b[34m => {end}[4/4] COPY app/ ./app/                                     0.0s\n\x1b[0m\x1b[?25h"
)
CLASSIC = """\
Sending build context to Docker daemon  35.84kB
Step 1/4 : FROM python:3.12-slim
 ---> 1a2b3c4d5e6f
Step 2/4 : WORKDIR /srv
 ---> Using cache
 ---> 2b3c4d5e6f70
Step 3/4 : COPY requirements.txt ./
 ---> Using cache
 ---> 3c4d5e6f7081
Step 4/4 : COPY app/ ./app/
{end} ---> 4d5e6f708192
Successfully built 4d5e6f708192
"""
STYLES = {
    "plain": (PLAIN.format(end="CACHED"), PLAIN.format(end="DONE 0.1s")),
    "tty": (SCREEN.format(end="CACHED "), SCREEN.format(end="")),
    "classic": (CLASSIC.format(end=" ---> Using cache\n"), CLASSIC.format(end="")),
}


@pytest.fixture
def shop(empty_aws: Sandbox, pytester: pytest.Pytester) -> Sandbox:
    """Return a world in which one service is configured, with its source, and nothing runs yet."""
    (pytester.path / "deploycheck.toml").write_text(TABLES + SOURCE, encoding="utf-8")
    (pytester.path / "backend" / "app").mkdir(parents=True)
    (pytester.path / "backend" / "app" / "main.py").write_text("new\n", encoding="utf-8")
    return empty_aws


def run(aws: Sandbox, files: Mapping[str, str]) -> None:
    """Let the service run an image with these files, the only one there ever was."""
    when = aws.now() - timedelta(hours=1)
    aws.push_image("shop-web:1", files, at=when)
    aws.create_service("shop-web", cluster="shop", image="shop-web:1", at=when + timedelta(minutes=2))


def log(pytester: pytest.Pytester, text: str) -> Path:
    """Write the build log."""
    path = pytester.path / "build.log"
    path.write_text(text, encoding="utf-8")
    return path


ASKING = """
    def test_log(build_log):
        assert [step.instruction for step in build_log.copies] == ["COPY requirements.txt ./", "COPY app/ ./app/"]
        assert [step.is_cached for step in build_log.copies] == [True, {cached}]
        assert "WORKDIR /srv" in [step.instruction for step in build_log.steps]
        assert any(step.is_cached for step in build_log.copies)
"""


@pytest.mark.parametrize("style", STYLES)
def test_a_cached_step_on_changed_source(shop: Sandbox, deploy: Deploy, pytester: pytest.Pytester, style: str) -> None:
    """In each style of log: the step was cached and the image lacks the source, so the check fails and names it.

    `build_log` has the steps in their order, which of them copy files, and which were cached.
    """
    run(shop, OLD)
    log(pytester, STYLES[style][0])
    pytester.makepyfile(ASKING.format(cached=True))
    outcome = deploy("--deploy-build-log=build.log", env="shop")
    assert outcome.tests == {"test_log": "passed"}
    assert outcome.checks["image-layers"] == "fail"
    assert outcome.verdict == ("REFUTED", "image")
    assert "COPY app/ ./app/" in outcome.output
    assert "docker buildx build" in outcome.output
    assert "--no-cache" in outcome.output


@pytest.mark.parametrize(("style", "cached"), [("plain", True), *((style, False) for style in STYLES)])
def test_a_step_on_unchanged_source(
    shop: Sandbox, deploy: Deploy, pytester: pytest.Pytester, *, style: str, cached: bool
) -> None:
    """The content of the image is right, so it does not matter if its step was cached; `build_log` tells it."""
    run(shop, NEW)
    log(pytester, STYLES[style][0 if cached else 1])
    pytester.makepyfile(ASKING.format(cached=cached))
    outcome = deploy("--deploy-build-log=build.log", env="shop")
    assert outcome.tests == {"test_log": "passed"}
    assert outcome.checks["image-layers"] == "pass"
    assert outcome.verdict == ("VERIFIED", None)


def test_without_the_option_it_is_skipped(shop: Sandbox, deploy: Deploy) -> None:
    """With no log and no earlier image nothing is claimed of layers."""
    run(shop, NEW)
    assert deploy("-k", "image-layers", env="shop").checks == {"image-layers": "skip"}


def test_a_log_without_a_source_proves_nothing(shop: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """The correctness of a cached step cannot be known without the source: that is no pass."""
    (pytester.path / "deploycheck.toml").write_text(TABLES, encoding="utf-8")
    run(shop, OLD)
    log(pytester, STYLES["plain"][0])
    assert deploy("--deploy-build-log=build.log", "-k", "image", env="shop").checks["image-layers"] != "pass"


def test_the_fixture_without_the_option(shop: Sandbox, deploy: Deploy, pytester: pytest.Pytester) -> None:
    """A test that uses `build_log` is skipped where no log was given, with the option as the reason."""
    run(shop, NEW)
    pytester.makepyfile("def test_log(build_log): assert build_log.steps")
    outcome = deploy("-rs", "-k", "test_log", env="shop")
    assert "1 skipped" in outcome.output
    assert "--deploy-build-log" in outcome.output


@pytest.mark.usefixtures("configured")
def test_the_fixture_without_an_environment(pytester: pytest.Pytester) -> None:
    """Without `--deploy-env` it is skipped like the others, with or without a log."""
    log(pytester, STYLES["plain"][0])
    pytester.makepyfile("def test_log(build_log): assert build_log.steps")
    for more in ((), ("--deploy-build-log=build.log",)):
        result = pytester.runpytest_inprocess(*more)
        assert result.ret == 0
        result.assert_outcomes(skipped=1)


@pytest.mark.usefixtures("configured")
def test_the_fixture_has_docs(pytester: pytest.Pytester) -> None:
    """`pytest --fixtures` tells what it is."""
    text = str(pytester.runpytest_inprocess("--fixtures").stdout)
    assert "build_log" in text
    assert "--deploy-build-log" in text


@pytest.mark.usefixtures("configured")
def test_the_header_names_the_log(collect: Collect, pytester: pytest.Pytester) -> None:
    """The header names the file that was read."""
    log(pytester, STYLES["plain"][0])
    header = collect("--deploy-env=dev", "--deploy-build-log=build.log").header
    assert "build.log" in header
    assert "(from --deploy-build-log)" in header


BAD: dict[str, bytes] = {
    "empty": b"",
    "no build": b"hello\nworld\n",
    "binary": bytes(range(256)) * 20,
    "a report": b'{"schema_version": 1}',
    "one long line": b"x" * 3_000_000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
@pytest.mark.usefixtures("configured")
def test_a_file_that_is_no_build_log_is_refused(collect: Collect, pytester: pytest.Pytester, text: bytes) -> None:
    """A file in which no step of a build is found ends the run before it begins, with the option and the file."""
    (pytester.path / "build.log").write_bytes(text)
    message = collect("--deploy-env=dev", "--deploy-build-log=build.log").refused()
    assert "--deploy-build-log" in message
    assert "build.log" in message
    assert len(message) < 2000


@pytest.mark.parametrize("value", ["nowhere.log", "folder", ""])
@pytest.mark.usefixtures("configured")
def test_a_file_that_cannot_be_read_is_refused(collect: Collect, pytester: pytest.Pytester, value: str) -> None:
    """A file that is not there, a folder and no name at all are refused by name."""
    pytester.mkdir("folder")
    message = collect("--deploy-env=dev", f"--deploy-build-log={value}").refused()
    assert "--deploy-build-log" in message
    assert value in message
