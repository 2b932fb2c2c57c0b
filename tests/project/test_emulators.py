"""The example for emulators comes to what the page on emulators says, on the emulators that are installed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

import pytest_deploycheck
from pytest_deploycheck.cli.main import main

EXAMPLE = Path(__file__).parents[2] / "examples/emulator"


@contextmanager
def started(*command: str, port: int) -> Iterator[str]:
    """Start an emulator on a port of this machine, and return its URL when it answers."""
    url = f"http://127.0.0.1:{port}"
    environ = {**os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            ends = time.monotonic() + 60
            while not answers(url):
                assert server.poll() is None, "the emulator ended"
                assert time.monotonic() < ends, "the emulator does not answer"
            yield url
        finally:
            server.kill()


def answers(url: str) -> bool:
    """Return whether anything answers at a URL."""
    try:
        PoolManager(retries=False, timeout=1).request("GET", url)
    except (HTTPError, OSError):
        time.sleep(0.05)
        return False
    return True


@pytest.fixture
def port() -> int:
    """Return a port that is free."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def verified(url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str | None, dict[str, str]]:
    """Fill an emulator as the example does; return the verdict, the broken link, and how the checks ended."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("EMULATOR_URL", url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    subprocess.run([sys.executable, "fill.py", url], cwd=EXAMPLE, check=True, timeout=60)
    config = EXAMPLE / "deploycheck.toml"
    report = pytest_deploycheck.verify("local", config=config, wait="0", log_wait="1s")
    statuses = {one.id: str(one.status) for one in report.services[0].findings}
    return str(report.verdict), report.broken_link, statuses


def test_moto(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto's server knows images, and starts no task for a service."""
    with started(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), port=port) as url:
        verdict, link, statuses = verified(url, monkeypatch)
    assert (verdict, link) == ("REFUTED", "rollout")
    assert (statuses["image-exists"], statuses["image-intended"]) == ("pass", "pass")
    assert (statuses["tasks-running"], statuses["logs-1"]) == ("fail", "unproven")


@pytest.mark.skipif(shutil.which("ministack") is None, reason="MiniStack is not installed: nox -s emulators")
def test_ministack(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniStack proves the whole chain where the task definition names the image by its digest."""
    with started("ministack", port=port) as url:
        verdict, link, statuses = verified(url, monkeypatch)
    assert (verdict, link) == ("VERIFIED", None)
    assert (statuses["tasks-run-image"], statuses["logs-1"]) == ("pass", "pass")


@pytest.mark.skipif(shutil.which("ministack") is None, reason="MiniStack is not installed: nox -s emulators")
def test_a_first_day_on_ministack(port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The configuration that init writes verifies the image that runs, and refutes one that was not rolled out."""
    with started("ministack", port=port) as url:
        verified(url, monkeypatch)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.chdir(tmp_path)
        assert main(["init", "--yes", f"--endpoint-url={url}"]) == 0
        assert pytest_deploycheck.verify("dev", images={"shop": "1.0"}, wait="0").verdict == "VERIFIED"
        ecr = boto3.client("ecr", endpoint_url=url)
        (image,) = ecr.batch_get_image(repositoryName="shop", imageIds=[{"imageTag": "1.0"}])["images"]
        later = json.dumps({**json.loads(image["imageManifest"]), "annotations": {"version": "1.1"}})
        # MiniStack tells of pushes in whole seconds.
        began = int(time.time())
        while int(time.time()) == began:
            time.sleep(0.05)
        ecr.put_image(repositoryName="shop", imageManifest=later, imageTag="1.1")
        report = pytest_deploycheck.verify("dev", images={"shop": "1.1"}, wait="0")
        assert (report.verdict, report.broken_link) == ("REFUTED", "rollout")
        (newer,) = pytest_deploycheck.verify("dev", wait="0").services[0].analysis.facts.judged[0].newer or ()
        assert newer.tags == ("1.1",)
