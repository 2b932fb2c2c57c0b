"""A small registry on this machine, which speaks the V2 API and misbehaves as it is told."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytest_deploycheck.facts.image import Reference
from pytest_deploycheck.oci.manifest import OCI_MANIFEST

TOKEN = "opaque-token-4711"
ANONYMOUS = "anonymous-token-42"
SIGNATURE = "deadbeefcafe0123456789"


def digest_of(data: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{sha256(data).hexdigest()}"


@dataclass(frozen=True)
class Got:
    """A request that arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str = ""


@dataclass
class Answer:
    """The answer to a request instead of the stored one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Cut:
    """The stored answer is sent, but the connection is closed after some bytes of its body."""

    after: int


class LongBlob:
    """A blob of many bytes that is never in memory as a whole."""

    BLOCK = bytes(range(256)) * 256

    def __init__(self, blocks: int) -> None:
        self.size = blocks * len(self.BLOCK)
        hasher = sha256()
        for _ in range(blocks):
            hasher.update(self.BLOCK)
        self.digest = f"sha256:{hasher.hexdigest()}"
        self._blocks = blocks

    def pieces(self) -> Iterator[bytes]:
        """Its bytes."""
        for _ in range(self._blocks):
            yield self.BLOCK


class V2Registry:
    """The registry.

    Attributes:
        blobs: Blobs by digest.
        manifests: Manifests by tag and by digest.
        got: What arrived, oldest first.
        planned: What the next requests whose path has a text in it get instead of what is there.
        users: Who may log in, with their passwords.
        auth: How it wants to know who asks: `Bearer`, `Basic`, or not at all.
        anonymous_may_pull: Whether a token without credentials opens anything.
        cdn: Where it sends those who ask for blobs, or None.
        takes_ranges: Whether it understands `Range`.
        announces_length: Whether it says how long a blob is.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.blobs: dict[str, bytes | LongBlob] = {}
        self.manifests: dict[str, bytes] = {}
        self.got: list[Got] = []
        self.planned: list[tuple[str, Answer | Cut]] = []
        self.users: dict[str, str] = {}
        self.auth: str | None = None
        self.anonymous_may_pull = True
        self.cdn: V2Registry | None = None
        self.takes_ranges = True
        self.announces_length = True
        self.realm: str | None = None
        self._server = _Server(self)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "http" if tls is None else "https"
        self.host = f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self._scheme}://{self.host}"

    def reference(self, tag: str | None = "1", digest: str | None = None) -> Reference:
        """A reference to an image in it."""
        return Reference(self.host, "team/app", tag, digest)

    def add_blob(self, data: bytes) -> str:
        """Add a blob; returns its digest."""
        self.blobs[digest_of(data)] = data
        return digest_of(data)

    def add_image(self, tag: str = "1", media_type: str = OCI_MANIFEST) -> str:
        """Add a manifest under a tag; returns its digest."""
        config = self.add_blob(b"{}")
        document = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": {"mediaType": "application/json", "digest": config, "size": 2},
            "layers": [],
            "annotations": {"tag": tag},
        }
        content = json.dumps(document).encode()
        self.manifests[tag] = self.manifests[digest_of(content)] = content
        return digest_of(content)

    def plan(self, part: str, *answers: Answer | Cut) -> None:
        """Let the next requests whose path has `part` in it be answered otherwise."""
        self.planned += [(part, answer) for answer in answers]

    def asked(self, part: str) -> list[Got]:
        """The requests whose path has `part` in it."""
        return [got for got in self.got if part in got.path]

    @contextmanager
    def serving(self) -> Iterator[V2Registry]:
        """Serve while this lasts."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.hang_up()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, registry: V2Registry) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.registry = registry
        self._open: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection."""
        self._open.append(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        """End the connections that clients keep open."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    @property
    def registry(self) -> V2Registry:
        assert isinstance(self.server, _Server)
        return self.server.registry

    def do_GET(self) -> None:
        self._answer("GET", "")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, method: str, body: str) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.registry.got.append(Got(method, parts.path, query, dict(self.headers.items()), body))
        planned = self._planned(parts.path)
        if isinstance(planned, Answer):
            self._send(planned.status, planned.body, planned.headers)
        elif parts.path == "/token":
            self._token(query, parse_qs(body))
        elif parts.path.startswith("/cdn/"):
            if query.get("X-Amz-Signature") == SIGNATURE:
                self._blob(parts.path.rpartition("/")[2], planned)
            else:
                self._send(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
        elif not self._may_pull():
            realm = self.registry.realm or f"http://{self.registry.host}/token"
            challenge = f'{self.registry.auth} realm="{realm}",service="test",scope="repository:team/app:pull"'
            self._refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})
        elif "/manifests/" in parts.path:
            self._manifest(parts.path.rpartition("/")[2])
        else:
            self._blob_or_redirect(parts.path.rpartition("/")[2], planned)

    def _planned(self, path: str) -> Answer | Cut | None:
        for index, (part, answer) in enumerate(self.registry.planned):
            if part in path:
                del self.registry.planned[index]
                return answer
        return None

    def _may_pull(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.registry.auth == "Bearer":
            return given == f"Bearer {TOKEN}" or (self.registry.anonymous_may_pull and given == f"Bearer {ANONYMOUS}")
        return self.registry.auth is None or self._is_user(given)

    def _is_user(self, given: str) -> bool:
        name, _, password = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
        return bool(name) and self.registry.users.get(name) == password

    def _token(self, query: Mapping[str, str], form: Mapping[str, list[str]]) -> None:
        given = self.headers.get("Authorization", "")
        if form.get("refresh_token") == ["identity-token-9"]:
            self._send(200, json.dumps({"access_token": TOKEN, "expires_in": 300}).encode())
        elif given and not self._is_user(given):
            self._refuse(401, "UNAUTHORIZED")
        else:
            assert query["scope"] == "repository:team/app:pull"
            assert query["service"] == "test"
            self._send(200, json.dumps({"token": TOKEN if given else ANONYMOUS, "expires_in": 300}).encode())

    def _manifest(self, wanted: str) -> None:
        content = self.registry.manifests.get(wanted)
        if content is None:
            self._refuse(404, "MANIFEST_UNKNOWN")
            return
        accepted = self.headers["Accept"].split(", ")
        assert len(accepted) == 4
        headers = {"Docker-Content-Digest": digest_of(content), "Content-Type": accepted[2]}
        self._send(200, content, headers)

    def _blob_or_redirect(self, digest: str, planned: Cut | None) -> None:
        if self.registry.cdn is None:
            self._blob(digest, planned)
            return
        self._send(307, b"", {"Location": f"{self.registry.cdn.url}/cdn/{digest}?X-Amz-Signature={SIGNATURE}"})

    def _blob(self, digest: str, cut: Cut | None) -> None:
        blob = self.registry.blobs.get(digest)
        if blob is None:
            self._refuse(404, "BLOB_UNKNOWN")
            return
        if isinstance(blob, LongBlob):
            self._head(200, {"Content-Length": str(blob.size)})
            for piece in blob.pieces():
                self.wfile.write(piece)
            return
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and self.registry.takes_ranges else 0
        if start and start >= len(blob):
            self._send(416, b"")
            return
        body, headers = blob[start:], {}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(blob) - 1}/{len(blob)}"
        if self.registry.announces_length:
            headers["Content-Length"] = str(len(body))
        self._head(206 if start else 200, headers)
        self.wfile.write(body if cut is None else body[: cut.after])
        if cut is not None or not self.registry.announces_length:
            self.close_connection = True

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": f"the registry says {code.lower()}"}]})
        self._send(status, body.encode(), headers or {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
