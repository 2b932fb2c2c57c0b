"""Finding images in their registries, with their manifests."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pytest_deploycheck.config.suggestions import nearest
from pytest_deploycheck.facts.image import Image, Manifest, Platform, Reference
from pytest_deploycheck.facts.rollout import Revision
from pytest_deploycheck.facts.snapshot import Judged, Lookup
from pytest_deploycheck.facts.task import Task
from pytest_deploycheck.observe.calls import Once, side_by_side
from pytest_deploycheck.observe.images.choice import Choice
from pytest_deploycheck.observe.images.contents import Contents
from pytest_deploycheck.observe.images.repositories import Repositories
from pytest_deploycheck.observe.problems import CALL_ERRORS
from pytest_deploycheck.observe.registry.errors import BlobError
from pytest_deploycheck.oci.manifest import ManifestError


class ImageFinder(Struct, frozen=True):
    """Finds images, each once.

    Attributes:
        repositories: Reads repositories of ECR.
        contents: Opens images.
        once: Keeps what cannot change within a run.
    """

    repositories: Repositories
    contents: Contents
    once: Once

    def find(self, reference: Reference, *, is_named: bool = False) -> Lookup:
        """Find an image; outside of ECR only where it was named, is on this machine, or there are credentials for it.

        A public registry is not contacted only because a sidecar comes from it.
        """
        if reference.ecr is None and not is_named and not self.contents.is_at_hand(reference):
            return Lookup(reference)
        look_up = self.repositories.look_up if reference.ecr else self.contents.look_up
        # The expected image is the one found first, even if its tag moves while the rollout is waited for.
        lookup = self.once.get(reference, lambda: look_up(reference), keep=_is_found)
        if reference.ecr and lookup.absent == "repository" and ":" in reference.host:
            # A host with a port may be that of a registry beside the emulator.
            return self.find(replace(reference, ecr=None), is_named=is_named)
        if reference.ecr and lookup.absent == "tag":
            lookup = replace(lookup, near=self._nearest_tag(reference))
        return replace(lookup, image=self._opened(lookup.image)) if lookup.image else lookup

    def _nearest_tag(self, reference: Reference) -> str:
        listed, _ = self.repositories.images(replace(reference, tag=None, digest=None))
        return nearest(reference.tag or "latest", (tag for image in listed or () for tag in image.tags)) or ""

    def find_or_recorded(self, choice: Choice, revision: Revision | None, *, is_named: bool) -> Lookup:
        """Return the image of the task definition's reference; if its tag is gone, the one that ECS resolved it to."""
        lookup = self.find(choice.pulled, is_named=is_named)
        if lookup.absent != "tag" or lookup.image or revision is None:
            return lookup
        recorded = next((one for one in revision.images if one.container == choice.container), None)
        if recorded is None or recorded.digest is None:
            return lookup
        image = self.find(replace(choice.pulled, tag=None, digest=recorded.digest)).image
        return replace(lookup, image=image, recorded=image is not None)

    def _opened(self, image: Image) -> Image:
        """The image with its manifest, and for an index those of its platforms that Linux tasks run on."""
        manifest = self._manifest(image.reference, image.digest)
        if manifest is None or not manifest.is_index:
            return replace(image, manifest=manifest)
        wanted = [child.digest for child in manifest.children if _is_common(child.platform)]
        platforms = side_by_side(lambda digest: self._manifest(image.reference, digest), wanted)
        return replace(image, manifest=manifest, platforms=tuple(one for one in platforms if one))

    def _manifest(self, reference: Reference, digest: str) -> Manifest | None:
        def ask() -> Manifest:
            if reference.ecr is None:
                return self.contents.manifest(reference, digest)
            return self.repositories.manifest(reference, digest)

        try:
            return self.once.get((reference.place, digest), ask)
        except (*CALL_ERRORS, BlobError, ManifestError, LookupError):
            # Without it the digest is still known; the judge decides what remains open.
            return None

    def running(self, judged: Sequence[Judged], tasks: Sequence[Task]) -> tuple[Image, ...]:
        """Return the images of the other digests that run, with their tags and the times at which they were pushed."""
        others: dict[Reference, None] = {}
        for one in judged:
            for task in tasks:
                container = task.container(one.container) if task.is_running else None
                if container and container.digest and container.digest != one.expected.digest:
                    others[replace(one.pulled.reference, tag=None, digest=container.digest)] = None
        lookups = side_by_side(self.find, list(others))
        return tuple(lookup.image for lookup in lookups if lookup.image)

    def described(self, reference: Reference) -> Image | None:
        """Return an image with its configurations, or None if it does not exist."""
        image = self.find(reference).image
        return self.contents.describe(image) if image else None


def _is_found(lookup: Lookup) -> bool:
    return lookup.image is not None and lookup.problem is None


def _is_common(platform: Platform | None) -> bool:
    return platform is None or platform.architecture in {"amd64", "arm64"}
