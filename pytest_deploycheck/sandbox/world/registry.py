"""The image registries: repositories, their images and tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_deploycheck.sandbox.world.layers import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.account import Account
    from pytest_deploycheck.sandbox.world.images import BuiltImage, BuiltManifest
    from pytest_deploycheck.sandbox.world.layers import SandboxLayer
    from pytest_deploycheck.sandbox.world.names import SandboxReference

TagMutability = Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]
"""The tag mutability settings of a repository."""


@dataclass(frozen=True, slots=True)
class SandboxImage:
    """An image as it was pushed.

    Attributes:
        uri: The whole reference it was pushed by.
        repository: The repository's name.
        tags: The tags given with the push. They may have moved on since.
        digest: The digest of the manifest, or of the index of several platforms.
        pushed_at: When it was pushed.
        layers: The layers of the first platform, lowest first; the last is the one with the application.
        children: The digests of an index's manifests by platform as it was given, such as `linux/amd64`; empty without
            an index.
    """

    uri: str
    repository: str
    tags: tuple[str, ...]
    digest: str
    pushed_at: datetime
    layers: tuple[SandboxLayer, ...]
    children: Mapping[str, str]

    @property
    def uri_by_digest(self) -> str:
        """The whole reference by digest instead of tag."""
        host_and_name = self.uri.partition("@")[0]
        head, _, tail = host_and_name.rpartition("/")
        return f"{head}/{tail.partition(':')[0]}@{self.digest}"


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A manifest or an index in a repository.

    Attributes:
        manifest: The document.
        pushed_at: When it first came; pushing it again changes nothing.
    """

    manifest: BuiltManifest
    pushed_at: datetime


@dataclass(slots=True)
class Repository:
    """One repository of one registry.

    Attributes:
        account: The account whose registry it is in.
        region: The region of that registry.
        name: Its name.
        created_at: When it was created.
        images: Its images by digest, oldest first.
        tags: The digest that each tag points to.
        blobs: Configs and layers by digest.
        mutability: Whether its tags can be moved, as ECR tells it.
        excluded_tags: The patterns of tags for which the opposite holds.
    """

    account: str
    region: str
    name: str
    created_at: datetime
    images: dict[str, StoredImage] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    mutability: TagMutability = "MUTABLE"
    excluded_tags: tuple[str, ...] = ()

    def push(self, built: BuiltImage, tags: tuple[str, ...], at: datetime) -> None:
        """Add an image; each tag moves to it from the image that it pointed to."""
        self.blobs.update(built.blobs)
        for manifest in (*(child.manifest for child in built.children), built.top):
            self.images.setdefault(manifest.digest, StoredImage(manifest, at))
        self.tags.update(dict.fromkeys(tags, built.top.digest))

    def digest(self, *, tag: str = "", digest: str = "") -> str | None:
        """Return the digest of the image with a tag or a digest; None if it does not exist."""
        found = digest or self.tags.get(tag or "latest", "")
        return found if found in self.images else None

    def tags_of(self, digest: str) -> list[str]:
        """Return the tags which point to a digest now."""
        return [tag for tag, target in self.tags.items() if target == digest]

    def remove(self, digest: str) -> None:
        """Forget an image and its tags; its blobs stay for other images that share them."""
        del self.images[digest]
        for tag in self.tags_of(digest):
            del self.tags[tag]


@dataclass(slots=True)
class Registries:
    """The image registries of all accounts.

    Attributes:
        account: The account of the callers.
        repositories: The repositories by account, region and name.
    """

    account: Account
    repositories: dict[tuple[str, str, str], Repository] = field(default_factory=dict)

    def find(self, account: str, region: str, name: str) -> Repository | None:
        """Return a repository; None if it does not exist."""
        return self.repositories.get((account, region, name))

    def open(self, reference: SandboxReference, at: datetime) -> Repository:
        """Return the repository that a reference names; it is created if it does not exist.

        Raises:
            ValueError: If the reference is not to an ECR registry.
        """
        if not reference.account:
            raise ValueError(f"{reference.uri} is not in an ECR registry: nothing can be pushed there")
        key = (reference.account, reference.region, reference.repository)
        if key not in self.repositories:
            self.repositories[key] = Repository(*key, created_at=at)
        return self.repositories[key]

    def existing(self, reference: SandboxReference) -> tuple[Repository, str]:
        """Return the repository and the digest a reference names.

        Raises:
            LookupError: If it is not there.
        """
        repository = self.find(reference.account, reference.region, reference.repository)
        if repository is None:
            raise LookupError(f"{reference.uri} is not there: nothing was pushed to {reference.repository}")
        digest = repository.digest(tag=reference.tag, digest=reference.digest)
        if digest is None:
            known = ", ".join(sorted(repository.tags)) or "none"
            raise LookupError(f"{reference.uri} is not there. Tags of {reference.repository}: {known}")
        return repository, digest

    def resolve(self, reference: SandboxReference) -> str | None:
        """Return the digest a task would pull, or None where the pull would fail."""
        if not reference.account:
            return reference.digest or digest_of(reference.uri.encode())
        try:
            return self.existing(reference)[1]
        except LookupError:
            return None
