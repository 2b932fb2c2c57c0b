"""The stage on which the example runs without AWS: pytest offline_swarm.py.

AWS in a box, and in the place of its tasks an application on 127.0.0.1 that logs into them. None of this is needed
where there is a deployment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from websockets.sync.server import ServerConnection, serve

from pytest_deploycheck.sandbox import Sandbox, SandboxService

HERE = Path(__file__).parent
CLUSTER = "content-marketing-swarm-dev-cluster"
SERVICE = "content-marketing-swarm-dev-backend-service"
REPOSITORY = "content-marketing-swarm-dev-backend"
HEALTH_CHECK = 'INFO:     10.0.1.20:41234 - "GET /health HTTP/1.1" 200 OK'

Code = Callable[[list[str]], Iterator[str]]
"""What an application says to a request for these platforms."""


def new_code(platforms: list[str]) -> Iterator[str]:
    """Generate content for every platform."""
    yield f"INFO app.api.websocket: Requested platforms: {platforms}"
    yield f"INFO app.agents.parser: Found {len(platforms)} platform sections"
    for number in range(1, len(platforms) + 1):
        yield f"INFO app.agents.parser: Parsed content item #{number}"
    yield f"INFO app.agents.store: Saved {len(platforms)} content items"


def old_code(platforms: list[str]) -> Iterator[str]:
    """Generate content for the first platform, which is the bug."""
    yield f"INFO app.api.websocket: Starting content generation: platform={platforms[0]!r}"
    yield "INFO app.agents.swarm: Content written for 1 platform"


@contextmanager
def answering(code: Code, service: SandboxService) -> Iterator[str]:
    """Serve the application and give its URL; one of the tasks logs the request, and all of them are alive."""

    def generate(connection: ServerConnection) -> None:
        request = json.loads(connection.recv())
        service.log(HEALTH_CHECK)
        for line in code(request["platforms"]):
            service.running_tasks[0].log(line)
        connection.send(json.dumps({"status": "done"}))

    server = serve(generate, "127.0.0.1", 0)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def aws() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def backend(aws: Sandbox) -> SandboxService:
    """The release with the hotfixes, rolled out."""
    aws.push_image(f"{REPOSITORY}:2025.11.26-1", {"app/main.py": "print('new')"}, tags=("latest",))
    return aws.create_service(SERVICE, cluster=CLUSTER, image=f"{REPOSITORY}:latest", desired=2)


def verify(aws: Sandbox, url: str, report: Path) -> tuple[str, str | None]:
    """Run the deploy tests as CI does after a deployment, but here; return the verdict and the broken link."""
    options = ["--deploy-env=dev", f"--base-url={url}", "--deploy-log-wait=0.5s", f"--deploy-report={report}"]
    command = [sys.executable, "-m", "pytest", *options]
    subprocess.run(command, cwd=HERE, env=os.environ | aws.environ, check=False, timeout=60)
    written = json.loads(report.read_text(encoding="utf-8"))
    return written["verdict"], written["broken_link"]


def test_the_new_code_is_verified(aws: Sandbox, backend: SandboxService, tmp_path: Path) -> None:
    with answering(new_code, backend) as url:
        assert verify(aws, url, tmp_path / "report.json") == ("VERIFIED", None)


def test_the_old_code_under_a_new_digest_is_refuted(aws: Sandbox, backend: SandboxService, tmp_path: Path) -> None:
    with answering(old_code, backend) as url:
        assert verify(aws, url, tmp_path / "report.json") == ("REFUTED", "logs")
