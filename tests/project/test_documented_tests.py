"""The tests that the pages show pass where what they are about is so."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.sandbox import Sandbox, SandboxContainer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox import SandboxService

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("fixtures", "health", "images", "base-url")
COMMIT = "1a2b3c4d" * 5
TAG = f"1.1-{COMMIT[:8]}"
FILES = {"api/websocket.py": "requested_platforms = []\n"}

ELSEWHERE = (
    "test_the_orders_table_is_active",
    "test_the_database_secret_was_rotated",
    "test_the_load_balancer_answers",
)
"""Tests about services of AWS that the sandbox does not have, and about a name that only AWS's DNS knows."""

CONFIGURATION = """
[env.dev]
cluster = "shop"
log_settle = "0.1s"
base_url = "{url}"
[env.dev.services.shop]
alarms = ["backend-5xx-dev"]
"""


@pytest.fixture
def aws() -> Iterator[Sandbox]:
    """Return a sandbox."""
    with Sandbox() as aws:
        yield aws


@pytest.fixture
def shop(aws: Sandbox) -> SandboxService:
    """Return a service whose newest image was pushed and rolled out, with an alarm and a load balancer."""
    now = aws.now()
    aws.push_image(
        f"shop:{TAG}", {f"app/app/{name}": text for name, text in FILES.items()}, at=now - timedelta(hours=1)
    )
    container = SandboxContainer(
        name="app",
        image=f"shop:{TAG}",
        environment={"LOG_LEVEL": "info"},
        secrets={"DB_PASSWORD": "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db"},
    )
    aws.create_alarm("backend-5xx-dev")
    service = aws.create_service(
        "shop",
        cluster="shop",
        containers=[container],
        memory=2048,
        target_groups=["web"],
        at=now - timedelta(minutes=9),
    )
    service.log("started", at=now - timedelta(minutes=8))
    return service


@pytest.fixture
def url(shop: SandboxService) -> Iterator[str]:
    """Return the URL of the application, whose task logs what it is asked."""

    class Application(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({"status": "ok", "version": TAG})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            orders = "number" in asked
            shop.log(
                f"order {asked['number']}: {len(asked['items'])} items"
                if orders
                else f"Found {len(asked['platforms'])} platform section"
            )
            self._answer({})

        def _answer(self, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_tests_of_the_pages_pass(
    aws: Sandbox, url: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each test that a page on fixtures shows passes against a deployment of which it holds."""
    shown = []
    for page in PAGES:
        blocks = re.findall(
            r"^```python\n(.*?)^```$", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
        shown += [block for block in blocks if not any(name in block for name in ELSEWHERE)]
    pytester.makepyfile(test_shown="\n".join(["from uuid import uuid4", "import requests", *shown]))
    pytester.makefile(".toml", deploycheck=CONFIGURATION.format(url=url))
    for name, text in FILES.items():
        file = pytester.path / "backend/app" / name
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    for name, value in {**aws.environ, "GITHUB_SHA": COMMIT}.items():
        monkeypatch.setenv(name, value)
    ended = pytester.runpytest_inprocess("--deploy-env=dev", f"--deploy-image={TAG}")
    assert ended.ret == 0
    assert f"{len(re.findall('^def test_', ''.join(shown), re.MULTILINE))} tests hold" in " ".join(
        str(ended.stdout).split()
    )
