"""The plain way to know the files of an image: unpack its layers one over the other."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass

MOST_LINKS = 40


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
    """What an unpacked image has at a path.

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


def unpack(layers: Sequence[Sequence[Item]]) -> Files:
    """Unpack the layers, the lowest first."""
    files: Files = {}
    for number, items in enumerate(layers):
        apply(files, items, number)
    return files


def apply(files: Files, items: Sequence[Item], number: int) -> None:
    """Unpack a layer over those below it: first what it deletes, then what it has."""
    for item in items:
        parent, name = posixpath.split(item.name)
        if name == ".wh..wh..opq":
            remove(files, parent, itself=False)
        elif name.startswith(".wh."):
            remove(files, posixpath.join(parent, name.removeprefix(".wh.")))
    for item in items:
        parent, name = posixpath.split(item.name)
        make_folder(files, parent, number)
        if name.startswith(".wh."):
            continue
        if item.type == tarfile.DIRTYPE:
            make_folder(files, item.name, number)
        elif item.type == tarfile.LNKTYPE:
            node = files[item.target]
            remove(files, item.name)
            files[item.name] = node
        else:
            remove(files, item.name)
            files[item.name] = Node(item.type, item.content, item.target, number)


def remove(files: Files, path: str, *, itself: bool = True) -> None:
    """Delete a path and all below it, or only what is below it."""
    for other in [other for other in files if not path or other.startswith(f"{path}/") or (itself and other == path)]:
        del files[other]


def make_folder(files: Files, path: str, number: int) -> None:
    """Have a folder at a path, instead of whatever else is there."""
    if not path:
        return
    make_folder(files, posixpath.dirname(path), number)
    if path not in files or files[path].type != tarfile.DIRTYPE:
        files[path] = Node(tarfile.DIRTYPE, layer=number)


def resolve(files: Files, path: str) -> str | None:
    """The path that is reached from a path over all links, or None; component by component."""
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
