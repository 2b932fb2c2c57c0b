"""The stage on which the example runs without AWS: pytest offline_shop.py.

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
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pytest_deploycheck.sandbox import Sandbox, SandboxService

HERE = Path(__file__).parent
HEALTH_CHECK = '"GET /health HTTP/1.1" 200 -'

Code = Callable[[dict[str, Any]], Iterator[str]]
"""What an application says to an order."""


def new_code(order: dict[str, Any]) -> Iterator[str]:
    """Reserve all that is ordered."""
    yield f"order {order['number']}: {len(order['items'])} items"
    for item in order["items"]:
        yield f"order {order['number']}: reserved {item}"


def old_code(order: dict[str, Any]) -> Iterator[str]:
    """Reserve the first of what is ordered, which is the bug."""
    yield f"order {order['number']}: reserved {order['items'][0]}"


@contextmanager
def answering(code: Code, service: SandboxService) -> Iterator[str]:
    """Serve the application and give its URL; one of the tasks logs the request, and all of them are alive."""

    class Shop(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.log(HEALTH_CHECK)
            for line in code(order):
                service.running_tasks[0].log(line)
            self.send_response(HTTPStatus.ACCEPTED)
            self.end_headers()

        def log_message(self, template: str, *values: object) -> None:
            service.running_tasks[0].log(template % values)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def aws() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def shop(aws: Sandbox) -> SandboxService:
    """The release, rolled out."""
    aws.push_image("shop:1.1", {"app/main.py": "print('new')"}, tags=("latest",))
    return aws.create_service("shop-service", cluster="shop-dev", image="shop:latest", desired=2)


def verify(aws: Sandbox, url: str, report: Path) -> tuple[str, str | None]:
    """Run the deploy tests as CI does after a deployment, but here; return the verdict and the broken link."""
    options = [
        "--deploy-env=dev",
        "--deploy-image=1.1",
        f"--base-url={url}",
        "--deploy-log-wait=0.5s",
        f"--deploy-report={report}",
    ]
    command = [sys.executable, "-m", "pytest", *options]
    subprocess.run(command, cwd=HERE, env=os.environ | aws.environ, check=False, timeout=60)
    written = json.loads(report.read_text(encoding="utf-8"))
    return written["verdict"], written["broken_link"]


def test_the_new_code_is_verified(aws: Sandbox, shop: SandboxService, tmp_path: Path) -> None:
    with answering(new_code, shop) as url:
        assert verify(aws, url, tmp_path / "report.json") == ("VERIFIED", None)


def test_the_old_code_under_a_new_digest_is_refuted(aws: Sandbox, shop: SandboxService, tmp_path: Path) -> None:
    with answering(old_code, shop) as url:
        assert verify(aws, url, tmp_path / "report.json") == ("REFUTED", "logs")
