"""Manifests and indexes, of both Docker and OCI."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pytest_deploycheck.facts.image import Child, Layer, Manifest, Platform

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

MEDIA_TYPES = (DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX)
"""The kinds of manifest that a registry is asked for."""

_ATTESTATION = "attestation-manifest"


class ManifestError(ValueError):
    """The bytes are not the expected manifest."""


def digest_of(content: bytes) -> str:
    """Return the digest of `content` in a registry."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def parse(content: bytes, *, digest: str | None = None) -> Manifest:
    """Read a manifest or an index; attestations are dropped from an index.

    Args:
        content: The bytes, exactly as the registry holds them.
        digest: The digest they must have, or None to take what they have.

    Raises:
        ManifestError: The digest differs, the content is not JSON, or its kind is not supported.
    """
    actual = digest_of(content)
    if digest is not None and actual != digest:
        raise ManifestError(f"the registry's manifest does not match its digest: expected {digest}, computed {actual}")
    try:
        document = json.loads(content)
        media_type = document.get("mediaType") or _guess(document)
        if media_type in (DOCKER_LIST, OCI_INDEX):
            return Manifest(actual, media_type, children=tuple(_children(document)))
        if media_type in (DOCKER_MANIFEST, OCI_MANIFEST):
            layers = tuple(_layer(entry) for entry in document["layers"])
            return Manifest(actual, media_type, config=document["config"]["digest"], layers=layers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"manifest {actual} cannot be read: {error!r}") from error
    raise ManifestError(f"manifest {actual} is of a kind that is not supported: {media_type}")


def _layer(entry: dict[str, Any]) -> Layer:
    return Layer(entry["digest"], entry["size"], entry.get("mediaType", ""))


def _guess(document: dict[str, Any]) -> str:
    """Return the media type by the members, as an OCI manifest need not name it."""
    if "manifests" in document:
        return OCI_INDEX
    return OCI_MANIFEST if "config" in document else f"schema {document.get('schemaVersion')}"


def _children(index: dict[str, Any]) -> list[Child]:
    children = []
    for entry in index["manifests"]:
        platform = _platform(entry.get("platform"))
        annotations = entry.get("annotations") or {}
        is_attestation = annotations.get("vnd.docker.reference.type") == _ATTESTATION
        if not is_attestation and (platform is None or platform.os != "unknown"):
            children.append(Child(entry["digest"], platform))
    return children


def _platform(entry: dict[str, Any] | None) -> Platform | None:
    if not entry:
        return None
    variant, version = (
        value if isinstance(value := entry.get(key), str) else None for key in ("variant", "os.version")
    )
    return Platform(entry["os"], entry["architecture"], variant, version)
