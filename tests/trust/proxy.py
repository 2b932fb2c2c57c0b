"""A proxy in front of the sandbox that answers as AWS and the network between do on a bad day."""

from __future__ import annotations

import http.client
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

Fault = Callable[["_Handler", "Answer"], None]

_RESET = struct.pack("ii", 1, 0)
"""Linger for no time: closing the connection resets it."""


class Answer:
    """The response of the sandbox."""

    def __init__(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]
        self.body = body


_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive"}


class Schedule:
    """The calls of a run that meet a fault, and the faults, drawn from a seed.

    Args:
        seed: The seed.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # a schedule, no secret
        self.kinds = self._random.sample(sorted(FAULTS), k=self._random.randint(1, 3))
        self.share = self._random.choice([0.05, 0.2, 0.5, 1.0])
        self._quiet = self._random.randint(0, 12)
        self._burst = 0
        self._kind = self.kinds[0]
        self._lock = threading.Lock()

    def next(self) -> Fault | None:
        """Return the fault of the next call, or None for an answer as it should be; faults come in bursts."""
        with self._lock:
            if self._quiet > 0:
                self._quiet -= 1
                return None
            if self._burst == 0:
                self._burst = self._random.randint(1, 6) if self._random.random() < self.share else -1
                self._kind = self._random.choice(self.kinds)
            if self._burst > 0:
                self._burst -= 1
                return FAULTS[self._kind]
            self._burst = 0
            return None


class FaultyProxy:
    """The proxy, on a free port of the loopback interface, until it is closed.

    Args:
        target: The endpoint of the sandbox.
        schedule: The faults.
    """

    def __init__(self, target: str, schedule: Schedule) -> None:
        handler = type("Handler", (_Handler,), {"target": urlsplit(target).netloc, "schedule": schedule})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Passes a call on, and its answer back, unless the schedule has something else in mind."""

    target: str
    schedule: Schedule

    def do_POST(self) -> None:  # the name that http.server calls
        """Answer a call."""
        self._answer()

    def do_GET(self) -> None:
        """Answer the request for a layer."""
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.schedule.next()
        connection = http.client.HTTPConnection(self.target, timeout=20)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()
        try:
            (fault or _as_it_is)(self, answer)
        except OSError:
            # The caller gave up waiting, which is its right.
            self.close_connection = True

    def head(self, answer: Answer, *, length: int | None = None) -> None:
        """Send the status and the headers."""
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if length is None else length))
        self.send_header("Connection", "close")
        self.end_headers()


def _as_it_is(handler: _Handler, answer: Answer) -> None:
    handler.head(answer)
    handler.wfile.write(answer.body)


def _error(code: str, status: int = 400) -> Fault:
    def fail(handler: _Handler, answer: Answer) -> None:
        is_query = b"Action=" in handler.requestline.encode() or _content_type(answer).startswith("text/xml")
        if is_query:
            body = (
                f"<ErrorResponse><Error><Code>{code}</Code><Message>{code}</Message></Error></ErrorResponse>".encode()
            )
            kind = "text/xml"
        else:
            body, kind = json.dumps({"__type": code, "message": code}).encode(), "application/x-amz-json-1.1"
        _as_it_is(handler, Answer(status, [("Content-Type", kind), ("x-amzn-errortype", code), _date()], body))

    return fail


def _content_type(answer: Answer) -> str:
    return next((value for name, value in answer.headers if name.lower() == "content-type"), "")


def _date(ahead: float = 0.0) -> tuple[str, str]:
    return "Date", formatdate(time.time() + ahead, usegmt=True)


def _reset(handler: _Handler, _: Answer) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    handler.connection.close()
    handler.close_connection = True


def _cut(handler: _Handler, answer: Answer) -> None:
    handler.head(answer)
    handler.wfile.write(answer.body[: len(answer.body) // 2])
    handler.close_connection = True


def _cut_quietly(handler: _Handler, answer: Answer) -> None:
    _as_it_is(handler, Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2]))


def _slow(handler: _Handler, answer: Answer) -> None:
    time.sleep(0.3)  # the fault itself, no wait for anything
    _as_it_is(handler, answer)


def _drip(handler: _Handler, answer: Answer) -> None:
    handler.head(answer)
    for position in range(min(len(answer.body), 40)):
        handler.wfile.write(answer.body[position : position + 1])
        handler.wfile.flush()
        time.sleep(0.25)  # the fault itself, no wait for anything
    handler.close_connection = True


def _html(handler: _Handler, _: Answer) -> None:
    body = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    _as_it_is(handler, Answer(200, [("Content-Type", "text/html"), _date()], body))


def _null(handler: _Handler, answer: Answer) -> None:
    _as_it_is(handler, Answer(200, answer.headers, b"null"))


def _endless_page(handler: _Handler, answer: Answer) -> None:
    _as_it_is(handler, _with_token(answer, f"token-{time.monotonic_ns()}"))


def _repeated_page(handler: _Handler, answer: Answer) -> None:
    _as_it_is(handler, _with_token(answer, "token-again"))


def _with_token(answer: Answer, token: str) -> Answer:
    try:
        document = json.loads(answer.body)
    except ValueError:
        return answer
    if not isinstance(document, dict) or not {"events", "taskArns", "serviceDeployments"} & document.keys():
        return answer
    return Answer(answer.status, answer.headers, json.dumps({**document, "nextToken": token}).encode())


def _wrong_clock(handler: _Handler, answer: Answer) -> None:
    headers = [(name, value) for name, value in answer.headers if name.lower() != "date"]
    _as_it_is(handler, Answer(answer.status, [*headers, _date(3600)], answer.body))


FAULTS: dict[str, Fault] = {
    "throttled": _error("ThrottlingException"),
    "internal error": _error("InternalFailure", 500),
    "unavailable": _error("ServiceUnavailable", 503),
    "expired token": _error("ExpiredTokenException"),
    "denied": _error("AccessDeniedException"),
    "reset": _reset,
    "cut": _cut,
    "cut quietly": _cut_quietly,
    "slow": _slow,
    "drip": _drip,
    "html": _html,
    "null": _null,
    "endless pages": _endless_page,
    "repeated page": _repeated_page,
    "wrong clock": _wrong_clock,
}
