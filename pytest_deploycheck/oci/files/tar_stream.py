"""The tar of a layer as a tape that runs forward only: counted, hashed, and bounded in what it keeps."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import BinaryIO

from pytest_deploycheck.oci.files.decompression import LayerError, Limits, pieces_of, unpacked

# The limit of Go's tar reader, and so of Docker and containerd, for the headers of an entry.
_HEADERS = 1024 * 1024

_BLOCK = 512
_ALGORITHMS = ("sha256", "sha384", "sha512")


class Digester:
    """Compares bytes with the digest they should have, as they pass.

    Attributes:
        expected: The digest, such as `sha256:…`, or None to compare nothing.
    """

    def __init__(self, expected: str | None) -> None:
        self.expected = expected
        algorithm, _, _ = (expected or "sha256:").partition(":")
        if algorithm not in _ALGORITHMS:
            raise LayerError(f"its digest {expected} is of a kind that is not known")
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)

    def add(self, piece: bytes) -> None:
        """Take account of a piece."""
        if self.expected is not None:
            self._hash.update(piece)

    def check(self, what: str) -> None:
        """See that all pieces together have the digest.

        Raises:
            LayerError: They have another.
        """
        actual = f"{self._algorithm}:{self._hash.hexdigest()}"
        if self.expected not in (None, actual):
            raise LayerError(f"{what} should have the digest {self.expected}, and have {actual}")


class Tape(io.BufferedIOBase):
    """The unpacked bytes of a layer, for `tarfile` to read from.

    It moves forward without keeping anything, refuses reads that only a damaged or hostile header can request, and
    passes on the errors of the stream below.

    Attributes:
        block: The bytes of the last read, which is a header after `begin_header`.
        failure: The error that the stream below raised, if it did.
    """

    def __init__(self, stream: BinaryIO, limits: Limits, *, diff_id: str | None, digest: str | None) -> None:
        super().__init__()
        self.block = b""
        self.failure: Exception | None = None
        self._limits = limits
        self._stored, self._tar = Digester(digest), Digester(diff_id)
        self._pieces = unpacked(self._counted(stream))
        self._piece = memoryview(b"")
        self._position = 0
        self._unpacked = 0
        self._header_left: int | None = None

    @property
    def is_proven(self) -> bool:
        """Return True if a digest is compared at the end."""
        return (self._stored.expected or self._tar.expected) is not None

    def begin_header(self) -> None:
        """Begin a header, of which only a limited size is read."""
        self._header_left = _HEADERS

    def end_header(self) -> None:
        """End the header: the content of a file follows."""
        self._header_left = None

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: it can move forward."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move forward, at most to the end of the tape.

        Raises:
            LayerError: The target lies before the position.
        """
        if whence != io.SEEK_SET or offset < self._position:
            raise LayerError("bytes before the position cannot be read again")
        while self._position < offset and self._fill():
            self._take(offset - self._position)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read `size` bytes, fewer only at the end of the tape.

        Raises:
            LayerError: That is more than a header may have, or the layer is more than may be unpacked.
        """
        wanted = size or 0
        if self._header_left is not None:
            self._header_left -= wanted
        if wanted < 0 or wanted > _HEADERS or (self._header_left or 0) < 0:
            raise LayerError("a header of its tar claims a size that no header has")
        parts = []
        while wanted and self._fill():
            parts.append(self._take(wanted).tobytes())
            wanted -= len(parts[-1])
        self.block = b"".join(parts)
        return self.block

    def check_end(self) -> None:
        """See that the tar ended where its archiver ended it, not where it was cut or damaged.

        Raises:
            LayerError: It did not.
        """
        if self.block.strip(b"\0"):
            raise LayerError(f"its tar is damaged before byte {self._position}: a header is missing")
        if len(self.block) == _BLOCK and self.read(_BLOCK).strip(b"\0"):
            raise LayerError(f"its tar is damaged before byte {self._position}: it continues after its end")
        # The end is marked by two blocks of zeros. Not every archiver writes them, and a digest proves more.
        if len(self.block) < _BLOCK and not self.is_proven:
            raise LayerError("its tar is cut off: its end is not marked")

    def finish(self) -> None:
        """Run to the end, and compare the digests.

        Raises:
            LayerError: They differ.
        """
        while self._fill():
            self._take(len(self._piece))
        self._stored.check("its bytes as stored")
        self._tar.check("its unpacked bytes")

    def _take(self, size: int) -> memoryview:
        taken, self._piece = self._piece[:size], self._piece[size:]
        self._position += len(taken)
        return taken

    def _fill(self) -> bool:
        """Read the next piece if none is left; return False at the end of the tape."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._unpacked += len(piece)
            if self._unpacked > self._limits.unpacked:
                raise LayerError(f"it unpacks to more than {self._limits.unpacked} bytes")
            self._tar.add(piece)
            self._piece = memoryview(piece)
        return True

    def _counted(self, stream: BinaryIO) -> Iterator[bytes]:
        """The bytes as stored, which are not many more than the unpacked ones unless nothing ever comes out."""
        most = self._limits.unpacked + self._limits.unpacked // 8 + _HEADERS
        stored = 0
        for piece in self._guarded(stream):
            stored += len(piece)
            if stored > most:
                raise LayerError(f"it has more than {most} bytes as stored")
            self._stored.add(piece)
            yield piece

    def _guarded(self, stream: BinaryIO) -> Iterator[bytes]:
        """The bytes of the stream below, whose failure is not the layer's."""
        try:
            yield from pieces_of(stream)
        except Exception as error:
            self.failure = error
            raise
