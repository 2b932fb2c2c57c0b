"""Images: configs, manifests, indexes and attestations, as bytes that hash to their digests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pytest_deploycheck.sandbox.world.layers import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.layers import SandboxLayer

ImageFormat = Literal["oci", "docker"]
"""The media types that an image is written with."""

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
_PLATFORM = re.compile(r"(?P<os>\w+)(?:\((?P<version>[\w.-]+)\))?/(?P<architecture>\w+)(?:/(?P<variant>\w+))?")
_PREDICATE = "https://slsa.dev/provenance/v0.2"


class BuildPlatform(NamedTuple):
    """The platform of an image.

    Attributes:
        os: The operating system, such as `linux` or `windows`.
        architecture: The architecture, such as `amd64`.
        variant: The variant of the architecture, such as `v7`; often empty.
        os_version: The version of the operating system, such as `10.0.20348.2762`; empty but for Windows.
    """

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    @property
    def document(self) -> dict[str, str]:
        """Its members as in an index or a config."""
        members = {"architecture": self.architecture, "os": self.os}
        if self.os_version:
            members["os.version"] = self.os_version
        return members | ({"variant": self.variant} if self.variant else {})


class BuiltChild(NamedTuple):
    """A manifest that an index names.

    Attributes:
        name: The platform as it was given; empty for an attestation.
        platform: The platform.
        manifest: The manifest.
        subject: The digest of the manifest that an attestation is about; empty for an image.
    """

    name: str
    platform: BuildPlatform
    manifest: BuiltManifest
    subject: str = ""


@dataclass(frozen=True, slots=True)
class BuiltManifest:
    """A manifest or an index, as it is stored.

    Attributes:
        media_type: Its media type.
        data: Its bytes; their digest is that of the image.
        size: The bytes of the config and the layers it names.
        artifact_type: The media type of its config; empty for an index.
    """

    media_type: str
    data: bytes = field(repr=False)
    size: int = 0
    artifact_type: str = ""

    @property
    def digest(self) -> str:
        """The digest of its bytes."""
        return digest_of(self.data)


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image ready to be pushed.

    Attributes:
        top: The manifest or index that the tag will name.
        children: The manifests that an index names; empty without an index.
        layers: The layers of the first platform, lowest first; the last is the one with the application.
        blobs: Configs and layers by digest.
    """

    top: BuiltManifest
    children: tuple[BuiltChild, ...]
    layers: tuple[SandboxLayer, ...]
    blobs: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """The settings of a build that all its platforms share.

    Attributes:
        settings: The container settings in the config, such as `Labels`.
        created: When it is built, as the config has it.
        image_format: The media types it is written with.
        empty_steps: Build steps without a layer, last in the history.
        attested: Whether an index is written that names an attestation for each platform; None leaves it to the
            format and the number of platforms, as BuildKit does.
    """

    settings: Mapping[str, Any]
    created: datetime
    image_format: ImageFormat = "oci"
    empty_steps: Sequence[str] = ()
    attested: bool | None = None

    def image(self, platforms: Sequence[tuple[str, Sequence[SandboxLayer]]]) -> BuiltImage:
        """Build an image, given the layers for each platform: an index unless it is a lone manifest."""
        blobs: dict[str, bytes] = {}
        children = []
        for name, layers in platforms:
            platform = parse_platform(name)
            blobs |= {layer.digest: layer.data for layer in layers}
            children.append(BuiltChild(name, platform, self._build(layers, platform, blobs)))
        layers = tuple(platforms[0][1])
        if len(children) == 1 and not self.attested:
            return BuiltImage(children[0].manifest, (), layers, blobs)
        if self.image_format == "oci" and self.attested is not False:
            children += [_attestation(child, blobs) for child in children]
        return BuiltImage(_index(children, self.image_format), tuple(children), layers, blobs)

    def _build(self, layers: Sequence[SandboxLayer], platform: BuildPlatform, blobs: dict[str, bytes]) -> BuiltManifest:
        types = _MEDIA_TYPES[self.image_format]
        config = _json(self._config(layers, platform))
        blobs[digest_of(config)] = config
        descriptors = [
            _descriptor(layer.media_type or types["layer"] + types.get(layer.compression, ""), layer.data)
            for layer in layers
        ]
        return _manifest(self.image_format, config, descriptors)

    def _config(self, layers: Sequence[SandboxLayer], platform: BuildPlatform) -> dict[str, Any]:
        when = self.created.isoformat().replace("+00:00", "Z")
        history: list[dict[str, Any]] = [{"created": when, "created_by": layers[0].created_by}]
        history.append({"created": when, "created_by": "WORKDIR /", "empty_layer": True})
        history += [{"created": when, "created_by": layer.created_by} for layer in layers[1:]]
        history += [
            {"created": when, "created_by": step, "empty_layer": True}
            for step in ('CMD ["python" "-m" "app"]', *self.empty_steps)
        ]
        return {
            **platform.document,
            "created": when,
            "config": {"Cmd": ["python", "-m", "app"], "WorkingDir": "/", **self.settings},
            "history": history,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        }


def parse_platform(text: str) -> BuildPlatform:
    """Parse a platform, such as `linux/arm/v7` or `windows(10.0.20348.2762)/amd64`.

    Raises:
        ValueError: If it is not a platform.
    """
    found = _PLATFORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a platform: expected os[(os.version)]/architecture[/variant]")
    return BuildPlatform(found["os"], found["architecture"], found["variant"] or "", found["version"] or "")


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _manifest(image_format: ImageFormat, config: bytes, layers: Sequence[Mapping[str, Any]]) -> BuiltManifest:
    types = _MEDIA_TYPES[image_format]
    document = {
        "schemaVersion": 2,
        "mediaType": types["manifest"],
        "config": _descriptor(types["config"], config),
        "layers": layers,
    }
    size = len(config) + sum(layer["size"] for layer in layers)
    return BuiltManifest(types["manifest"], _json(document), size, types["config"])


def _attestation(child: BuiltChild, blobs: dict[str, bytes]) -> BuiltChild:
    subject = child.manifest.digest
    statement = _json(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": _PREDICATE,
            "subject": [{"name": "_", "digest": {"sha256": subject.removeprefix("sha256:")}}],
            "predicate": {"buildType": "https://mobyproject.org/buildkit@v1", "builder": {"id": ""}},
        }
    )
    platform = BuildPlatform("unknown", "unknown")
    rootfs = {"type": "layers", "diff_ids": [digest_of(statement)]}
    config = _json({**platform.document, "config": {}, "rootfs": rootfs})
    blobs |= {digest_of(statement): statement, digest_of(config): config}
    layer = _descriptor("application/vnd.in-toto+json", statement)
    manifest = _manifest("oci", config, [{**layer, "annotations": {"in-toto.io/predicate-type": _PREDICATE}}])
    return BuiltChild("", platform, manifest, subject)


def _index(children: Sequence[BuiltChild], image_format: ImageFormat) -> BuiltManifest:
    types = _MEDIA_TYPES[image_format]
    entries = []
    for child in children:
        entry = _descriptor(child.manifest.media_type, child.manifest.data) | {"platform": child.platform.document}
        if child.subject:
            entry["annotations"] = {
                "vnd.docker.reference.digest": child.subject,
                "vnd.docker.reference.type": "attestation-manifest",
            }
        entries.append(entry)
    document = {"schemaVersion": 2, "mediaType": types["index"], "manifests": entries}
    return BuiltManifest(types["index"], _json(document), sum(child.manifest.size for child in children))
