"""The image meant and the digests it goes by, as a test holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.image import Image, Layer
from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.judge.image import judge_exists
from pytest_deploycheck.judge.wording import at, pushed, short


class Digests(frozenset[str]):
    """A set of digests that remembers what is known of each, for the message of a failed comparison.

    Attributes:
        owner: Whose digests they are: `deployed_image` or `running_tasks`.
        known: What is known of a digest, in words.
    """

    owner: str
    known: Mapping[str, str]

    def __new__(cls, digests: Iterable[str], *, owner: str, known: Mapping[str, str] | None = None) -> Self:
        """Make the set; it is compared like any other."""
        self = super().__new__(cls, digests)
        self.owner = owner
        self.known = known or {}
        return self

    def __repr__(self) -> str:
        return f"{self.owner}.digests {{{', '.join(sorted(short(digest) for digest in self))}}}"

    def describe(self) -> list[str]:
        """A line for each digest."""
        return [f"{digest}{self.known.get(digest, '')}" for digest in sorted(self)]


@dataclass(frozen=True, slots=True, repr=False)
class DeployedImage:
    """The image meant, as its registry holds it.

    Attributes:
        uri: Registry, repository and digest: a reference that nothing can move.
        repository: Name of the repository.
        tag: The tag it was named by, or None.
        digest: Digest of its manifest or index.
        pushed_at: When the digest was first pushed (UTC), or None where that may not be read.
        tags: All tags that name it now.
        layers: Its layers from the bottom up, each with `digest` and `size` (bytes, as stored).
        digests: The digests that tasks may show for it: its own, and of an index those of its platforms.
    """

    uri: str
    repository: str
    tag: str | None
    digest: str
    pushed_at: datetime | None
    tags: tuple[str, ...]
    layers: tuple[Layer, ...]
    digests: AbstractSet[str]

    def __repr__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"<image {self.repository}{tag} = {short(self.digest)}, pushed {at(self.pushed_at)}>"


def deployed_image(facts: ServiceFacts) -> DeployedImage:
    """The image meant for a service.

    Raises:
        AssertionError: It is not in its registry.
        UnprovenError: It could not be looked at, or several containers are judged and none was named.
    """
    image = _image(only_judged(facts), facts)
    accepted = [image.digest, *(child.digest for child in (image.manifest.children if image.manifest else ()))]
    return DeployedImage(
        uri=image.uri,
        repository=image.reference.repository,
        tag=image.reference.tag,
        digest=image.digest,
        pushed_at=image.pushed_at,
        tags=image.tags,
        layers=image.layers,
        digests=Digests(accepted, owner="deployed_image", known={image.digest: pushed(image)}),
    )


def only_judged(facts: ServiceFacts) -> Judged:
    """The one judged container of a service.

    Raises:
        UnprovenError: There are several, or none.
    """
    if len(facts.judged) == 1:
        return facts.judged[0]
    names = ", ".join(judged.container for judged in facts.judged)
    if names:
        raise UnprovenError(
            f"Several containers of {facts.name!r} are judged ({names}), so it is not known which image is asked for. "
            f"Name one: container = {facts.judged[0].container!r} in the configuration of the service."
        )
    raise UnprovenError(f"No container of {facts.name!r} with a known image was found.")


def _image(judged: Judged, facts: ServiceFacts) -> Image:
    if judged.meant.image:
        return judged.meant.image
    finding = judge_exists(facts)
    if judged.meant.absent:
        raise AssertionError(f"The image meant for {facts.name!r} is not there: {finding.summary}. {finding.remedy}")
    raise UnprovenError(f"The image meant for {facts.name!r} is not known: {finding.summary} {finding.remedy}")
