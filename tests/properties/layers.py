"""Layers as builders make them, as hypothesis draws them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from hypothesis import strategies as st

from properties.unpacker import Files, Item, apply, resolve, unpack
from pytest_deploycheck.facts.image import Layer, Step
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

_RUN = "RUN something"
_PLAIN = {tarfile.REGTYPE, tarfile.DIRTYPE}


@dataclass(frozen=True)
class Drawn:
    """A layer.

    Attributes:
        items: Its entries.
        step: The step that made it.
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
    return ImageTree(store.layers, [Step(drawn.step) for drawn in stack], store.open), store


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
    """The layers of an image, from the bottom up."""
    stack: list[Drawn] = []
    for number in range(draw(st.integers(1, 4))):
        below = unpack([drawn.items for drawn in stack])
        items: list[Item] = []
        for place in range(draw(st.integers(0, 6))):
            _add(items, draw(_items(number, place)))
        # A hard link comes last: what it leads to is there by then, in this layer or in one below.
        for link in draw(st.lists(_links(), max_size=2)):
            if _leads_somewhere(link, items, below):
                _add(items, link)
        stack.append(Drawn(tuple(items), draw(st.sampled_from(_steps(items, below)))))
    return tuple(stack)


def _items(number: int, place: int) -> st.SearchStrategy[Item]:
    """An entry of a layer; no two files hold the same."""
    content = f"{number}.{place}\r\n".encode() * 3
    places = st.sampled_from(_PLACES)
    files = st.builds(Item, places, content=st.just(content))
    folders = st.builds(Item, places, st.just(tarfile.DIRTYPE))
    symlinks = st.builds(Item, places, st.just(tarfile.SYMTYPE), target=st.sampled_from(_TARGETS))
    devices = st.builds(Item, places, st.just(tarfile.CHRTYPE))
    whiteouts = places.map(_whiteout)
    opaques = st.sampled_from(("", *_PLACES)).map(lambda place: Item(f"{place}/.wh..wh..opq".lstrip("/")))
    return st.one_of(files, files, files, symlinks, symlinks, symlinks, folders, whiteouts, whiteouts, opaques, devices)


def _whiteout(place: str) -> Item:
    parent, slash, name = place.rpartition("/")
    return Item(f"{parent}{slash}.wh.{name}")


def _links() -> st.SearchStrategy[Item]:
    places = st.sampled_from(_PLACES)
    return st.builds(Item, places, st.just(tarfile.LNKTYPE), target=places)


def _add(items: list[Item], item: Item) -> None:
    """Add an entry as a builder would: no path twice, and nothing below what is no folder."""
    together = [*items, item]
    firm = [one.name for one in together if one.type != tarfile.DIRTYPE and ".wh." not in one.name]
    is_below = any(one.name.startswith(f"{other}/") for one in together for other in firm)
    if not is_below and all(item.name != other.name for other in items):
        items.append(item)


def _leads_somewhere(link: Item, items: Sequence[Item], below: Files) -> bool:
    """Whether a hard link leads to what is no folder, over no link, and leaves what any hard link leads to as it is."""
    files = dict(below)
    apply(files, items, 0)
    targets = {link.target, *(item.target for item in items if item.type == tarfile.LNKTYPE)}
    before = {target: files.get(target) for target in targets}
    node = before[link.target]
    if node is None or node.type == tarfile.DIRTYPE or link.name in targets:
        return False
    apply(files, [link], 0)
    return all(files.get(target) == node for target, node in before.items())


def _steps(items: Sequence[Item], below: Files) -> list[str]:
    """The steps that can have made a layer: RUN, and a COPY to whatever holds all of it, over no link."""
    if not items or any(item.type not in _PLAIN or ".wh." in item.name for item in items):
        return [_RUN]
    copies = [
        f"COPY something /{place} # buildkit"
        for place in _PLACES
        if all(f"{item.name}/".startswith(f"{place}/") for item in items) and _is_free(place, below)
    ]
    return [_RUN, *copies, *copies]


def _is_free(place: str, below: Files) -> bool:
    """Whether nothing on the way to a place, and it neither, is other than a folder."""
    parts = place.split("/")
    ways = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return all(below[way].type == tarfile.DIRTYPE for way in ways if way in below)


def reached(files: Files, path: str) -> str | None:
    """What a path reaches in an unpacked image: `file`, `folder`, `other`, or None where nothing is there."""
    place = resolve(files, path)
    if place is None:
        return None
    kinds = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder"}
    return kinds.get(files[place].type, "other") if place else "folder"
