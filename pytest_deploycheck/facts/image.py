"""Images as a registry describes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field


class Registry(Struct, frozen=True):
    """A private ECR registry: one per AWS account and region."""

    account: str
    region: str


class Reference(Struct, frozen=True):
    """A reference to an image, taken apart.

    Attributes:
        host: Host (and port) of the registry.
        repository: Name of the repository, without the host.
        tag: The tag named, or None.
        digest: The digest named (`sha256:…`), or None.
        ecr: The ECR registry that `host` is, or None for any other registry.
    """

    host: str
    repository: str
    tag: str | None = None
    digest: str | None = None
    ecr: Registry | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.host}/{self.repository}{tag}{digest}"

    @property
    def place(self) -> str:
        """Host and repository: where the image is kept."""
        return f"{self.host}/{self.repository}"


class Platform(Struct, frozen=True):
    """The platform of an image, in the words of the OCI image specification.

    Attributes:
        os: The operating system, such as `linux`.
        architecture: The CPU architecture, such as `amd64`.
        variant: The variant of the architecture, such as `v8`, or None.
        os_version: The version of Windows, such as `10.0.20348.2762`, or None.
    """

    os: str
    architecture: str
    variant: str | None = None
    os_version: str | None = None

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))

    @property
    def with_version(self) -> str:
        """The platform in words, with the version of the operating system: `windows(10.0.20348.2762)/amd64`."""
        os = f"{self.os}({self.os_version})" if self.os_version else self.os
        return "/".join(filter(None, (os, self.architecture, self.variant)))


class Child(Struct, frozen=True):
    """One entry of an index: the manifest of one platform."""

    digest: str
    platform: Platform | None


class Layer(Struct, frozen=True):
    """A layer of an image.

    Attributes:
        digest: The digest of its bytes as stored, compressed or not.
        size: Bytes, as stored.
        media_type: What the manifest says it is.
        diff_id: The digest of the tar inside, which equal content has in common; None where the configuration was not
            read.
        created_by: The build step that made it, as the image's history tells it; empty where that is not known.
    """

    digest: str
    size: int
    media_type: str = ""
    diff_id: str | None = None
    created_by: str = ""


class Step(Struct, frozen=True):
    """A step of the build, as the image's history tells it.

    Attributes:
        created_by: The instruction, such as `COPY app/ ./app/ # buildkit`.
        is_empty: Whether it made no layer.
    """

    created_by: str
    is_empty: bool = False


class ImageConfig(Struct, frozen=True):
    """The configuration of an image.

    Attributes:
        digest: The sha256 of its bytes.
        platform: What it was built for, or None where it does not say.
        created_at: When it says it was built (UTC), which a builder may set to anything; None where it does not say.
        labels: Its labels: claims of the builder.
        env: The names of its environment variables; their values may be secret, and are not kept.
        entrypoint: The entrypoint.
        command: The command.
        user: The user, or an empty string for root.
        working_dir: The folder in which it starts.
        steps: The steps of its build, from the bottom up.
        diff_ids: The digests of its layers' tars, from the bottom up.
    """

    digest: str
    platform: Platform | None = None
    created_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    steps: tuple[Step, ...] = ()
    diff_ids: tuple[str, ...] = ()

    def __hash__(self) -> int:
        # The labels are a mapping, which has no hash; the digest tells two configurations apart.
        return hash(self.digest)

    @property
    def revision(self) -> str | None:
        """The git revision that the builder says it was built from."""
        return self.labels.get("org.opencontainers.image.revision")


class Manifest(Struct, frozen=True):
    """A manifest or an index.

    Attributes:
        digest: The sha256 of its bytes.
        media_type: Which of the four kinds of manifest it is.
        children: For an index, the manifests of its platforms, without attestations.
        config: For a single manifest, the digest of the image's configuration.
        layers: For a single manifest, its layers from the bottom up.
    """

    digest: str
    media_type: str
    children: tuple[Child, ...] = ()
    config: str | None = None
    layers: tuple[Layer, ...] = ()

    @property
    def is_index(self) -> bool:
        """True if it lists the manifests of several platforms."""
        return bool(self.children) or self.config is None


class Image(Struct, frozen=True):
    """An image in a registry.

    Attributes:
        reference: The reference it was found by.
        digest: Digest of the manifest or index that the reference names.
        media_type: The kind of its manifest, as the registry says, or None.
        pushed_at: When that digest was first pushed (a retag keeps it), or None where it may not be read.
        tags: All tags that name the digest now.
        manifest: Its manifest or index, or None where it may not be read.
        platforms: For an index, the manifests of the platforms that were looked at.
        configs: The configurations of its manifests, as far as they were read.
    """

    reference: Reference
    digest: str
    media_type: str | None = None
    pushed_at: datetime | None = None
    tags: tuple[str, ...] = ()
    manifest: Manifest | None = None
    platforms: tuple[Manifest, ...] = ()
    configs: tuple[ImageConfig, ...] = ()

    def config_of(self, manifest: Manifest) -> ImageConfig | None:
        """The configuration of one of its manifests, if it was read."""
        return next((config for config in self.configs if config.digest == manifest.config), None)

    @property
    def children(self) -> tuple[Child, ...]:
        """The entries of an index; empty for a single manifest, and where the manifest was not read."""
        return self.manifest.children if self.manifest else ()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, from the bottom up; of an index, those of the first platform looked at."""
        manifests = (self.manifest, *self.platforms)
        return next((manifest.layers for manifest in manifests if manifest and manifest.layers), ())

    @property
    def uri(self) -> str:
        """The reference with its digest, which nothing can move."""
        return f"{self.reference.place}@{self.digest}"
