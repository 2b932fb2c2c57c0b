"""What a test does to the image registries of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.world.images import (
    BuiltImage,
    BuiltManifest,
    ImageFormat,
    build_image,
    build_layer,
    copy_step,
)
from pytest_deploycheck.sandbox.world.registry import SandboxImage, TagMutability

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.images import SandboxLayer
    from pytest_deploycheck.sandbox.world.registry import Repository
    from pytest_deploycheck.sandbox.world.world import World

_BASE: Mapping[str, str] = {"etc/os-release": 'ID=debian\nVERSION_ID="12"\n', "usr/bin/python": "#!python\n"}
_BASE_STEP = "# debian.sh --arch 'amd64' out/ 'bookworm'"


class RegistryControls:
    """The part of the sandbox that is about ECR."""

    _world: World

    def push_image(
        self,
        reference: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        tags: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        at: datetime | None = None,
        created: datetime | None = None,
        platforms: Sequence[str] = ("linux/amd64",),
        base: Mapping[str, str | bytes] | None = None,
        cached_from: SandboxImage | None = None,
        image_format: ImageFormat = "oci",
        compress: bool = True,
        layers: Sequence[SandboxLayer] = (),
        settings: Mapping[str, Any] | None = None,
        empty_steps: Sequence[str] = (),
    ) -> SandboxImage:
        """Build a real image and push it: a base layer, a layer with the application, a config, a manifest.

        Args:
            reference: Where to, and by which tag. Without a registry host, the sandbox's own account and
                region are meant. A tag moves to this image from an earlier one.
            files: The application's files by their path in the image.
            tags: More tags for it.
            labels: The labels of its config.
            at: When it is pushed; default: now. Pushing what is there already keeps the earlier time.
            created: When it was built, as its config says; default: `at`. It makes the digest another.
            platforms: The platforms (`os/architecture`); more than one makes an index, in the OCI format with
                an attestation for each.
            base: The files of the base layer.
            cached_from: An earlier image whose application layer is used again, as Docker does with a cached
                COPY; then `files` are not looked at.
            image_format: Whose media types it is written with.
            compress: Whether the layers are gzip; otherwise plain tar.
            layers: All its layers, lowest first, as `sandbox_layer` packs them, in place of the base layer and
                the one with `files`.
            settings: More of what its config says of a container, such as `{"User": "app", "Env": ["A=1"]}`.
            empty_steps: Build steps that made no layer, to come last in its history.

        Raises:
            ValueError: If the reference is not to an ECR registry.
        """
        world = self._world
        with world.account.lock:
            pushed_at = world.account.moment(at)
            all_layers = tuple(layers) or (
                build_layer(base or _BASE, _BASE_STEP, compress=compress),
                cached_from.layers[-1]
                if cached_from
                else build_layer(files or {}, copy_step(files or {}), compress=compress),
            )
            built = build_image(
                all_layers,
                labels=labels or {},
                platforms=platforms,
                created=world.account.moment(created or pushed_at),
                image_format=image_format,
                settings=settings or {},
                empty_steps=empty_steps,
            )
            return self._push(reference, built, tags, pushed_at)

    def push_manifest(
        self, reference: str, data: bytes, media_type: str, *, at: datetime | None = None
    ) -> SandboxImage:
        """Push a manifest as it is, such as one of an old kind; what it names need not be there.

        Args:
            reference: Where to, and by which tag.
            data: Its bytes.
            media_type: Its media type.
            at: When it is pushed; default: now.

        Raises:
            ValueError: If the reference is not to an ECR registry.
        """
        with self._world.account.lock:
            built = BuiltImage(BuiltManifest(media_type, data), (), (), {})
            return self._push(reference, built, (), self._world.account.moment(at))

    def replace_blob(self, reference: str, digest: str, data: bytes | None) -> None:
        """Let a layer or a config of a repository be other bytes than its digest says, or be gone.

        Args:
            reference: The repository; a tag or digest in it is not looked at.
            digest: The blob's digest.
            data: The bytes it is served as from now on; None takes it away.

        Raises:
            LookupError: If there is no such blob.
        """
        with self._world.account.lock:
            target = self._world.account.reference(reference)
            repository = self._world.registries.find(target.account, target.region, target.repository)
            if repository is None or digest not in repository.blobs:
                raise LookupError(f"There is no blob {digest} in {target.repository}")
            if data is None:
                del repository.blobs[digest]
            else:
                repository.blobs[digest] = data

    def set_tag_mutability(self, reference: str, mutability: TagMutability) -> None:
        """Say whether tags of a repository can be moved; it is made if it is not there, and in it they can.

        ECR tells it; the sandbox moves tags all the same.

        Raises:
            ValueError: If the reference is not to an ECR registry.
        """
        with self._world.account.lock:
            self._open(reference).mutability = mutability

    def create_repository(self, reference: str) -> None:
        """Make a repository with nothing in it.

        Raises:
            ValueError: If the reference is not to an ECR registry.
        """
        with self._world.account.lock:
            self._open(reference)

    def tag_image(self, reference: str, tag: str) -> None:
        """Give an image another tag, as a retag without a push does: the push time stays.

        Raises:
            LookupError: If the image is not there.
        """
        with self._world.account.lock:
            repository, digest = self._world.registries.existing(self._world.account.reference(reference))
            repository.tags[tag] = digest

    def delete_tag(self, reference: str) -> None:
        """Take a tag away; the image stays, to be had by digest.

        Raises:
            LookupError: If the tag is not there.
        """
        with self._world.account.lock:
            target = self._world.account.reference(reference)
            repository, _ = self._world.registries.existing(target)
            del repository.tags[target.tag or "latest"]

    def delete_image(self, reference: str) -> None:
        """Delete an image with all its tags, as a lifecycle policy does. Tasks that run it go on.

        Raises:
            LookupError: If the image is not there.
        """
        with self._world.account.lock:
            repository, digest = self._world.registries.existing(self._world.account.reference(reference))
            repository.remove(digest)

    def _open(self, reference: str) -> Repository:
        account = self._world.account
        return self._world.registries.open(account.reference(reference), account.now())

    def _push(self, reference: str, built: BuiltImage, tags: Sequence[str], pushed_at: datetime) -> SandboxImage:
        world = self._world
        target = world.account.reference(reference)
        repository = world.registries.open(target, pushed_at)
        all_tags = tuple(dict.fromkeys((target.tag or "latest", *tags)))
        repository.push(built, all_tags, pushed_at)
        return SandboxImage(
            uri=target.tagged(all_tags[0]).uri,
            repository=target.repository,
            tags=all_tags,
            digest=built.top.digest,
            pushed_at=repository.images[built.top.digest].pushed_at,
            layers=built.layers,
            children={child.platform: child.digest for child in built.children if not child.is_attestation},
        )
