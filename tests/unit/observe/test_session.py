"""The session of an environment, with servers that leave something out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.observe.session import Session

NOW = datetime(2025, 11, 26, 11, 40, tzinfo=UTC)
IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/ci</Arn><UserId>A</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


class Handler(BaseHTTPRequestHandler):
    """Answers sts:GetCallerIdentity.

    Attributes:
        date: The time that it tells, or None.
    """

    date: str | None = None

    def do_POST(self) -> None:
        """Answer."""
        self.send_response_only(200)
        if self.date is not None:
            self.send_header("Date", self.date)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(IDENTITY)))
        self.end_headers()
        self.wfile.write(IDENTITY)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of a server on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("ahead", "offset"), [(None, 0), (1, 0), (90, 90), (-90, -90)])
def test_the_clock_of_the_servers(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, ahead: float | None, offset: float
) -> None:
    """It is taken from what they answer; a server that tells no time has that of this machine."""
    told = None if ahead is None else format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    monkeypatch.setattr(Handler, "date", told)
    environment = EnvironmentSettings("dev", region="us-east-1", endpoint_url=endpoint)
    assert Session(environment, local_now=lambda: NOW).identify().clock_offset == offset
