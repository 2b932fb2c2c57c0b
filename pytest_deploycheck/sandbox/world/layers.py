"""Layers of images, as bytes that hash to their digests."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Compression = Literal["gzip", "zstd", ""]
"""The compression of a layer; an empty text is a plain tar."""


@dataclass(frozen=True, slots=True)
class SandboxLayer:
    """One layer of an image.

    Attributes:
        digest: The digest of the layer as it is stored (compressed).
        diff_id: The digest of the uncompressed tar: equal content has an equal diff id.
        created_by: The build step that made it, as in the image's history.
        data: The bytes as stored.
        compression: The compression of the bytes.
        media_type: The media type in the manifest; empty stands for the one that fits.
    """

    digest: str
    diff_id: str
    created_by: str
    data: bytes = field(repr=False)
    compression: Compression = "gzip"
    media_type: str = ""


def digest_of(data: bytes) -> str:
    """Return the digest of `data` as registries write it."""
    return f"sha256:{sha256(data).hexdigest()}"


def sandbox_layer(
    files: Mapping[str, str | bytes] = MappingProxyType({}),
    created_by: str = "",
    *,
    links: Mapping[str, str] = MappingProxyType({}),
    entries: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
    compression: Compression = "gzip",
    media_type: str = "",
) -> SandboxLayer:
    """Pack a layer, to be pushed as one of the `layers` of an image.

    Equal files give an equal diff id.

    Args:
        files: The content of files by their path in the image. A whiteout is an empty file: `app/.wh.old.py` removes
            `app/old.py`, `app/.wh..wh..opq` everything that lower layers have in `app`.
        created_by: The build step, such as `COPY app/ ./app/`; default: one that would have added these files.
        links: The targets of symbolic links by their path.
        entries: Further entries of the tar with their content, written as they are.
        compression: The compression of the stored bytes.
        media_type: The media type in the manifest, where it is to differ from the actual one.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for folder in sorted({parent for path in (*files, *links) for parent in _parents(path)}):
            entry = tarfile.TarInfo(folder)
            entry.type = tarfile.DIRTYPE
            entry.mode = 0o755
            archive.addfile(entry)
        for path, content in sorted(files.items()):
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(path.strip("/"))
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for path, target in sorted(links.items()):
            entry = tarfile.TarInfo(path.strip("/"))
            entry.type = tarfile.SYMTYPE
            entry.linkname = target
            archive.addfile(entry)
        for entry, data in entries:
            archive.addfile(entry, io.BytesIO(data))
    tar = buffer.getvalue()
    stored = _compressed(tar, compression)
    return SandboxLayer(
        digest_of(stored), digest_of(tar), created_by or copy_step(files or links), stored, compression, media_type
    )


def copy_step(files: Iterable[str]) -> str:
    """Return the build step that would have added these files, as BuildKit writes it."""
    tops = {path.strip("/").partition("/")[::2] for path in files}
    names = {top for top, _ in tops}
    if len(names) != 1:
        return "COPY . . # buildkit"
    (name,) = names
    in_folder = any(below for _, below in tops)
    return f"COPY {name}/ ./{name}/ # buildkit" if in_folder else f"COPY {name} ./ # buildkit"


def _parents(path: str) -> list[str]:
    parts = path.strip("/").split("/")[:-1]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _compressed(tar: bytes, compression: Compression) -> bytes:
    if compression == "zstd":
        return zstandard.ZstdCompressor().compress(tar)
    return gzip.compress(tar, mtime=0) if compression else tar
