"""Building real images: layers, configs, manifests and indexes, as bytes that hash to their digests."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

ImageFormat = Literal["oci", "docker"]
"""Whose media types an image is written with."""

Compression = Literal["gzip", "zstd", ""]
"""How a layer is stored; an empty text is a plain tar."""

_OCI = "application/vnd.oci.image"
_DOCKER = "application/vnd.docker"
_MEDIA_TYPES: dict[ImageFormat, dict[str, str]] = {
    "oci": {
        "index": f"{_OCI}.index.v1+json",
        "manifest": f"{_OCI}.manifest.v1+json",
        "config": f"{_OCI}.config.v1+json",
        "layer": f"{_OCI}.layer.v1.tar",
        "gzip": "+gzip",
        "zstd": "+zstd",
    },
    "docker": {
        "index": f"{_DOCKER}.distribution.manifest.list.v2+json",
        "manifest": f"{_DOCKER}.distribution.manifest.v2+json",
        "config": f"{_DOCKER}.container.image.v1+json",
        "layer": f"{_DOCKER}.image.rootfs.diff.tar",
        "gzip": ".gzip",
        "zstd": ".zstd",
    },
}


@dataclass(frozen=True, slots=True)
class SandboxLayer:
    """One layer of an image.

    Attributes:
        digest: The digest of the layer as it is stored (compressed).
        diff_id: The digest of the uncompressed tar: equal content has an equal diff id.
        created_by: The build step that made it, as the image's history tells it.
        data: The bytes as stored.
        compression: How they are stored.
        media_type: What the manifest says they are; empty says what they are.
    """

    digest: str
    diff_id: str
    created_by: str
    data: bytes = field(repr=False)
    compression: Compression = "gzip"
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class BuiltManifest:
    """A manifest or an index, as it is stored.

    Attributes:
        media_type: Its media type.
        data: Its bytes; the image's digest is theirs.
        size: Bytes of the layers it names.
        artifact_type: The media type of its config; empty for an index.
        platform: `os/architecture`; empty for an index.
        is_attestation: Whether it carries provenance instead of an image.
    """

    media_type: str
    data: bytes = field(repr=False)
    size: int = 0
    artifact_type: str = ""
    platform: str = ""
    is_attestation: bool = False

    @property
    def digest(self) -> str:
        """The digest of its bytes."""
        return digest_of(self.data)


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image ready to be pushed.

    Attributes:
        top: What the tag will point to: a manifest, or an index where there are several platforms.
        children: The manifests an index names; empty without an index.
        layers: The layers, lowest first; the last is the one with the application.
        blobs: Configs and layers by digest.
    """

    top: BuiltManifest
    children: tuple[BuiltManifest, ...]
    layers: tuple[SandboxLayer, ...]
    blobs: Mapping[str, bytes] = field(repr=False)


def digest_of(data: bytes) -> str:
    """Return the digest of `data` as registries write it."""
    return f"sha256:{sha256(data).hexdigest()}"


def build_layer(files: Mapping[str, str | bytes], created_by: str, *, compress: bool = True) -> SandboxLayer:
    """Pack files into a layer; equal files give an equal diff id, whenever they are packed."""
    return sandbox_layer(files, created_by, compression="gzip" if compress else "")


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

    Args:
        files: What files hold, by their path in the image. A whiteout is an empty file: `app/.wh.old.py` takes
            `app/old.py` away, `app/.wh..wh..opq` all that lower layers have in `app`.
        created_by: The build step, such as `COPY app/ ./app/`; default: the one that would have brought these files.
        links: Symbolic links: where each leads, by its path.
        entries: More entries of the tar with what they hold, as they are, however odd.
        compression: How it is stored.
        media_type: What the manifest says it is, where it is to say something else than what it is.
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
    """Return the build step that would have brought these files, as BuildKit words it."""
    tops = {path.strip("/").partition("/")[::2] for path in files}
    names = {top for top, _ in tops}
    if len(names) != 1:
        return "COPY . . # buildkit"
    (name,) = names
    in_folder = any(below for _, below in tops)
    return f"COPY {name}/ ./{name}/ # buildkit" if in_folder else f"COPY {name} ./ # buildkit"


def build_image(
    layers: Sequence[SandboxLayer],
    *,
    labels: Mapping[str, str],
    platforms: Sequence[str],
    created: datetime,
    image_format: ImageFormat,
    settings: Mapping[str, Any],
    empty_steps: Sequence[str],
) -> BuiltImage:
    """Build an image of these layers: a manifest for one platform, an index for more."""
    blobs = {layer.digest: layer.data for layer in layers}
    said = {"Cmd": ["python", "-m", "app"], "WorkingDir": "/", "Labels": dict(labels), **settings}
    manifests = []
    for platform in platforms:
        config = _json(_config(layers, said, empty_steps, platform, created))
        blobs[digest_of(config)] = config
        manifests.append(_manifest(config, layers, platform, image_format))
    if len(manifests) == 1:
        return BuiltImage(manifests[0], (), tuple(layers), blobs)
    if image_format == "oci":
        manifests += [_attestation(manifest, blobs) for manifest in manifests]
    index = _index(manifests, image_format)
    return BuiltImage(index, tuple(manifests), tuple(layers), blobs)


def _parents(path: str) -> list[str]:
    parts = path.strip("/").split("/")[:-1]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _compressed(tar: bytes, compression: Compression) -> bytes:
    if compression == "zstd":
        return zstandard.ZstdCompressor().compress(tar)
    return gzip.compress(tar, mtime=0) if compression else tar


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


def _config(
    layers: Sequence[SandboxLayer],
    settings: Mapping[str, Any],
    empty_steps: Sequence[str],
    platform: str,
    created: datetime,
) -> dict[str, Any]:
    os, _, architecture = platform.partition("/")
    when = created.isoformat().replace("+00:00", "Z")
    history: list[dict[str, Any]] = [{"created": when, "created_by": layers[0].created_by}]
    history.append({"created": when, "created_by": "WORKDIR /", "empty_layer": True})
    history += [{"created": when, "created_by": layer.created_by} for layer in layers[1:]]
    history += [
        {"created": when, "created_by": step, "empty_layer": True}
        for step in ('CMD ["python" "-m" "app"]', *empty_steps)
    ]
    return {
        "architecture": architecture,
        "os": os,
        "created": when,
        "config": dict(settings),
        "history": history,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _manifest(config: bytes, layers: Sequence[SandboxLayer], platform: str, image_format: ImageFormat) -> BuiltManifest:
    types = _MEDIA_TYPES[image_format]
    document = {
        "schemaVersion": 2,
        "mediaType": types["manifest"],
        "config": _descriptor(types["config"], config),
        "layers": [
            _descriptor(layer.media_type or types["layer"] + types.get(layer.compression, ""), layer.data)
            for layer in layers
        ],
    }
    size = len(config) + sum(len(layer.data) for layer in layers)
    return BuiltManifest(types["manifest"], _json(document), size, types["config"], platform)


def _attestation(subject: BuiltManifest, blobs: dict[str, bytes]) -> BuiltManifest:
    types = _MEDIA_TYPES["oci"]
    statement = _json({"_type": "https://in-toto.io/Statement/v0.1", "subject": [{"digest": subject.digest}]})
    config = _json({"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": []}})
    blobs |= {digest_of(statement): statement, digest_of(config): config}
    document = {
        "schemaVersion": 2,
        "mediaType": types["manifest"],
        "config": _descriptor(types["config"], config),
        "layers": [_descriptor("application/vnd.in-toto+json", statement)],
    }
    size = len(config) + len(statement)
    return BuiltManifest(
        types["manifest"], _json(document), size, types["config"], "unknown/unknown", is_attestation=True
    )


def _index(manifests: Sequence[BuiltManifest], image_format: ImageFormat) -> BuiltManifest:
    types = _MEDIA_TYPES[image_format]
    subjects = [manifest.digest for manifest in manifests if not manifest.is_attestation]
    entries = []
    for position, manifest in enumerate(manifests):
        os, _, architecture = manifest.platform.partition("/")
        entry = _descriptor(manifest.media_type, manifest.data)
        entry["platform"] = {"architecture": architecture, "os": os}
        if manifest.is_attestation:
            entry["annotations"] = {
                "vnd.docker.reference.digest": subjects[position - len(subjects)],
                "vnd.docker.reference.type": "attestation-manifest",
            }
        entries.append(entry)
    document = {"schemaVersion": 2, "mediaType": types["index"], "manifests": entries}
    return BuiltManifest(types["index"], _json(document), sum(manifest.size for manifest in manifests))
