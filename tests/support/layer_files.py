"""Layers and images built in code, as bytes that hash to their digests."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

import zstandard

from pytest_deploycheck.facts.image import Layer
from pytest_deploycheck.oci.files.layer import DEFAULT_LIMITS, Limits
from pytest_deploycheck.oci.files.tree import ImageTree
from pytest_deploycheck.oci.manifest import digest_of


@dataclass(frozen=True)
class Item:
    """An entry of a tar.

    Attributes:
        name: Its name, as the tar has it.
        type: Its type, as the tar has it.
        content: What a file holds.
        target: Where a link leads.
    """

    name: str
    type: bytes = tarfile.REGTYPE
    content: bytes = b""
    target: str = ""

    @property
    def header(self) -> tarfile.TarInfo:
        """Its header."""
        info = tarfile.TarInfo(self.name)
        info.type, info.size, info.linkname = self.type, len(self.content), self.target
        return info


def file(name: str, content: bytes = b"") -> Item:
    """A regular file."""
    return Item(name, content=content)


def folder(name: str) -> Item:
    """A folder."""
    return Item(name, tarfile.DIRTYPE)


def symlink(name: str, target: str) -> Item:
    """A symbolic link."""
    return Item(name, tarfile.SYMTYPE, target=target)


def hardlink(name: str, target: str) -> Item:
    """A hard link; its target is a path from the root."""
    return Item(name, tarfile.LNKTYPE, target=target)


def device(name: str) -> Item:
    """A character device."""
    return Item(name, tarfile.CHRTYPE)


def gone(path: str) -> Item:
    """A whiteout: the path of the layers below is gone."""
    parent, slash, name = path.rpartition("/")
    return Item(f"{parent}{slash}.wh.{name}")


def opaque(path: str) -> Item:
    """The mark of an opaque folder: all that the layers below have in it is gone."""
    return Item(f"{path}/.wh..wh..opq" if path else ".wh..wh..opq")


def tar(*items: Item, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002 - tarfile's own word
    """A tar with these entries, in this order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for item in items:
            archive.addfile(item.header, io.BytesIO(item.content))
    return buffer.getvalue()


def gunzipped(data: bytes) -> bytes:
    """The bytes as gzip stores them, always the same ones."""
    return gzip.compress(data, mtime=0)


def zstd(data: bytes) -> bytes:
    """The bytes as zstd stores them."""
    return zstandard.ZstdCompressor().compress(data)


Compress = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Built:
    """A layer with its bytes.

    Attributes:
        layer: The layer, as a manifest and a configuration describe it.
        data: Its bytes as stored.
    """

    layer: Layer
    data: bytes


def built(*items: Item, created_by: str = "RUN something", compress: Compress = gunzipped) -> Built:
    """A layer with these entries."""
    content = tar(*items)
    data = compress(content)
    return Built(Layer(digest_of(data), len(data), "", digest_of(content), created_by), data)


@dataclass
class Store:
    """Holds layers, and remembers which were opened.

    Attributes:
        data: The bytes as stored, by digest.
        opened: The build steps of the layers that were opened, each time they were.
    """

    data: dict[str, bytes]
    opened: list[str] = field(default_factory=list)

    @contextmanager
    def open(self, layer: Layer) -> Iterator[BinaryIO]:
        """Open a layer."""
        self.opened.append(layer.created_by)
        yield io.BytesIO(self.data[layer.digest])


def image(*layers: Built, limits: Limits = DEFAULT_LIMITS) -> tuple[ImageTree, Store]:
    """Return the image of these layers, from the bottom up, and the store that it is read from.

    Args:
        layers: The layers.
        limits: How much a layer may ask for.
    """
    store = Store({one.layer.digest: one.data for one in layers})
    return ImageTree([one.layer for one in layers], store.open, limits), store
