"""Blobs kept in a folder by their digest, for the next test, the next image and the next run."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from pytest_deploycheck.observe.registry.errors import RequestSubject
from pytest_deploycheck.observe.registry.streams import CHUNK, Chunks, check_digest, chunks_of, readable, verified

Fetch = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens a blob at its source."""

MOST_BYTES = 2 * 1024**3
"""Bytes that a cache keeps by default."""

_LITTLE = 4 * 1024**2
"""Bytes before the end that are still fetched when a reader stops there, as readers of tars do."""

_ABANDONED_SECONDS = 24 * 3600
"""The age of an unfinished file after which its writer is assumed to have ended."""

_PART = ".part"
_PREFIX = "sha256-"


class BlobCache:
    """Blobs by digest, safe to share between threads and processes.

    Blobs are verified when they are written, and again each time before they are read. A blob that two readers open at
    the same time for the first time is fetched by each of them: neither waits for the other, which can be slow or
    stop.

    Args:
        folder: The folder, which is created if needed, or None for one that is deleted with the process.
        most_bytes: Bytes to keep; beyond that, the blobs that were not used for longest are deleted.
    """

    def __init__(self, folder: Path | None, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._room = 0

    @contextmanager
    def open(self, digest: str, size: int | None, fetch: Fetch) -> Iterator[BinaryIO]:
        """Open a blob: from the folder, or from its source and into the folder as it is read.

        It is read from its beginning to its end, without seeking. Its last bytes are returned only after its
        digest was verified. A reader who stops earlier has no proof and leaves nothing in the folder, unless only a
        little is left: that is still fetched and verified.

        Args:
            digest: The digest of its bytes.
            size: Bytes, or None where that is not known.
            fetch: Opens it at its source; called only if it is not in the folder.

        Raises:
            BlobError: It does not match its digest; errors of `fetch` are passed on.
        """
        subject = RequestSubject("cache:GetBlob", f"The blob {digest}", "digest", "")
        check_digest(digest, subject)
        file = self._kept(digest)
        if file is not None:
            with file:
                yield file
            return
        with fetch() as source:
            chunks = verified(chunks_of(source), digest, size=size, subject=subject)
            counted = _Counted(self._keep(chunks, digest, size))
            with closing(counted.chunks()) as rest, readable(rest) as reader:
                yield reader
                if size is not None and size - counted.came <= _LITTLE:
                    for _ in rest:
                        pass

    def _kept(self, digest: str) -> BinaryIO | None:
        """Return the verified file of a blob, or None where it is missing or damaged."""
        folder = self._place()
        if folder is None:
            return None
        path = folder / _name(digest)
        try:
            file = path.open("rb")
        except OSError:
            return None
        try:
            is_whole = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" == digest
            file.seek(0)
        except OSError:
            is_whole = False
        if is_whole:
            with contextlib.suppress(OSError):
                # A blob that was used recently is deleted last.
                os.utime(path)
            return file
        file.close()
        _delete(path)
        return None

    def _keep(self, chunks: Chunks, digest: str, size: int | None) -> Chunks:
        """Yield `chunks` and write them to the folder; if that fails they are still yielded."""
        if size is not None and size > self._most_bytes:
            yield from chunks
            return
        folder = self._place()
        part = _Part.begin(folder, digest) if folder else None
        try:
            with closing(chunks):
                for chunk in chunks:
                    if part is not None and not part.write(chunk, self._most_bytes):
                        part.drop()
                        part = None
                    yield chunk
            if folder is not None and part is not None:
                part.finish()
                part = None
                self._shrink(folder, digest)
        finally:
            if part is not None:
                part.drop()

    def _place(self) -> Path | None:
        """Return the folder; None where none can be made, so that nothing is kept."""
        with self._lock:
            if self._folder is None:
                try:
                    self._folder = Path(tempfile.mkdtemp(prefix="deploycheck-blobs-"))
                except OSError:
                    return None
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            return self._folder

    def _shrink(self, folder: Path, digest: str) -> None:
        """Delete the blobs that were not used for longest, until the rest fits with a new one."""
        with contextlib.suppress(OSError), self._lock:
            # The folder is searched only where the room that was left the last time is used up.
            self._room -= (folder / _name(digest)).stat().st_size
            if self._room > 0:
                return
        kept = []
        for path in folder.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                # Another process may have deleted it by now.
                status = path.stat()
                kept.append((status.st_mtime, status.st_size, path))
        now, total = time.time(), 0
        for used_at, size, path in sorted(kept, reverse=True):
            if path.suffix == _PART:
                if now - used_at > _ABANDONED_SECONDS:
                    _delete(path)
                continue
            total += size
            if total > self._most_bytes:
                _delete(path)
        with self._lock:
            self._room = self._most_bytes - total


class _Counted:
    """Chunks that are counted as they are read."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self.came = 0

    def chunks(self) -> Chunks:
        with closing(self._chunks):
            for chunk in self._chunks:
                self.came += len(chunk)
                yield chunk


class _Part:
    """A file that is being written, under a name of its own."""

    def __init__(self, path: Path, file: BinaryIO, target: Path) -> None:
        self._path = path
        self._file = file
        self._target = target
        self._written = 0

    @classmethod
    def begin(cls, folder: Path, digest: str) -> _Part | None:
        """Return a new file in the folder, or None where it cannot be written."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=folder, prefix=f"{_name(digest)}.", suffix=_PART)
        except OSError:
            return None
        return cls(Path(name), os.fdopen(handle, "wb", buffering=CHUNK), folder / _name(digest))

    def write(self, chunk: bytes, most: int) -> bool:
        """Write a piece; return False if the disk is full or the blob too large."""
        self._written += len(chunk)
        try:
            self._file.write(chunk)
        except OSError:
            return False
        return self._written <= most

    def finish(self) -> None:
        """Give the whole file its name, atomically for all readers."""
        try:
            self._file.close()
            self._path.replace(self._target)
        except OSError:
            _delete(self._path)

    def drop(self) -> None:
        """Delete the file."""
        with contextlib.suppress(OSError):
            self._file.close()
        _delete(self._path)


def _name(digest: str) -> str:
    # Not every file system allows a colon in a name.
    return _PREFIX + digest.partition(":")[2]


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        # Another process may have deleted it, or be reading it on a system that does not delete open files.
        path.unlink()
