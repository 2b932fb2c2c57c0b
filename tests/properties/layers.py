"""Layers as builders and others make them, as hypothesis draws them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import BinaryIO

from hypothesis import strategies as st

from properties.unpacker import Files, Item, NotUnpackableError, apply, resolve
from pytest_deploycheck.facts.image import Layer
from pytest_deploycheck.oci.files.tree import ImageTree

_NAMES = ("a", "b", "c")
_PLACES = (
    *_NAMES,
    *(f"{one}/{two}" for one in _NAMES for two in _NAMES),
    *(f"{one}/{two}/{three}" for one in _NAMES for two in "ab" for three in "ab"),
)
_DETOURS = ("..", ".", "/", "../a", "../b/c", "a/../b", "../../../c", "b/../../a/b", "a/b/..", "")
_TARGETS = (*_PLACES, *(f"/{place}" for place in _PLACES), *_DETOURS)

PATHS = (*(f"/{place}" for place in _PLACES), "/", "/a/../b", "/a/b/../c", "c/./a", "/b/../../a", "/a/b/c/a")
"""What is asked for."""

STEPS = ("RUN something", "WORKDIR /c", *(f"COPY something /{place} # buildkit" for place in _PLACES))
"""What the history claims of a layer, which need not be so."""


@dataclass(frozen=True)
class Drawn:
    """A layer.

    Attributes:
        items: Its entries.
        step: The step that made it, as the history claims.
    """

    items: tuple[Item, ...]
    step: str


@dataclass
class Store:
    """An image whose layers can be opened.

    Attributes:
        layers: Its layers, from the bottom up.
        data: The bytes of each, as stored.
        opened: Digests of the layers that were opened, each time they were.
    """

    layers: list[Layer]
    data: dict[str, bytes]
    opened: list[str] = field(default_factory=list)

    @contextmanager
    def open(self, layer: Layer) -> Iterator[BinaryIO]:
        """Open a layer."""
        self.opened.append(layer.digest)
        yield io.BytesIO(self.data[layer.digest])


def image(stack: Sequence[Drawn]) -> tuple[ImageTree, Store]:
    """The image of these layers."""
    store = Store([], {})
    for number, drawn in enumerate(stack):
        # The number keeps apart layers that hold the same.
        data = gzip.compress(tar(drawn.items), mtime=number)
        digest = digest_of(data)
        store.layers.append(Layer(digest, len(data), diff_id=digest_of(tar(drawn.items)), created_by=drawn.step))
        store.data[digest] = data
    return ImageTree(store.layers, store.open), store


def tar(items: Sequence[Item]) -> bytes:
    """A tar with these entries, in this order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for item in items:
            header = tarfile.TarInfo(item.name)
            header.type, header.size, header.linkname = item.type, len(item.content), item.target
            archive.addfile(header, io.BytesIO(item.content))
    return buffer.getvalue()


def digest_of(data: bytes) -> str:
    """The digest of these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@st.composite
def stacks(draw: st.DrawFn) -> tuple[Drawn, ...]:
    """Draw the layers of an image, from the bottom up."""
    stack: list[Drawn] = []
    files: Files = {}
    for number in range(draw(st.integers(1, 4))):
        items: list[Item] = []
        for place in range(draw(st.integers(0, 6))):
            _add(items, draw(_items(number, place)), files)
        # Hard links come after what they lead to, and some of what they lead to is replaced after them.
        for link in draw(st.lists(_links(items, files), max_size=2)):
            _add(items, link, files)
            if draw(st.booleans()):
                _add(items, draw(_replacements(number, link.target)), files, is_again=True)
        # As a builder writes a copy whose destination is a link: where the link leads.
        for name in draw(st.lists(st.sampled_from(_links_of(files) or [""]), max_size=1)):
            if folder := resolve(files, name):
                _add(items, Item(f"{folder}/a", content=f"through {number}\r\n".encode()), files)
        files = apply(files, items, number)
        stack.append(Drawn(tuple(items), draw(st.sampled_from(STEPS))))
    return tuple(stack)


@cache
def _items(number: int, place: int) -> st.SearchStrategy[Item]:
    """Draw an entry of a layer; no two files hold the same."""
    content = f"{number}.{place}\r\n".encode() * 3
    places = st.sampled_from(_PLACES)
    files = st.builds(Item, places, content=st.just(content))
    folders = st.builds(Item, places, st.just(tarfile.DIRTYPE))
    symlinks = st.builds(Item, places, st.just(tarfile.SYMTYPE), target=st.sampled_from(_TARGETS))
    devices = st.builds(Item, places, st.just(tarfile.CHRTYPE))
    whiteouts = places.map(_whiteout)
    opaques = st.sampled_from(("", *_PLACES)).map(lambda place: Item(f"{place}/.wh..wh..opq".lstrip("/")))
    return st.one_of(files, files, files, symlinks, symlinks, symlinks, folders, whiteouts, whiteouts, opaques, devices)


@cache
def _replacements(number: int, place: str) -> st.SearchStrategy[Item]:
    """Draw what replaces an entry of the same layer."""
    files = st.just(Item(place, content=f"{number} again\r\n".encode()))
    symlinks = st.builds(Item, st.just(place), st.just(tarfile.SYMTYPE), target=st.sampled_from(_TARGETS))
    return st.one_of(files, symlinks)


def _whiteout(place: str) -> Item:
    parent, slash, name = place.rpartition("/")
    return Item(f"{parent}{slash}.wh.{name}")


def _links(items: Sequence[Item], below: Files) -> st.SearchStrategy[Item]:
    """Draw a hard link, mostly to what is there."""
    there = [item.name for item in items if item.type != tarfile.DIRTYPE and ".wh." not in item.name]
    targets = st.sampled_from([*there, *there, *below, *_PLACES])
    return st.builds(Item, st.sampled_from(_PLACES), st.just(tarfile.LNKTYPE), target=targets)


def _links_of(files: Files) -> list[str]:
    """Return the links that lead to a folder."""
    return [path for path, node in files.items() if node.type == tarfile.SYMTYPE and reached(files, path) == "folder"]


def _add(items: list[Item], item: Item, below: Files, *, is_again: bool = False) -> None:
    """Add an entry where it can be unpacked and, unless it is to replace one, no other has its path or is below it."""
    if not is_again and any(f"{other.name}/".startswith(f"{item.name}/") for other in items):
        return
    try:
        apply(below, [*items, item], 0)
    except NotUnpackableError:
        return
    items.append(item)


def reached(files: Files, path: str) -> str | None:
    """Return what a path leads to in an unpacked image: `file`, `folder`, `other`, or None where nothing is there."""
    place = resolve(files, path)
    if place is None:
        return None
    kinds = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder"}
    return kinds.get(files[place].type, "other") if place else "folder"
