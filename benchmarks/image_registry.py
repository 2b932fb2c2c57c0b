"""A registry in a process of its own, with one image of 300 MB in it: python benchmarks/image_registry.py FOLDER BASE.

A base layer of BASE bytes is generated while it is served; with 0 it is a file of 300 MB.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, NamedTuple, Self

from generated_layer import GeneratedLayer

REPOSITORY = "shop/backend"
TAG = "1"
SOURCE = "app"
PLACE = "/app"
FILES = 2_000
NEEDLE = f"{PLACE}/articles/module_0777.py"
ABSENT = "/etc/secrets/token.pem"

_BASE_FILES = 10_000
_BASE_FILE = 30_000
_LIBRARY_FILES = 1_000
_LIBRARY_FILE = 10_000

_CREATED = "2025-11-25T10:00:00Z"
_OCI = "application/vnd.oci.image"


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


@dataclass(frozen=True)
class Stored:
    """A blob in a file.

    Attributes:
        path: The file.
        digest: The digest of its bytes.
        diff_id: The digest of what is compressed in it.
    """

    path: Path
    digest: str
    diff_id: str = ""

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.path.stat().st_size

    def descriptor(self, media_type: str) -> dict[str, object]:
        """Return the descriptor by which a manifest names it."""
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}


Blob = Stored | GeneratedLayer


class ImageWorld:
    """A registry with the image, and the source tree that its uppermost layer was made from.

    Args:
        base: Bytes of a base layer that is generated; 0 for one that is stored.

    Attributes:
        host: Host and port of the registry.
        root: The folder that has the source tree.
        layers: Bytes of each layer as stored, from the bottom up.
        beside: Bytes of the manifest and the configuration.
    """

    def __init__(self, base: int = 0) -> None:
        self._base = base

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="benchmarks-registry-")
        self.root = Path(self._folder.name)
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._folder.name, str(self._base)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        about = self._answer()
        self.host: str = about["host"]
        self.layers: tuple[int, ...] = tuple(about["layers"])
        self.beside: int = about["beside"]
        return self

    def __exit__(self, *_: object) -> None:
        # Without orders it ends by itself.
        self._process.communicate()
        self._folder.cleanup()

    @property
    def reference(self) -> str:
        """The image, as tools name it."""
        return f"{self.host}/{REPOSITORY}:{TAG}"

    def served(self) -> Served:
        """Return the traffic since the last call of this method."""
        stdin = self._process.stdin
        assert stdin  # noqa: S101  # Popen was given a pipe
        stdin.write(b"served\n")
        stdin.flush()
        requests, received, layers = self._answer()
        return Served(requests, received, tuple(layers))

    def _answer(self) -> Any:
        stdout = self._process.stdout
        assert stdout  # noqa: S101  # Popen was given a pipe
        return json.loads(stdout.readline())


class _Hashing:
    """A file to write to that hashes what passes."""

    def __init__(self, file: BinaryIO | gzip.GzipFile) -> None:
        self._file = file
        self._hash = sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _layer(path: Path, files: Iterator[tuple[str, bytes]]) -> Stored:
    """A layer of these files, written as a stream: the base layer need not be in memory."""
    with path.open("wb") as file:
        stored = _Hashing(file)
        with gzip.GzipFile("", "wb", 1, stored, mtime=0) as compressed:
            tar = _Hashing(compressed)
            with tarfile.open(fileobj=tar, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
                _fill(archive, files)
    return Stored(path, stored.digest, tar.digest)


def _fill(archive: tarfile.TarFile, files: Iterator[tuple[str, bytes]]) -> None:
    folders: set[str] = set()
    for name, content in files:
        for parent in reversed([str(folder) for folder in Path(name).parents][:-1]):
            if parent not in folders:
                folders.add(parent)
                folder = tarfile.TarInfo(parent)
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(folder)
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, BytesIO(content))


def _base(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Return bytes that cannot be compressed, so that a reader fetches every one of them."""
    for number in range(_BASE_FILES):
        yield f"usr/lib/base/{number // 100:02d}/{number:04d}.so", chance.randbytes(_BASE_FILE)


def _libraries(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    for number in range(_LIBRARY_FILES):
        yield f"usr/lib/python3/site-packages/library/part_{number:04d}.py", _text(chance, _LIBRARY_FILE)


def _source(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    folders = ("orders", "articles", "customers", "payments")
    for number in range(FILES):
        yield f"{folders[number % len(folders)]}/module_{number:04d}.py", _text(chance, chance.randrange(500, 4_000))


def _text(chance: random.Random, size: int) -> bytes:
    """Text that shrinks about as much as a program does."""
    lines = []
    while size > 0:
        name, number = chance.getrandbits(32), chance.randrange(1000)
        lines.append(f"def handle_{name:08x}(request):\n    return answer(request, {number}, {name % 997})\n\n")
        size -= len(lines[-1])
    return "".join(lines).encode()


def _build(folder: Path, base: int) -> tuple[dict[str, Blob], Stored, list[Blob]]:
    """The blobs by digest, the manifest, and the layers from the bottom up."""
    chance = random.Random(20251125)  # noqa: S311  # no secret
    source = list(_source(chance))
    for name, content in source:
        path = folder / SOURCE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    layers: list[Blob] = [
        GeneratedLayer.of(base // _BASE_FILES, chance) if base else _layer(folder / "base", _base(chance)),
        _layer(folder / "libraries", _libraries(chance)),
        _layer(folder / "app-layer", ((f"{PLACE.strip('/')}/{name}", content) for name, content in source)),
    ]
    steps = [
        "/bin/sh -c #(nop) ADD file:5f8a1b5cbdae3bd1f5e6b7ab1d8b2a44 in / ",
        "RUN /bin/sh -c pip install --requirement requirements.txt # buildkit",
        f"COPY {SOURCE}/ {PLACE}/ # buildkit",
    ]
    history: list[Mapping[str, object]] = [{"created": _CREATED, "created_by": step} for step in steps]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": _CREATED,
        "config": {"Cmd": ["python", "-m", "app"], "WorkingDir": PLACE},
        "history": [*history, {"created": _CREATED, "created_by": "CMD python", "empty_layer": True}],
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    stored = _document(folder / "config", config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": stored.descriptor(f"{_OCI}.config.v1+json"),
        "layers": [layer.descriptor(f"{_OCI}.layer.v1.tar+gzip") for layer in layers],
    }
    blobs: dict[str, Blob] = {blob.digest: blob for blob in (stored, *layers)}
    return blobs, _document(folder / "manifest", manifest), layers


def _document(path: Path, content: object) -> Stored:
    data = json.dumps(content).encode()
    path.write_bytes(data)
    return Stored(path, f"sha256:{sha256(data).hexdigest()}")


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
        kind = f"{_OCI}.manifest.v1+json" if asked[1] == "manifests" else "application/octet-stream"
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
    blobs, manifest, layers = _build(folder, base)
    config = next(blob for digest, blob in blobs.items() if digest not in {layer.digest for layer in layers})
    with _Server(blobs, manifest) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        _write(
            {
                "host": f"127.0.0.1:{server.server_port}",
                "layers": [layer.size for layer in layers],
                "beside": manifest.size + config.size,
            }
        )
        for _ in sys.stdin:
            given, server.given = server.given, []
            counts = [sum(digest == layer.digest for digest, _ in given) for layer in layers]
            _write([len(given), sum(size for _, size in given), counts])
        server.shutdown()


def _write(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
