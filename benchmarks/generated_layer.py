"""A layer that is generated each time it is served, so that it takes no room on the disk however large it is."""

from __future__ import annotations

import random
import tarfile
import zlib
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple, Self

_FILES = 10_000
_BLOCK = 512
_GZIP = 31
"""The window bits by which zlib writes the format of gzip."""


class GeneratedLayer(NamedTuple):
    """A layer of ten thousand files that cannot be compressed, all of the same size.

    Attributes:
        content: Random bytes, of which each file has a part.
        file_size: Bytes of each file.
        digest: The digest of its bytes as stored.
        diff_id: The digest of what is compressed in it.
        size: Its bytes as stored.
    """

    content: bytes
    file_size: int
    digest: str = ""
    diff_id: str = ""
    size: int = 0

    @classmethod
    def of(cls, file_size: int, chance: random.Random) -> Self:
        """Return the layer, generated once for its digests."""
        layer = cls(chance.randbytes(file_size + _FILES), file_size)
        stored, unpacked, size = sha256(), sha256(), 0
        for piece in layer._tar():
            unpacked.update(piece)
        for chunk in layer.chunks():
            stored.update(chunk)
            size += len(chunk)
        return layer._replace(
            digest=f"sha256:{stored.hexdigest()}", diff_id=f"sha256:{unpacked.hexdigest()}", size=size
        )

    def chunks(self) -> Iterator[bytes]:
        """Yield its bytes as stored."""
        # What cannot be compressed is stored as it is by any level.
        compressor = zlib.compressobj(0, zlib.DEFLATED, _GZIP)
        for piece in self._tar():
            yield compressor.compress(piece)
        yield compressor.flush()

    def descriptor(self, media_type: str) -> dict[str, object]:
        """Return the descriptor by which a manifest names it."""
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}

    def _tar(self) -> Iterator[bytes]:
        padding = bytes(-self.file_size % _BLOCK)
        view = memoryview(self.content)
        for number in range(_FILES):
            entry = tarfile.TarInfo(f"usr/lib/base/{number // 100:02d}/{number:04d}.so")
            entry.size = self.file_size
            yield entry.tobuf() + bytes(view[number : number + self.file_size]) + padding
        yield bytes(2 * _BLOCK)
