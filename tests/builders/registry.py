"""A registry on this machine that takes what real tools push, and gives it again."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

_PATH = re.compile(r"/v2/(?P<repository>.+?)/(?P<kind>manifests|blobs/uploads|blobs)/(?P<name>[^/]*)")


def digest_of(data: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{sha256(data).hexdigest()}"


@dataclass
class PushedTo:
    """The registry.

    Attributes:
        host: Where it can be reached.
        blobs: Blobs by digest.
        manifests: Manifests by tag and by digest, each with its media type; one repository is as good as another.
        gets: The paths that were asked for.
    """

    host: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    gets: list[str] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def serving() -> Iterator[PushedTo]:
    """An empty registry, while this lasts."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.registry = PushedTo(f"127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.registry
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    registry: PushedTo

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A client that keeps its connection open keeps no thread for ever.
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    @property
    def registry(self) -> PushedTo:
        assert isinstance(self.server, _Server)
        return self.server.registry

    def do_GET(self) -> None:
        self.registry.gets.append(self.path)
        self._give(with_body=True)

    def do_HEAD(self) -> None:
        self._give(with_body=False)

    def do_POST(self) -> None:
        repository, _, _ = self._asked()
        upload = uuid4().hex
        self.registry.uploads[upload] = self._body()
        self._send(202, headers={"Location": f"/v2/{repository}/blobs/uploads/{upload}"})

    def do_PATCH(self) -> None:
        _, _, upload = self._asked()
        self.registry.uploads[upload] += self._body()
        end = len(self.registry.uploads[upload]) - 1
        self._send(202, headers={"Location": urlsplit(self.path).path, "Range": f"0-{end}"})

    def do_PUT(self) -> None:
        _, kind, name = self._asked()
        if kind == "manifests":
            content = self._body()
            digest = digest_of(content)
            stored = content, self.headers["Content-Type"]
            self.registry.manifests[name] = self.registry.manifests[digest] = stored
        else:
            content = self.registry.uploads.pop(name) + self._body()
            digest = digest_of(content)
            if parse_qs(urlsplit(self.path).query)["digest"] != [digest]:
                self._send(400)
                return
            self.registry.blobs[digest] = content
        self._send(201, headers={"Location": urlsplit(self.path).path, "Docker-Content-Digest": digest})

    def _give(self, *, with_body: bool) -> None:
        if urlsplit(self.path).path == "/v2/":
            self._send(200, with_body=with_body)
            return
        _, kind, name = self._asked()
        if kind == "manifests":
            content, media_type = self.registry.manifests.get(name, (None, ""))
        else:
            content, media_type = self.registry.blobs.get(name), "application/octet-stream"
        if content is None:
            self._send(404, with_body=with_body)
            return
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest_of(content)}
        self._send(200, content, headers, with_body=with_body)

    def _asked(self) -> tuple[str, str, str]:
        """The repository, what of it is expected, and its name there."""
        asked = _PATH.fullmatch(urlsplit(self.path).path)
        assert asked, self.path
        return asked["repository"], asked["kind"], asked["name"]

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, with_body: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)
