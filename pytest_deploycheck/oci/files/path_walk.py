"""The resolution of one path of an image: links are followed as Linux follows them, and never out of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from pytest_deploycheck.oci.files.layer import Kind
from pytest_deploycheck.oci.files.paths import joined, parent_of, parts_of

T = TypeVar("T")

_MOST_LINKS = 40
"""The number of links that Linux follows on the way to one file."""


class Sight(Struct, Generic[T], frozen=True):
    """A file, folder or link at a place, or on the way to it.

    Attributes:
        place: The place.
        kind: The kind of the entry.
        depth: Number of its layer, from the bottom up.
        target: Where a link leads.
        content: The value taken of a file, or None.
        number: The number of its entry within the layer.
    """

    place: str
    kind: Kind
    depth: int
    target: str = ""
    content: T | None = None
    number: int = 0


class _Inode(Struct, frozen=True):
    """A hard link whose file is looked for, which may turn out to be a symlink of this place.

    Attributes:
        place: Where the hard link stands.
        tail: The part of the path behind it.
        top: The uppermost layer that its path was looked for in.
        until: The entry of that layer before which its path was looked for, or None.
    """

    place: str
    tail: Sequence[str]
    top: int
    until: int | None


class Search(Generic[T]):
    """The resolution of a path, as far as it has come.

    Attributes:
        place: The place to look at next.
        top: Number of the uppermost layer to look in: the file of a hard link is the one that its target was when the
            link was written, whatever the layers above have in its place.
        until: The entry of that layer before which to look, or None for the whole layer.
        is_open: True if the search is not finished.
        sight: The file or folder that the path resolved to, or None.
        links: The number of links that were followed.
        in_circle: True if its links only lead to each other.
    """

    def __init__(self, path: str, top: int) -> None:
        self.top = top
        self.until: int | None = None
        self.is_open = True
        self.sight: Sight[T] | None = None
        self.in_circle = False
        self.links = 0
        self._inodes: list[_Inode] = []
        self._rest: Sequence[str] = ()
        self._head("", parts_of(path))

    def go_on(self, sight: Sight[T] | None) -> None:
        """Take account of what is at the place, or on the way to it."""
        if sight is None or (sight.kind not in {"symlink", "hardlink"} and sight.place != self.place):
            self._end(None)
        elif sight.kind in {"symlink", "hardlink"}:
            self._follow(sight)
        elif sight.kind == "folder" and self._rest:
            self._head(self.place, self._rest)
        else:
            is_end = not self._rest and not any(inode.tail for inode in self._inodes)
            self._end(sight if is_end else None)

    def _follow(self, link: Sight[T]) -> None:
        tail: Sequence[str] = [*parts_of(self.place[len(link.place) :]), *self._rest]
        self.links += 1
        if self.links > _MOST_LINKS:
            self.in_circle = True
            self._end(None)
        elif not link.target:
            self._end(None)
        elif link.kind == "hardlink":
            # The file is the one that was there when the link was written. Should it be a symlink, it is one of this
            # place.
            if not self._is_inode(link):
                self._inodes.append(_Inode(link.place, tail, self.top, self.until))
                tail = []
            self.top, self.until = link.depth, link.number
            self._head("", [*parts_of(link.target), *tail])
        else:
            place = link.place
            if self._is_inode(link):
                inode = self._inodes.pop()
                place, tail, self.top, self.until = inode.place, inode.tail, inode.top, inode.until
            folder = "" if link.target.startswith("/") else parent_of(place)
            self._head(folder, [*parts_of(link.target), *tail])

    def _is_inode(self, link: Sight[T]) -> bool:
        """Return True if a link is the file of the last hard link, not only on the way there."""
        return bool(self._inodes) and link.place == self.place and not self._rest

    def _head(self, folder: str, parts: Sequence[str]) -> None:
        """Set the next place: the path up to the first `..`, whose target depends on the links before it."""
        ups = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
        for _ in range(ups):
            folder = parent_of(folder)
        end = next((at for at, part in enumerate(parts[ups:], start=ups) if part == ".."), len(parts))
        self.place, self._rest = joined(folder, *parts[ups:end]), parts[end:]

    def _end(self, sight: Sight[T] | None) -> None:
        self.sight, self.is_open = sight, False
