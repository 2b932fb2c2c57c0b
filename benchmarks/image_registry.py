"""A registry in a process of its own, with one image of 300 MB in it: python benchmarks/image_registry.py FOLDER BASE.

A base layer of BASE bytes is generated while it is served; with 0 it is a file of 300 MB.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from generated_layer import GeneratedLayer
from image_build import OCI, Blob, Stored, built
from served_world import ServedWorld, serve

REPOSITORY = "shop/backend"
TAG = "1"


class Served(NamedTuple):
    """The traffic of the registry.

    Attributes:
        requests: Requests for manifests and blobs.
        received: Bytes of all answers' bodies.
        layers: How often each layer was asked for, from the bottom up.
    """

    requests: int
    received: int
    layers: tuple[int, ...]


class ImageWorld(ServedWorld):
    """A registry with the image, and the source tree that its uppermost layer was made from.

    Args:
        base: Bytes of a base layer that is generated; 0 for one that is stored.

    Attributes:
        root: The folder that has the source tree.
    """

    def __init__(self, base: int = 0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="benchmarks-registry-")
        self.root = Path(self._folder.name)
        super().__init__(__file__, self._folder.name, str(base))

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._folder.cleanup()

    @property
    def reference(self) -> str:
        """The image, as tools name it."""
        return f"{self.about['host']}/{REPOSITORY}:{TAG}"

    @property
    def layers(self) -> tuple[int, ...]:
        """Bytes of each layer as stored, from the bottom up."""
        return tuple(self.about["layers"])

    @property
    def beside(self) -> int:
        """Bytes of the manifest and the configuration."""
        return int(self.about["beside"])

    def served(self) -> Served:
        """Return the traffic since the last call of this method."""
        requests, received, layers = self._order("served")
        return Served(requests, received, tuple(layers))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, blobs: Mapping[str, Blob], manifest: Stored) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs = blobs
        self.manifest = manifest
        self.given: list[tuple[str, int]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        asked = re.fullmatch(rf"/v2/{REPOSITORY}/(manifests|blobs)/(.+)", self.path)
        if self.path == "/v2/":
            self._head(200, {"Content-Length": "2"})
            self.wfile.write(b"{}" if with_body else b"")
            return
        stored = self._find(asked[1], asked[2]) if asked else None
        if asked is None or stored is None:
            self._head(404, {"Content-Length": "0"})
            return
        kind = f"{OCI}.manifest.v1+json" if asked[1] == "manifests" else "application/octet-stream"
        length = str(stored.size)
        self._head(200, {"Content-Length": length, "Content-Type": kind, "Docker-Content-Digest": stored.digest})
        if with_body:
            self._send(stored)

    def _find(self, kind: str, wanted: str) -> Blob | None:
        if kind == "blobs":
            return self.server.blobs.get(wanted)
        return self.server.manifest if wanted in {TAG, self.server.manifest.digest} else None

    def _send(self, stored: Blob) -> None:
        self.wfile.flush()
        if isinstance(stored, GeneratedLayer):
            sent = 0
            try:
                for chunk in stored.chunks():
                    self.connection.sendall(chunk)
                    sent += len(chunk)
            finally:
                self.server.given.append((stored.digest, sent))
            return
        # A client that hangs up early got no more than was taken from the file.
        with stored.path.open("rb") as file:
            try:
                self.connection.sendfile(file)
            finally:
                self.server.given.append((stored.digest, file.tell()))

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _serve(folder: Path, base: int) -> None:
    blobs, manifest, layers = built(folder, base)
    config = next(blob for digest, blob in blobs.items() if digest not in {layer.digest for layer in layers})
    about = {"layers": [layer.size for layer in layers], "beside": manifest.size + config.size}
    with _Server(blobs, manifest) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

        def served() -> tuple[int, int, list[int]]:
            given, server.given = server.given, []
            counts = [sum(digest == layer.digest for digest, _ in given) for layer in layers]
            return len(given), sum(size for _, size in given), counts

        serve({"host": f"127.0.0.1:{server.server_port}", **about}, {"served": served})
        server.shutdown()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
