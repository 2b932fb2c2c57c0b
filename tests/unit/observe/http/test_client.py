from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from pytest_deploycheck.observe.http.client import NoAnswerError, request

STOPPED = Event()
"""Set when nobody needs the rest of an answer any more."""


class Handler(BaseHTTPRequestHandler):
    """Answers by the path of a request."""

    def do_GET(self) -> None:
        """Answer a request."""
        if self.path == "/drops":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            while not STOPPED.wait(0.02):
                self.wfile.write(b".")
            return
        status = 302 if self.path == "/old" else 503 if self.path == "/busy" else 200
        body = f"{self.path} {self.headers.get('X-Asked', '')}".encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/new")
        self.send_header("Content-Length", str(len(body) + (5 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
        """Write nothing."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the URL of a server on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_answer_of_any_status(url: str) -> None:
    """Status, headers and body come back as they are; headers are sent."""
    answer = request(f"{url}/busy", {"X-Asked": "yes"}, timeout=5, follow=True)
    assert (answer.status, answer.text) == (503, "/busy yes")
    assert answer.headers["content-length"] == "9"


def test_redirects_are_followed_where_asked(url: str) -> None:
    """A redirect is followed, or returned as it is; the URL is that of the answer, whole in any case."""
    followed = request(f"{url}/old", {}, timeout=5, follow=True)
    assert (followed.status, followed.text, followed.url) == (200, "/new ", f"{url}/new")
    kept = request(f"{url}/old", {}, timeout=5, follow=False)
    assert (kept.status, kept.url) == (302, f"{url}/old")


@pytest.mark.parametrize("path", ["/cut"])
def test_half_an_answer_is_none(url: str, path: str) -> None:
    """An answer that breaks off is not an answer."""
    with pytest.raises(NoAnswerError):
        request(f"{url}{path}", {}, timeout=5, follow=True)


def test_an_answer_that_arrives_drop_by_drop(url: str) -> None:
    """Each byte comes in time and the whole never does: the time is for all of it."""
    try:
        with pytest.raises(NoAnswerError, match=r"no complete answer within 0\.2 s"):
            request(f"{url}/drops", {}, timeout=0.2, follow=True)
    finally:
        STOPPED.set()


def test_a_representation_shows_no_body(url: str) -> None:
    """The body may be a secret, which an assertion would print."""
    answer = request(f"{url}/secret", {}, timeout=5, follow=True)
    assert repr(answer) == f"<answer 200 of {url}/secret, 8 bytes>"


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection, a silent host and an address that is not one have a reason without the client's parts."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(NoAnswerError, match="Connection refused"):
            request(closed, {}, timeout=5, follow=True)
        silent.listen()
        with pytest.raises(NoAnswerError, match="timed out"):
            request(closed, {}, timeout=0.1, follow=True)
    with pytest.raises(NoAnswerError) as wrong:
        request("https://", {}, timeout=5, follow=True)
    assert "object at 0x" not in str(wrong.value)
