"""Controls of the image registries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.world.images import BuiltImage, BuiltManifest, ImageBuild, ImageFormat
from pytest_deploycheck.sandbox.world.layers import SandboxLayer, sandbox_layer
from pytest_deploycheck.sandbox.world.registry import SandboxImage, TagMutability

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.layers import Compression
    from pytest_deploycheck.sandbox.world.registry import Repository
    from pytest_deploycheck.sandbox.world.world import World

_LINUX_BASE: Mapping[str, str] = {"etc/os-release": 'ID=debian\nVERSION_ID="12"\n', "usr/bin/python": "#!python\n"}
_LINUX_STEP = "# debian.sh --arch 'amd64' out/ 'bookworm'"
_WINDOWS_BASE: Mapping[str, str] = {"Files/Windows/System32/kernel32.dll": "MZ", "Hives/Software_Delta": "regf"}
_WINDOWS_STEP = "Apply image 10.0.20348.2762"
_LINUX = ("linux/amd64",)

Files = Mapping[str, str | bytes]
"""The content of files by their path in the image."""

Content = Files | Sequence[SandboxLayer]
"""The content of an image for one platform: the application's files, or all its layers."""


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
        platforms: Mapping[str, Content] | Sequence[str | tuple[str, Content]] = _LINUX,
        attested: bool | None = None,
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
            reference: The repository and the first tag. Without a registry host it refers to the sandbox's own account
                and region. A tag moves to this image from an earlier one.
            files: The application's files by their path in the image.
            tags: Further tags.
            labels: The labels of its config.
            at: When it is pushed; default: now. Pushing an image that exists already keeps the earlier time.
            created: When it was built, as its config has it; default: `at`. It changes the digest.
            platforms: The platforms (`os[(os.version)]/architecture[/variant]`, such as `linux/arm/v7` or
                `windows(10.0.20348.2762)/amd64`), or a mapping or pairs from each to its own files or layers. Several
                platforms are pushed as an index, which the tag names, with a manifest and a digest for each. Layers of
                Windows have their files below `Files/`.
            attested: Whether the index names an attestation for each platform, as BuildKit writes it; True writes an
                index for a single platform as well. Default: for several platforms in the OCI format.
            base: The files of the base layer.
            cached_from: An earlier image whose application layer is used again, as Docker does with a cached COPY;
                `files` are ignored then.
            image_format: The media types it is written with.
            compress: Whether the layers are gzip; otherwise plain tar.
            layers: All its layers, lowest first, as `sandbox_layer` packs them, instead of the base layer and the one
                with `files`.
            settings: Further container settings of its config, such as `{"User": "app", "Env": ["A=1"]}`.
            empty_steps: Build steps without a layer, last in its history.

        Raises:
            ValueError: If the reference is not to an ECR registry, or a platform is malformed.
        """
        account = self._world.account
        with account.lock:
            pushed_at = account.moment(at)
            application = cached_from.layers[-1] if cached_from else files or {}
            given = platforms.items() if isinstance(platforms, Mapping) else platforms
            contents = [(each, layers or application) if isinstance(each, str) else each for each in given]
            build = ImageBuild(
                settings={"Labels": dict(labels or {}), **(settings or {})},
                created=account.moment(created or pushed_at),
                image_format=image_format,
                empty_steps=empty_steps,
                attested=attested,
            )
            built = build.image([(name, _layers(name, each, base, compress=compress)) for name, each in contents])
            return self._push(reference, built, tags, pushed_at)

    def push_manifest(
        self, reference: str, data: bytes, media_type: str, *, at: datetime | None = None
    ) -> SandboxImage:
        """Push a manifest as it is, such as one of an old format; its blobs need not exist.

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
        """Replace the bytes of a layer or a config without changing its digest, or delete it.

        Args:
            reference: The repository; a tag or digest in it is not looked at.
            digest: The blob's digest.
            data: The bytes it is served as from now on; None takes it away.

        Raises:
            LookupError: If the blob is unknown.
        """
        with self._world.account.lock:
            target = self._world.account.reference(reference)
            repository = self._world.registries.find(target.account, target.region, target.repository)
            if repository is None or digest not in repository.blobs:
                raise LookupError(f"Unknown blob {digest} in {target.repository}")
            if data is None:
                del repository.blobs[digest]
            else:
                repository.blobs[digest] = data

    def set_tag_mutability(self, reference: str, mutability: TagMutability, *, excluded: Sequence[str] = ()) -> None:
        """Set whether the tags of a repository can be moved. The repository is created if it does not exist.

        ECR reports it; the sandbox moves tags nevertheless.

        Args:
            reference: The repository; a tag or digest in it does not count.
            mutability: Whether its tags can be moved.
            excluded: Patterns of tags for which the opposite holds; for the kinds `…_WITH_EXCLUSION`.

        Raises:
            ValueError: If the reference is not to an ECR registry.
        """
        with self._world.account.lock:
            repository = self._open(reference)
            repository.mutability, repository.excluded_tags = mutability, tuple(excluded)

    def create_repository(self, reference: str) -> None:
        """Create an empty repository.

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
        """Delete a tag; the image remains available by digest.

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
            children={child.name: child.manifest.digest for child in built.children if not child.subject},
        )


def _layers(
    platform: str, content: Content | SandboxLayer, base: Files | None, *, compress: bool
) -> Sequence[SandboxLayer]:
    """Return all layers of a platform, given the layers or the files on top of the base layer."""
    if not isinstance(content, SandboxLayer | Mapping):
        return content
    compression: Compression = "gzip" if compress else ""
    usual, step = (_WINDOWS_BASE, _WINDOWS_STEP) if platform.startswith("windows") else (_LINUX_BASE, _LINUX_STEP)
    top = content if isinstance(content, SandboxLayer) else sandbox_layer(content, compression=compression)
    return sandbox_layer(base or usual, step, compression=compression), top
