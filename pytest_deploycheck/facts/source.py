"""The files of the checkout that an image should contain."""

from __future__ import annotations

from msgspec import Struct

from pytest_deploycheck.facts.image import Layer

_LINE_ENDING = 2
"""Bytes of the longest line ending: a file of no more holds nothing that tells one build from another."""


class FileDigest(Struct, frozen=True):
    """The content of a file, by digest.

    Attributes:
        size: Bytes.
        sha256: Of the bytes, in hexadecimal.
        text_sha256: Of the bytes with every line ended by a bare newline, so that files which differ only in their
            line endings have it in common.
    """

    size: int
    sha256: str
    text_sha256: str


class SourceFile(Struct, frozen=True):
    """A file of a source tree.

    Attributes:
        path: Its path below the tree, with forward slashes; empty where the tree is a single file.
        digest: What it holds.
    """

    path: str
    digest: FileDigest


class SourceTree(Struct, frozen=True):
    """A local folder or file that should be in the image.

    Attributes:
        local: Where it is, relative to the project's root, with forward slashes.
        files: Its files that count, ordered by path.
        left_out: How many files were left out, by `.dockerignore`, `source_exclude` or as by-products.
        sha256: One digest for all of it: of the paths and the contents, in hexadecimal.
    """

    local: str
    files: tuple[SourceFile, ...]
    left_out: int = 0
    sha256: str = ""

    @property
    def has_content(self) -> bool:
        """True if a file of it is not empty: empty files are the same in every build."""
        return any(file.digest.size > _LINE_ENDING for file in self.files)


class Checkout(Struct, frozen=True):
    """The state of the git checkout.

    Attributes:
        revision: The commit at HEAD, or None where there is no git repository.
        is_dirty: Whether tracked files were changed since, or None where that is not known.
    """

    revision: str | None = None
    is_dirty: bool | None = None


class Compared(Struct, frozen=True):
    """A source tree beside what the image has in its place.

    Attributes:
        tree: The source tree.
        place: Where it should be in the image, an absolute path.
        missing: Paths of files that the image lacks.
        different: Paths of files that the image has with another content.
        line_endings: Paths of files that differ in their line endings only.
        hidden: Paths of files over which a volume is mounted, so that the container has other files there.
        extra: Paths of files beside them that the checkout lacks, in the layers that were opened.
        carriers: The layers that hold the files, or should: those the files were found in, and for missing ones those
            whose step copies to that place.
        diff: The first differences, as lines of a unified diff.
        mounts: The paths in the container at which the volumes over the hidden files are mounted.
        platform: The platform of the image, where the tasks run it on several; else empty.
    """

    tree: SourceTree
    place: str
    missing: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    line_endings: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    carriers: tuple[Layer, ...] = ()
    diff: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    platform: str = ""

    @property
    def is_held(self) -> bool:
        """True if the image and the checkout have the same content."""
        return not (self.missing or self.different)
