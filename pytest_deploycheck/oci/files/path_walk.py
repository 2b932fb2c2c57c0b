"""The way to one path of an image: links are followed as Linux follows them, and never out of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from pytest_deploycheck.oci.files.layer import Kind
from pytest_deploycheck.oci.files.paths import joined, parent_of, parts_of

T = TypeVar("T")

_MOST_LINKS = 40
"""How many links Linux follows on the way to one file."""


class Sight(Struct, Generic[T], frozen=True):
    """What stands at a place, or on the way to it.

    Attributes:
        place: Where it stands.
        kind: What it is.
        depth: Number of its layer, from the bottom up.
        target: Where a link leads.
        content: What was taken of a file, or None.
    """

    place: str
    kind: Kind
    depth: int
    target: str = ""
    content: T | None = None


class _Inode(Struct, frozen=True):
    """A hard link whose file is looked for, which may turn out to be a symlink of this place.

    Attributes:
        place: Where the hard link stands.
        tail: What of the path is behind it.
        top: The layers that its path is looked for in.
    """

    place: str
    tail: Sequence[str]
    top: int


class Search(Generic[T]):
    """A path, and how far the way to it is known.

    Attributes:
        place: The place to look at next.
        top: Number of the uppermost layer to look in: the file of a hard link is that of its own layer, whatever the
            layers above have in its place.
        passed: Every place that was looked at.
        is_open: Whether there is more to look at.
        sight: What the path is, in the end; None where nothing is there.
        links: How many links were followed.
        in_circle: Whether its links lead nowhere but to each other.
    """

    def __init__(self, path: str, top: int) -> None:
        self.top = top
        self.passed: set[str] = set()
        self.is_open = True
        self.sight: Sight[T] | None = None
        self.in_circle = False
        self.links = 0
        self._inodes: list[_Inode] = []
        self._rest: Sequence[str] = ()
        self._head("", parts_of(path))

    def go_on(self, sight: Sight[T] | None) -> None:
        """Take account of what was seen at the place, or on the way to it."""
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
            # The file is looked for in the layers from this one down; should it be a symlink, it is one of this place.
            if not self._is_inode(link):
                self._inodes.append(_Inode(link.place, tail, self.top))
                tail = []
            self.top = link.depth
            self._head("", [*parts_of(link.target), *tail])
        else:
            place = link.place
            if self._is_inode(link):
                inode = self._inodes.pop()
                place, tail, self.top = inode.place, inode.tail, inode.top
            folder = "" if link.target.startswith("/") else parent_of(place)
            self._head(folder, [*parts_of(link.target), *tail])

    def _is_inode(self, link: Sight[T]) -> bool:
        """Whether a link is what the last hard link stands for, and not only on the way there."""
        return bool(self._inodes) and link.place == self.place and not self._rest

    def _head(self, folder: str, parts: Sequence[str]) -> None:
        """Look next as far as no `..` comes: where that leads, only what stands before it tells."""
        ups = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
        for _ in range(ups):
            folder = parent_of(folder)
        end = next((at for at, part in enumerate(parts[ups:], start=ups) if part == ".."), len(parts))
        self.place, self._rest = joined(folder, *parts[ups:end]), parts[end:]
        self.passed.add(self.place)

    def _end(self, sight: Sight[T] | None) -> None:
        self.sight, self.is_open = sight, False
