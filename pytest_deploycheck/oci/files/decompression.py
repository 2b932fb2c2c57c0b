"""The decompression of a layer, a piece at a time and bounded in memory."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Generator, Iterator
from itertools import chain
from typing import BinaryIO

from msgspec import Struct

PIECE = 64 * 1024
"""Bytes that are read, and bytes that are unpacked, at a time."""

_BLOCK = 512
_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"
# A frame that decoders skip: pzstd begins with one. Its lowest half-byte is free.
_ZSTD_SKIPPED = tuple(bytes((low, 0x2A, 0x4D, 0x18)) for low in range(0x50, 0x60))

# The library does not bound what one call gives back. Four bytes may stand for a block of 128 KiB, so this many give
# 8 MiB at the most, at a fifth of the speed lost.
_ZSTD_FEED = 256


class LayerError(ValueError):
    """The bytes are not the layer they should be, or more than may be unpacked."""


class Limits(Struct, frozen=True):
    """The limits on the resources that reading a layer may take.

    Attributes:
        entries: Entries of one layer.
        unpacked: Bytes of one layer, unpacked, and so too the bytes that its files may claim to have.
        file: Bytes of a file that is read into memory.
    """

    entries: int = 500_000
    unpacked: int = 20 * 1024**3
    file: int = 64 * 1024**2


DEFAULT_LIMITS = Limits()
"""More than any usual image needs."""


def unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a layer's tar, which its first bytes show to be plain or compressed with gzip or zstd.

    Args:
        pieces: The layer as stored, in pieces of any size.

    Raises:
        LayerError: It is none of these, damaged or cut off.
    """
    first = b""
    while len(first) < _BLOCK and (piece := next(pieces, b"")):
        first += piece
    stored = chain([first] if first else [], pieces)
    if first.startswith(_GZIP):
        yield from _gunzip(stored)
    elif first.startswith((_ZSTD, *_ZSTD_SKIPPED)):
        yield from _unzstd(stored)
    elif _is_tar(first):
        yield from stored
    else:
        raise LayerError(f"its compression is unknown or encrypted: it begins with {first[:8].hex(' ')}")


def pieces_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a stream in pieces."""
    while piece := stream.read(PIECE):
        yield piece


def _is_tar(first: bytes) -> bool:
    """Return True if these can be the first bytes of a tar; nothing at all is an empty one."""
    block = first[:_BLOCK]
    if not block.strip(b"\0"):
        return True
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        return False
    return True


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    while rest := rest.lstrip(b"\0") or next(pieces, b""):  # zeros are padding between members
        if rest.strip(b"\0"):
            rest = yield from _member(rest, pieces)


def _member(rest: bytes, pieces: Iterator[bytes]) -> Generator[bytes, None, bytes]:
    """Yield the bytes of one member of a gzip file; return the bytes that were read beyond it."""
    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    while not unzip.eof:
        data = rest or next(pieces, b"")
        try:
            out = unzip.decompress(data, PIECE)
        except zlib.error as error:
            raise LayerError(f"its gzip is damaged ({error})") from error
        rest = unzip.unconsumed_tail
        if out:
            yield out
        elif not data and not unzip.eof:
            raise LayerError("its gzip is cut off")
    return unzip.unused_data


def _unzstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 - needed for few images, and only then

    small = (piece[at : at + _ZSTD_FEED] for piece in pieces for at in range(0, len(piece), _ZSTD_FEED))
    frame = zstandard.ZstdDecompressor().decompressobj()
    rest = b""
    while data := rest or next(small, b""):
        if frame.eof:
            frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            out = frame.decompress(data)
        except zstandard.ZstdError as error:
            raise LayerError(f"its zstd is damaged ({error})") from error
        rest = frame.unused_data if frame.eof else b""
        if out:
            yield out
    if not frame.eof:
        raise LayerError("its zstd is cut off")
