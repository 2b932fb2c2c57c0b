"""The image of the benchmarks: its layers, configuration and manifest, as files of a folder."""

from __future__ import annotations

import gzip
import json
import random
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from generated_layer import GeneratedLayer

SOURCE = "app"
PLACE = "/app"
FILES = 2_000
NEEDLE = f"{PLACE}/articles/module_0777.py"
ABSENT = "/etc/secrets/token.pem"

OCI = "application/vnd.oci.image"
"""The beginning of the media types of the image."""

_BASE_FILES = 10_000
_BASE_FILE = 30_000
_LIBRARY_FILES = 1_000
_LIBRARY_FILE = 10_000
_CREATED = "2025-11-25T10:00:00Z"


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


def built(folder: Path, base: int) -> tuple[dict[str, Blob], Stored, list[Blob]]:
    """Return the blobs by digest, the manifest, and the layers from the bottom up.

    Args:
        folder: The folder for the files, which gets the source tree as well.
        base: Bytes of a base layer that is generated; 0 for one that is stored.
    """
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
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": stored.descriptor(f"{OCI}.config.v1+json"),
        "layers": [layer.descriptor(f"{OCI}.layer.v1.tar+gzip") for layer in layers],
    }
    blobs: dict[str, Blob] = {blob.digest: blob for blob in (stored, *layers)}
    return blobs, _document(folder / "manifest", manifest), layers


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


def _document(path: Path, content: object) -> Stored:
    data = json.dumps(content).encode()
    path.write_bytes(data)
    return Stored(path, f"sha256:{sha256(data).hexdigest()}")
