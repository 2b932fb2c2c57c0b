"""The repositories of ECR, each read for all services at once: its list of images, their manifests, its settings."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from pytest_deploycheck.facts.image import Image, Manifest, Reference, Registry
from pytest_deploycheck.facts.snapshot import Lookup
from pytest_deploycheck.observe.calls import Once, side_by_side
from pytest_deploycheck.observe.images import ecr
from pytest_deploycheck.observe.images.ecr import ImageId, Pulled, registry_of
from pytest_deploycheck.observe.problems import Answered, attempt
from pytest_deploycheck.observe.together import Together
from pytest_deploycheck.oci import manifest as oci

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session

_PULL, _LIST, _SETTINGS = "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:DescribeRepositories"

Movable = Callable[[str], bool]
"""Tells whether a repository lets a tag be moved from image to image."""


class Repositories:
    """Reads repositories of ECR; what was read is kept for the run.

    Args:
        session: The clients.
        once: Keeps what cannot change within a run.
    """

    def __init__(self, session: Session, once: Once) -> None:
        self._session = session
        self._once = once
        self._lock = threading.Lock()
        self._pulls: dict[str, Together[ImageId, Pulled | None]] = {}
        self._settings: dict[Registry, Together[str, Movable]] = {}

    def expect(self, references: Iterable[Reference]) -> None:
        """Note references to images that are going to be asked for, so that they are asked for along with others."""
        by_place: dict[str, list[Reference]] = defaultdict(list)
        for reference in references:
            if reference.ecr:
                by_place[reference.place].append(reference)
        for same in by_place.values():
            self._pulls_of(same[0]).expect(map(ImageId.of, same))
            self._settings_of(registry_of(same[0])).expect([same[0].repository])

    def look_up(self, reference: Reference) -> Lookup:
        """Find the image that a reference names: in the list of all images, else by a call for it alone.

        Its manifest and the settings of its repository are asked for at the same time.
        """
        jobs: Sequence[Callable[[], Any]] = (
            lambda: self._look_up(reference),
            # What keeps it from an answer is a problem of those who ask for the manifest.
            lambda: attempt(_PULL, lambda: self._pulls_of(reference).get(ImageId.of(reference))),
            lambda: self.movable_tags(reference),
        )
        lookup: Lookup = side_by_side(lambda job: job(), jobs)[0]
        return lookup

    def images(self, place: Reference) -> Answered[tuple[Image, ...]]:
        """Return all images of a repository, or the problem."""
        return self._once.get(
            ("images", place.place), lambda: attempt(_LIST, lambda: ecr.images(self._client(place), place))
        )

    def manifest(self, reference: Reference, digest: str) -> Manifest:
        """The manifest or index of `digest` in the repository of `reference`.

        Raises:
            oci.ManifestError: It is not what its digest promises, or of no supported kind.
            LookupError: The registry has no such manifest.
            botocore.exceptions.ClientError: It could not be read.
        """
        pulls = self._pulls_of(reference)
        known = pulls.known(ImageId.of(reference))
        pulled = known if known and known.digest == digest else pulls.get(ImageId("imageDigest", digest))
        if pulled is None:
            raise LookupError(digest)
        return oci.parse(pulled.manifest.encode(), digest=digest)

    def movable_tags(self, place: Reference) -> Answered[Movable]:
        """Return a function that tells whether the repository lets a tag be moved, or the problem."""
        settings = self._settings_of(registry_of(place))
        return self._once.get(
            ("movable tags", place.place), lambda: attempt(_SETTINGS, lambda: settings.get(place.repository))
        )

    def _look_up(self, reference: Reference) -> Lookup:
        listed, _ = self.images(replace(reference, tag=None, digest=None))
        return _in_list(reference, listed or ()) or ecr.look_up(self._client(reference), reference)

    def _pulls_of(self, reference: Reference) -> Together[ImageId, Pulled | None]:
        place = replace(reference, tag=None, digest=None)
        with self._lock:
            if place.place not in self._pulls:
                self._pulls[place.place] = Together(
                    _PULL, lambda ids: ecr.pull(self._client(place), place, ids), ecr.IMAGES_PER_CALL
                )
            return self._pulls[place.place]

    def _settings_of(self, registry: Registry) -> Together[str, Movable]:
        with self._lock:
            if registry not in self._settings:
                self._settings[registry] = Together(
                    _SETTINGS,
                    lambda names: ecr.movable_tags(self._session.ecr(registry.region), registry, names),
                    ecr.REPOSITORIES_PER_CALL,
                )
            return self._settings[registry]

    def _client(self, reference: Reference) -> Any:
        return self._session.ecr(registry_of(reference).region)


def _in_list(reference: Reference, listed: Sequence[Image]) -> Lookup | None:
    """Return the image of a reference, if the list of its repository has exactly one."""
    tag = reference.tag or ("" if reference.digest else "latest")
    found = [one for one in listed if (one.digest == reference.digest if reference.digest else tag in one.tags)]
    tag_is_gone = bool(tag) and not any(tag in one.tags for one in listed)
    if len(found) != 1 or tag_is_gone:
        # The list was read in pages, between which a tag may move: only a call for the image tells that it is absent.
        return None
    return Lookup(reference, image=replace(found[0], reference=reference))
