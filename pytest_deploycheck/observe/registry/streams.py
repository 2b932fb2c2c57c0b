"""Chunks of bytes as a file to read, verified by their digest."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, BinaryIO

from pytest_deploycheck.observe.registry.errors import (
    BlobError,
    RequestSubject,
    failed,
    of_another_digest,
    of_another_size,
)
from pytest_deploycheck.oci.reference import is_digest

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Chunks = Generator[bytes, None, None]
"""The bytes of a blob, a piece at a time; closed when the rest is not needed."""

CHUNK = 128 * 1024
"""Bytes that are handled at a time."""


def check_digest(digest: str, subject: RequestSubject) -> None:
    """Check that a digest is of a supported kind.

    Raises:
        BlobError: It is not sha256.
    """
    if not is_digest(digest):
        message = f"{subject.thing} cannot be checked: only sha256 digests are supported"
        raise BlobError(failed(subject, "UnsupportedDigest", message, "Push the image with sha256 digests."))


def verified(chunks: Chunks, digest: str, *, size: int | None, subject: RequestSubject) -> Chunks:
    """Yield `chunks`, the last one only after the digest of all of them was verified.

    So a reader who has all bytes has proof, even one who counts them instead of reading to the end of the file.

    Raises:
        BlobError: They have another digest or size.
    """
    check_digest(digest, subject)
    hasher, held, came = hashlib.sha256(), b"", 0
    with closing(chunks):
        for chunk in chunks:
            came += len(chunk)
            if size is not None and came > size:
                raise of_another_size(subject, size, came)
            hasher.update(chunk)
            if held:
                yield held
            held = chunk
    if size is not None and came != size:
        raise of_another_size(subject, size, came)
    actual = f"sha256:{hasher.hexdigest()}"
    if actual != digest:
        raise of_another_digest(subject, digest, actual)
    if held:
        yield held


def chunks_of(file: BinaryIO) -> Chunks:
    """Yield the rest of a file, a piece at a time."""
    while chunk := file.read(CHUNK):
        yield chunk


@contextmanager
def readable(chunks: Chunks) -> Iterator[BinaryIO]:
    """Return a file of these chunks; chunks that are not read by the end of the block are not fetched."""
    with closing(chunks), io.BufferedReader(_Raw(chunks), CHUNK) as file:
        yield file


class _Raw(io.RawIOBase):
    """A file that is read from chunks as they come."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self._failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if not self._rest:
            self._rest = memoryview(self._next())
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def readall(self) -> bytes:
        # The default hands a buffer of old memory to `readinto`, which a traceback with local variables would show.
        whole = bytearray(self._rest)
        self._rest = memoryview(b"")
        while chunk := self._next():
            whole += chunk
        return bytes(whole)

    def _next(self) -> bytes:
        # A generator that raised has ended, which a reader who continues would take for the end of the file.
        if self._failure is not None:
            raise self._failure
        try:
            return next((chunk for chunk in self._chunks if chunk), b"")
        except Exception as failure:
            self._failure = failure
            raise
