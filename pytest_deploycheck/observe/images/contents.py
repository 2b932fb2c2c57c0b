"""The contents of images: their configurations and their layers, wherever they are kept."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec.structs import replace

from pytest_deploycheck.facts.image import Image, ImageConfig, Layer, Manifest, Reference
from pytest_deploycheck.facts.snapshot import Lookup
from pytest_deploycheck.observe.calls import Once
from pytest_deploycheck.observe.registry import credentials as docker_config
from pytest_deploycheck.observe.registry.auth import is_local
from pytest_deploycheck.observe.registry.blob_cache import BlobCache
from pytest_deploycheck.observe.registry.blobs import Blobs, EcrBlobs
from pytest_deploycheck.observe.registry.client import RegistryClient
from pytest_deploycheck.observe.registry.errors import BlobError
from pytest_deploycheck.oci.config import described, parse_config
from pytest_deploycheck.oci.manifest import ManifestError

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session

_LARGEST_CONFIG = 8 * 1024 * 1024
"""Bytes of a configuration that are read; real ones have some thousand."""


class Contents:
    """Opens images.

    Args:
        session: The clients of AWS.
        cache: The folder in which blobs are kept by digest, or None for one that goes with the process.
    """

    def __init__(self, session: Session, cache: Path | None) -> None:
        self._registry = RegistryClient(overtime=session.overtime)
        self._blobs = Blobs(EcrBlobs(session.ecr, overtime=session.overtime), self._registry, BlobCache(cache))
        self._once = Once()

    def is_at_hand(self, reference: Reference) -> bool:
        """Return True if a registry outside of ECR is on this machine, or docker has credentials for it."""
        return is_local(reference.host) or docker_config.find(reference.host).credentials is not None

    def look_up(self, reference: Reference) -> Lookup:
        """Find an image outside of ECR."""
        return self._registry.look_up(reference)

    def manifest(self, reference: Reference, digest: str) -> Manifest:
        """A manifest or an index outside of ECR.

        Raises:
            BlobError: It cannot be fetched, or its kind is not supported.
        """
        return self._registry.manifest(reference, digest)

    def describe(self, image: Image) -> Image:
        """Return the image with its configurations, and its layers with their build steps.

        A configuration that cannot be read is left out: the digests are known without it.
        """
        configs: list[ImageConfig] = []

        def describe(manifest: Manifest) -> Manifest:
            config = self._config(image.reference, manifest)
            if config is None:
                return manifest
            configs.append(config)
            return replace(manifest, layers=described(manifest, config))

        return replace(
            image,
            manifest=describe(image.manifest) if image.manifest else None,
            platforms=tuple(map(describe, image.platforms)),
            configs=tuple(configs),
        )

    def open_layer(self, reference: Reference, layer: Layer) -> AbstractContextManager[BinaryIO]:
        """A layer to read while it arrives; its last bytes are returned only after its digest was verified.

        Raises:
            BlobError: It cannot be fetched, while opening as well as while reading.
        """
        return self._blobs.open(reference, layer.digest, layer.size)

    def _config(self, reference: Reference, manifest: Manifest) -> ImageConfig | None:
        digest = manifest.config
        if digest is None:
            return None
        try:
            return self._once.get(digest, lambda: self._read_config(reference, digest))
        except (BlobError, ManifestError):
            return None

    def _read_config(self, reference: Reference, digest: str) -> ImageConfig:
        with self._blobs.open(reference, digest) as file:
            content = file.read(_LARGEST_CONFIG)
            if file.read(1):
                raise ManifestError(f"configuration {digest} has more than {_LARGEST_CONFIG} bytes")
        return parse_config(content, digest=digest)
