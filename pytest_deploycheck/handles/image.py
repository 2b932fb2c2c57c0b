"""The expected image and the digests it goes by, as a test holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Self

from msgspec import Struct, field

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.image import Image, ImageConfig, Layer
from pytest_deploycheck.facts.snapshot import Judged, ServiceFacts
from pytest_deploycheck.handles.comparison import Comparison
from pytest_deploycheck.handles.image_files import OpenedImage
from pytest_deploycheck.judge.analysis.service import ServiceAnalysis
from pytest_deploycheck.judge.checks.image import judge_exists
from pytest_deploycheck.judge.wording import at, pushed, short
from pytest_deploycheck.oci.tags import holds_commit, is_commit
from pytest_deploycheck.redaction.handed import HANDED

_LONGEST_SEARCHED = 1_000_000
"""Bytes of a file that are searched for secrets, which no report of a test shows then."""


class KnownDigests(frozenset[str]):
    """A set of digests with the facts about each, for the message of a failed comparison.

    Attributes:
        owner: The fixture that has the digests: `deployed_image` or `running_tasks`.
        known: The facts about a digest, in words.
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
        """Return a line for each digest."""
        return [f"{digest}{self.known.get(digest, '')}" for digest in sorted(self)]


class KnownTags(tuple[str, ...]):
    """The tags of an image; it is not known whether a tag that was never named is one of them."""

    __slots__ = ()

    def __contains__(self, tag: object) -> bool:
        """Tell if the image has a tag.

        Raises:
            UnprovenError: The tag is None, as `release.tag` is where no tag was named.
        """
        if tag is None:
            raise UnprovenError(
                "the tag is None, because no tag was named to be shipped: --deploy-image TAG, DEPLOYCHECK_IMAGE or "
                "`image` in the configuration names one, and so does a tag with the commit of the checkout"
            )
        return super().__contains__(tag)


class DeployedImage(Struct, frozen=True):
    """The expected image, as its registry holds it.

    Attributes:
        uri: Registry, repository and digest: a reference that nothing can move.
        repository: Name of the repository.
        tag: The tag of the reference, or None.
        digest: Digest of its manifest or index.
        pushed_at: When the digest was first pushed (UTC), or None where that may not be read.
        tags: All tags that name it now; a test that looks for None among them is unproven.
        layers: Its layers from the bottom up, each with `digest`, `size` (bytes, as stored), `diff_id` (the digest of
            the tar inside) and `created_by` (the build step).
        digests: The digests that tasks may show for it: its own, and of an index those of its platforms.
        labels: Its labels, claims of the builder.
        revision: The git revision that its label names, or None.
        created_at: The time of the build in its configuration (UTC), or None.
        platforms: What it was built for, such as `linux/amd64`.
        config: Its configuration (`env` names, `entrypoint`, `command`, `user`, `working_dir`, `steps`), or None where
            it could not be read.
    """

    uri: str
    repository: str
    tag: str | None
    digest: str
    pushed_at: datetime | None
    tags: tuple[str, ...]
    layers: tuple[Layer, ...]
    digests: AbstractSet[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    revision: str | None = None
    created_at: datetime | None = None
    platforms: tuple[str, ...] = ()
    config: ImageConfig | None = None
    _files: OpenedImage | None = None

    def read_text(self, path: str, encoding: str = "utf-8") -> str:
        """Return the text of a file; links are followed inside the image.

        Args:
            path: An absolute path in the image.
            encoding: The encoding of the text.

        Raises:
            FileNotFoundError: The image does not have the file.
            IsADirectoryError: It is a folder.
            UnprovenError: A layer that is needed cannot be fetched or opened.
        """
        return self.read_bytes(path).decode(encoding)

    def read_bytes(self, path: str) -> bytes:
        """Return the bytes of a file; links are followed inside the image.

        Args:
            path: An absolute path in the image.

        Raises:
            FileNotFoundError: The image does not have the file.
            IsADirectoryError: It is a folder.
            UnprovenError: A layer that is needed cannot be fetched or opened.
        """
        content = self._opened().agreed(path, lambda files: files.read_bytes(path))
        if len(content) <= _LONGEST_SEARCHED:
            HANDED.note(content.decode(errors="replace"))
        return content

    def exists(self, path: str) -> bool:
        """Return True if a path is a file, a folder, or a link to one; to return False, every layer is read.

        Args:
            path: An absolute path in the image.

        Raises:
            UnprovenError: A layer that is needed cannot be fetched or opened.
        """
        return self._opened().agreed(path, lambda files: files.exists(path))

    def files(self, prefix: str = "/") -> list[str]:
        """Return the files in a folder and below it, as sorted absolute paths; every layer that can have one is read.

        Args:
            prefix: An absolute path in the image; an empty text is the root.

        Raises:
            FileNotFoundError: The prefix does not exist in the image.
            UnprovenError: A layer that is needed cannot be fetched or opened.
        """
        return self._opened().agreed(prefix, lambda files: files.files(prefix or "/"))

    def compare(self, local: str | Path, path: str, *, exclude: Sequence[str] = ()) -> Comparison:
        """Compare a local folder or file with its place in the image.

        The result is true if they are equal, and otherwise has `missing`, `extra` and `different`. Files that
        `.dockerignore` excludes, by-products such as `__pycache__`, and line endings make no difference.

        Args:
            local: A path in the project, relative to its root, or any that is absolute.
            path: An absolute path in the image.
            exclude: Patterns of further files to leave out, in the language of `.dockerignore`.

        Raises:
            OSError: The local path does not exist or cannot be read.
            UnprovenError: A layer that is needed cannot be fetched or opened, or there is nothing to compare.
        """
        opened = self._opened()
        root = next((files.root for files in opened.platforms), Path())
        place = Path(local)
        if place.is_absolute() and not place.is_relative_to(root):
            # What a test has built or cloned elsewhere is a project of its own.
            opened, root = opened.rooted(place.parent), place.parent
        inside = place.relative_to(root) if place.is_absolute() else place
        return opened.comparison(inside.as_posix(), path, exclude)

    def is_of_commit(self, commit: str) -> bool:
        """Return True if the image claims to be built from a commit.

        The label `org.opencontainers.image.revision` and the tags are compared, of which one must contain at least the
        first seven digits of the commit. Both are claims of the builder: `compare` proves what the image contains.

        Args:
            commit: The commit, or at least its first seven hexadecimal digits.

        Raises:
            ValueError: It is not a commit.
        """
        wanted = commit.strip().lower()
        if not is_commit(wanted):
            raise ValueError(f"expected a commit of 7 to 64 hexadecimal digits; found {commit!r}")
        return any(holds_commit(text, wanted) for text in (self.revision or "", *self.tags, self.tag or ""))

    def _opened(self) -> OpenedImage:
        return self._files or OpenedImage(doubt=f"the manifest of {self!r} is not known")

    def __repr__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"<image {self.repository}{tag} = {short(self.digest)}, pushed {at(self.pushed_at)}>"


def deployed_image(facts: ServiceFacts, opened: OpenedImage | None = None) -> DeployedImage:
    """Return the expected image for a service.

    Args:
        facts: The facts of the service.
        opened: The files of the image, or None where it cannot be opened.

    Raises:
        AssertionError: The image is not in its registry.
        UnprovenError: The registry could not be queried, or several containers are judged and none was named.
    """
    image = _image(only_judged(facts), facts)
    files = opened.platforms[0] if opened and opened.platforms else None
    config = files.config if files else None
    accepted = [image.digest, *(child.digest for child in image.children)]
    return DeployedImage(
        uri=image.uri,
        repository=image.reference.repository,
        tag=image.reference.tag,
        digest=image.digest,
        pushed_at=image.pushed_at,
        tags=KnownTags(image.tags),
        layers=files.manifest.layers if files else image.layers,
        digests=KnownDigests(accepted, owner="deployed_image", known={image.digest: pushed(image)}),
        labels=config.labels if config else {},
        revision=config.revision if config else None,
        created_at=config.created_at if config else None,
        platforms=_platforms(image),
        config=config,
        _files=opened,
    )


def _platforms(image: Image) -> tuple[str, ...]:
    platforms = [child.platform for child in image.children] or [config.platform for config in image.configs]
    return tuple(str(platform) for platform in platforms if platform)


def only_judged(facts: ServiceFacts) -> Judged:
    """Return the only judged container of a service.

    Raises:
        UnprovenError: Several containers are judged, or none.
    """
    if len(facts.judged) == 1:
        return facts.judged[0]
    names = ", ".join(judged.container for judged in facts.judged)
    if names:
        raise UnprovenError(
            f"Several containers of {facts.name!r} are judged ({names}), so the expected image is ambiguous. "
            f"Name one: container = {facts.judged[0].container!r} in the configuration of the service."
        )
    raise UnprovenError(f"No container of {facts.name!r} with a known image was found.")


def _image(judged: Judged, facts: ServiceFacts) -> Image:
    if judged.expected.image:
        return judged.expected.image
    finding = judge_exists(ServiceAnalysis(facts))
    if judged.expected.absent:
        raise AssertionError(
            f"The expected image for {facts.name!r} does not exist: {finding.summary}. {finding.remedy}"
        )
    raise UnprovenError(f"The expected image for {facts.name!r} is not known: {finding.summary} {finding.remedy}")
