"""Calls of botocore that are answered in this process: the sandbox's own application, without sockets and threads."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from pytest_deploycheck.observe.session import Session
    from pytest_deploycheck.sandbox import Sandbox


class _Body(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: object) -> Iterable[bytes]:
        """Yield all of it."""
        yield self.read()


def answer_in_process(aws: Sandbox, session: Session) -> None:
    """Let the sandbox answer the calls of a session directly; its clients must not have been made yet."""
    application = aws._application

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return _answer(application, request)

    # botocore takes what this returns for the response; its stubs know of handlers without a value only.
    session._core.register("before-send", send)  # type: ignore[arg-type]


def _answer(application: WSGIApplication, request: AWSPreparedRequest) -> AWSResponse:
    url = urlsplit(str(request.url))
    body = _read(request.body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path) or "/",
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": url.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = _text(value)
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], None]:
        started[:] = [int(status.partition(" ")[0]), headers]
        return lambda _: None

    content = b"".join(application(environ, start))
    status, headers = started
    answered: Any = {"Date": formatdate(usegmt=True), **dict(headers)}
    return AWSResponse(str(request.url), status, answered, _Body(content))


def _read(body: Any) -> bytes:
    if hasattr(body, "read"):
        return bytes(body.read())
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
