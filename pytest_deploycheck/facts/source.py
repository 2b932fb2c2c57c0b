"""What the checkout holds: the files that an image should have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What a file holds, by digest.

    Attributes:
        size: Bytes.
        sha256: Of the bytes, in hexadecimal.
        text_sha256: Of the bytes with every line ended by a bare newline, so that files which differ only in their
            line endings have it in common.
    """

    size: int
    sha256: str
    text_sha256: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source tree.

    Attributes:
        path: Its path below the tree, with forward slashes; empty where the tree is a single file.
        digest: What it holds.
    """

    path: str
    digest: FileDigest


@dataclass(frozen=True, slots=True)
class SourceTree:
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


@dataclass(frozen=True, slots=True)
class Checkout:
    """The state of the git checkout.

    Attributes:
        revision: The commit at HEAD, or None where there is no git repository.
        is_dirty: Whether tracked files were changed since, or None where that is not known.
    """

    revision: str | None = None
    is_dirty: bool | None = None
