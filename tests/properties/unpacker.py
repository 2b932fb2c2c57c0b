"""The plain way to know the files of an image: unpack each layer, and put them one over the other."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_LINKS = 40


class NotUnpackableError(Exception):
    """No runtime unpacks these entries, or runtimes disagree on them."""


@dataclass(frozen=True)
class Item:
    """An entry of a layer.

    Attributes:
        name: Its name, as the tar has it.
        type: Its type, as the tar has it.
        content: What a file holds.
        target: Where a link leads; a hard link, from the image's root.
    """

    name: str
    type: bytes = tarfile.REGTYPE
    content: bytes = b""
    target: str = ""


@dataclass(frozen=True)
class Node:
    """A file, folder or link of an unpacked image.

    Attributes:
        type: As a tar has it.
        content: What a file holds.
        target: Where a symlink leads.
        layer: Number of the layer that the file came with.
    """

    type: bytes
    content: bytes = b""
    target: str = ""
    layer: int = 0


Files = dict[str, Node]
"""An unpacked image, by path without a leading slash."""


@dataclass
class Upper:
    """One layer, unpacked into a folder of its own.

    Attributes:
        lower: The files of the layers below.
        number: The number of the layer.
        files: Its files.
        gone: Paths of lower layers that it removes.
        opaque: Folders of lower layers that it empties.
        borrowed: Paths of lower layers that its hard links lead to.
    """

    lower: Files
    number: int
    files: Files = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    opaque: list[str] = field(default_factory=list)
    borrowed: list[str] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Unpack an entry after those before it."""
        parent, name = posixpath.split(item.name)
        parent = self._folder(parent)
        path = posixpath.join(parent, name)
        make_folder(self.files, parent, self.number)
        if name == ".wh..wh..opq":
            self.opaque.append(parent)
        elif name.startswith(".wh."):
            self.gone.append(posixpath.join(parent, name.removeprefix(".wh.")))
        elif item.type == tarfile.DIRTYPE:
            make_folder(self.files, path, self.number)
        elif item.type == tarfile.LNKTYPE:
            node = self._linked(item.target)
            remove(self.files, path)
            self.files[path] = node
        else:
            remove(self.files, path)
            self.files[path] = Node(item.type, item.content, item.target, self.number)

    def merged(self) -> Files:
        """Put the layer over those below it."""
        files = dict(self.lower)
        for path in self.opaque:
            remove(files, path, itself=False)
        for path in self.gone:
            remove(files, path)
        if any(path not in files for path in self.borrowed):
            raise NotUnpackableError("a hard link leads to what the layer removes")
        for path in sorted(self.files, key=lambda one: one.count("/")):
            node = self.files[path]
            if node.type != tarfile.DIRTYPE or path not in files or files[path].type != tarfile.DIRTYPE:
                remove(files, path)
                files[path] = node
        return files

    def _folder(self, path: str) -> str:
        """Follow the layer's own links in the folder of an entry; what it does not have yet becomes a folder."""
        here: list[str] = []
        parts = path.split("/")
        links = 0
        while parts:
            part = parts.pop(0)
            if part in {"", "."}:
                continue
            if part == "..":
                del here[-1:]
                continue
            node = self.files.get("/".join([*here, part]))
            if node is None or node.type == tarfile.DIRTYPE:
                here.append(part)
                continue
            links += 1
            if node.type != tarfile.SYMTYPE or not node.target or links > MOST_LINKS:
                raise NotUnpackableError(f"{path} is not a folder")
            if node.target.startswith("/"):
                here = []
            parts = [*node.target.split("/"), *parts]
        return "/".join(here)

    def _linked(self, target: str) -> Node:
        """Return what a hard link is a name of at this moment."""
        parent, name = posixpath.split(target)
        now = self.merged()
        folder = resolve(now, parent)
        path = posixpath.join(folder or "", name)
        node = now.get(path)
        if folder is None or node is None or node.type == tarfile.DIRTYPE:
            raise NotUnpackableError(f"{target} is not there")
        own = self._folder(parent)
        if posixpath.join(own, name) != path:
            raise NotUnpackableError(f"{target} leads through a link of a lower layer")
        if path not in self.files:
            self.borrowed.append(path)
        return node


def unpack(layers: Sequence[Sequence[Item]]) -> Files:
    """Unpack the layers, the lowest first."""
    files: Files = {}
    for number, items in enumerate(layers):
        files = apply(files, items, number)
    return files


def apply(files: Files, items: Sequence[Item], number: int) -> Files:
    """Unpack a layer, and return what it makes of those below it."""
    upper = Upper(files, number)
    for item in items:
        upper.add(item)
    return upper.merged()


def remove(files: Files, path: str, *, itself: bool = True) -> None:
    """Delete a path and all below it, or only what is below it."""
    for other in [other for other in files if not path or other.startswith(f"{path}/") or (itself and other == path)]:
        del files[other]


def make_folder(files: Files, path: str, number: int) -> None:
    """Make a folder at a path, in the place of anything else there."""
    if not path:
        return
    make_folder(files, posixpath.dirname(path), number)
    if path not in files or files[path].type != tarfile.DIRTYPE:
        files[path] = Node(tarfile.DIRTYPE, layer=number)


def resolve(files: Files, path: str) -> str | None:
    """Return the path that a path leads to over all links, or None; component by component."""
    here: list[str] = []
    parts = path.split("/")
    links = 0
    while parts:
        part = parts.pop(0)
        if part in {"", "."}:
            continue
        if here and files["/".join(here)].type != tarfile.DIRTYPE:
            return None
        if part == "..":
            del here[-1:]
            continue
        node = files.get("/".join([*here, part]))
        if node is None:
            return None
        if node.type != tarfile.SYMTYPE:
            here.append(part)
            continue
        links += 1
        if links > MOST_LINKS or not node.target:
            return None
        if node.target.startswith("/"):
            here = []
        parts = [*node.target.split("/"), *parts]
    return "/".join(here)
