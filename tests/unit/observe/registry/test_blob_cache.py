from __future__ import annotations

import errno
import gc
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest

from pytest_deploycheck.observe.registry.blob_cache import BlobCache
from pytest_deploycheck.observe.registry.errors import BlobError

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = bytes(range(256)) * 4000
BIG = bytes(1024) * 9000


def digest_of(data: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{sha256(data).hexdigest()}"


class Source:
    """The source of a blob, which counts how often and how far it was read."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.digest = digest_of(data)
        self.fetched = 0
        self.reached = 0

    @contextmanager
    def fetch(self) -> Iterator[BinaryIO]:
        """Open it."""
        self.fetched += 1
        with io.BytesIO(self.data) as file:
            try:
                yield file
            finally:
                self.reached = file.tell()


def read(cache: BlobCache, source: Source, size: int | None = None) -> bytes:
    """The whole of a blob through a cache."""
    with cache.open(source.digest, size, source.fetch) as file:
        return file.read()


def names(folder: Path) -> list[str]:
    """Return the names in the cache's folder."""
    return sorted(path.name for path in folder.iterdir())


def name_of(source: Source) -> str:
    """The name of a blob in the folder."""
    return source.digest.replace(":", "-")


@pytest.mark.parametrize("size", [None, len(DATA)])
def test_a_blob_is_fetched_once(tmp_path: Path, size: int | None) -> None:
    """The second reader, in this process or the next, gets it from the folder, which is made for it."""
    folder, source = tmp_path / "not" / "there yet", Source()
    assert read(BlobCache(folder), source, size) == DATA
    assert read(BlobCache(folder), source, size) == DATA
    assert source.fetched == 1
    assert names(folder) == [name_of(source)]


def test_a_blob_can_be_read_while_it_arrives(tmp_path: Path) -> None:
    """The reader has the first bytes before the last have come, and all of it is kept once they have."""
    source = Source()
    with BlobCache(tmp_path).open(source.digest, None, source.fetch) as file:
        assert file.read(10) == DATA[:10]
        assert names(tmp_path) != [name_of(source)]
        assert file.read() == DATA[10:]
        assert names(tmp_path) == [name_of(source)]


@pytest.mark.parametrize("wrong", [DATA[:-1], b"", bytes(len(DATA))])
def test_other_bytes_are_neither_read_nor_kept(tmp_path: Path, wrong: bytes) -> None:
    """A source that gives something else ends in an error, and leaves nothing in the folder."""
    source = Source()
    source.data = wrong
    for size in (None, len(DATA)):
        with pytest.raises(BlobError, match=r"does not match its (digest|manifest)"):
            read(BlobCache(tmp_path), source, size)
    assert names(tmp_path) == []


@pytest.mark.parametrize("damage", [DATA[:-1], b"", DATA[:-1] + b"x", DATA + b"x"])
def test_a_damaged_file_is_fetched_again(tmp_path: Path, damage: bytes) -> None:
    """A blob in the folder is verified before it is read."""
    source, cache = Source(), BlobCache(tmp_path)
    read(cache, source)
    (tmp_path / name_of(source)).write_bytes(damage)
    assert read(cache, source) == DATA
    assert source.fetched == 2
    assert read(cache, source) == DATA
    assert source.fetched == 2


def test_a_file_that_the_disk_cannot_read_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sector is broken: the file is opened and not read, so the blob comes from its source."""
    source, cache = Source(), BlobCache(tmp_path)
    read(cache, source)

    def unreadable(*_: object) -> object:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", unreadable)
        assert read(cache, source) == DATA
    assert source.fetched == 2
    assert read(cache, source) == DATA
    assert source.fetched == 2


def test_more_bytes_than_announced_are_not_fetched_to_their_end(tmp_path: Path) -> None:
    """A source that never ends is left at the size that the manifest names, and nothing stays in the folder."""
    source = Source(BIG)
    with pytest.raises(BlobError, match="does not match its manifest"):
        read(BlobCache(tmp_path), source, len(DATA))
    assert source.reached < len(BIG) // 2
    assert names(tmp_path) == []


def test_a_damaged_file_is_deleted_even_where_the_source_is_gone(tmp_path: Path) -> None:
    """Nobody reads what is wrong."""
    source, cache = Source(), BlobCache(tmp_path)
    read(cache, source)
    (tmp_path / name_of(source)).write_bytes(b"damage")

    def gone() -> BinaryIO:
        raise LookupError("gone")

    with pytest.raises(LookupError), cache.open(source.digest, None, gone):
        pass
    assert names(tmp_path) == []


def test_a_reader_who_stops_early_leaves_nothing(tmp_path: Path) -> None:
    """A blob of which much is left is neither fetched nor kept; after a failing reader, none is."""
    source, cache = Source(BIG), BlobCache(tmp_path)
    with cache.open(source.digest, len(BIG), source.fetch) as file:
        file.read(10)
    assert source.reached < len(BIG) / 10
    assert names(tmp_path) == []
    little = Source()
    with cache.open(little.digest, None, little.fetch) as file:
        file.read(10)
    for_failing = cache.open(little.digest, len(DATA), little.fetch)
    assert for_failing.__enter__().read(10) == DATA[:10]
    assert not for_failing.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert names(tmp_path) == []


def test_a_little_that_is_left_is_still_proven(tmp_path: Path) -> None:
    """A reader of a tar stops before its end; the layer is kept all the same, and an error at its end is told."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("app/main.py")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"1+1"))
    source = Source(buffer.getvalue() + bytes(300_000))
    cache = BlobCache(tmp_path)

    def first_name() -> str:
        with (
            cache.open(source.digest, len(source.data), source.fetch) as file,
            tarfile.open(fileobj=file, mode="r|gz") as tar,
        ):
            found = tar.next()
            assert found is not None
            return found.name

    right = source.data
    source.data = right[:-1] + b"x"
    with pytest.raises(BlobError, match="does not match its digest"):
        first_name()
    assert names(tmp_path) == []
    source.data = right
    assert first_name() == "app/main.py"
    assert names(tmp_path) == [name_of(source)]


def test_a_reader_may_close_the_file(tmp_path: Path) -> None:
    """As some readers of archives do with what they are given."""
    source = Source(gzip.compress(DATA))
    with BlobCache(tmp_path).open(source.digest, len(source.data), source.fetch) as file:
        assert gzip.decompress(file.read()) == DATA
        file.close()
    assert read(BlobCache(tmp_path), source) == source.data
    assert source.fetched == 1


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    """The folder keeps to its bound; reading a blob counts as using it."""
    cache = BlobCache(tmp_path, most_bytes=2500)
    sources = [Source(bytes([number]) * 1000) for number in range(3)]
    now = time.time()
    for age, source in zip((30, 20), sources, strict=False):
        read(cache, source)
        os.utime(tmp_path / name_of(source), (now - age, now - age))
    read(cache, sources[0])
    read(cache, sources[2])
    assert names(tmp_path) == sorted(name_of(source) for source in (sources[0], sources[2]))


@pytest.mark.parametrize("size", [None, len(DATA)])
def test_a_blob_beyond_the_bound_is_not_kept(tmp_path: Path, size: int | None) -> None:
    """It streams to its reader, and what is kept already stays."""
    small, source = Source(b"small"), Source()
    cache = BlobCache(tmp_path, most_bytes=len(DATA) - 1)
    read(cache, small)
    assert read(cache, source, size) == DATA
    assert read(cache, source, size) == DATA
    assert source.fetched == 2
    assert names(tmp_path) == [name_of(small)]


def test_what_others_put_into_the_folder_stays(tmp_path: Path) -> None:
    """Only blobs are counted and deleted, and what a writer that ended left half written."""
    (tmp_path / "README").write_bytes(bytes(10_000))
    for name, age in (("old", 2 * 24 * 3600), ("new", 60)):
        part = tmp_path / f"sha256-1234.{name}.part"
        part.write_bytes(b"half")
        os.utime(part, (time.time() - age, time.time() - age))
    read(BlobCache(tmp_path, most_bytes=5), Source(b"small"))
    assert set(names(tmp_path)) == {"README", name_of(Source(b"small")), "sha256-1234.new.part"}


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    """Then it is fetched each time."""
    (tmp_path / "file").write_bytes(b"")
    source = Source()
    for _ in range(2):
        assert read(BlobCache(tmp_path / "file"), source) == DATA
    assert source.fetched == 2


def test_without_any_folder_that_can_be_written_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine without a folder for temporary files is no obstacle."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    cache, source = BlobCache(None), Source()
    assert read(cache, source) == read(cache, source) == DATA
    assert source.fetched == 2


def test_a_full_disk_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader gets the whole, and no half file stays."""
    real = os.fdopen

    def full(handle: int, *_: object, **__: object) -> object:
        os.close(handle)
        return real(os.open("/dev/full", os.O_WRONLY), "wb", buffering=0)

    source = Source()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdopen", full)
        assert read(BlobCache(tmp_path), source) == DATA
    assert names(tmp_path) == []


def test_without_a_folder_a_blob_stays_as_long_as_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is fetched once, to a folder that goes with the cache."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cache, source = BlobCache(None), Source()
    assert names(tmp_path) == []
    assert read(cache, source) == read(cache, source) == DATA
    assert source.fetched == 1
    (folder,) = tmp_path.iterdir()
    assert names(folder) == [name_of(source)]
    del cache
    gc.collect()
    assert names(tmp_path) == []


@pytest.mark.parametrize("digest", ["../../x", "sha512:" + "0" * 128, "sha256:12"])
def test_only_a_digest_names_a_file(tmp_path: Path, digest: str) -> None:
    """The digest of a foreign manifest cannot lead out of the folder."""
    with pytest.raises(BlobError) as caught, BlobCache(tmp_path).open(digest, None, Source().fetch):
        pass
    assert caught.value.problem.code == "UnsupportedDigest"


def test_threads_share_a_cache(tmp_path: Path) -> None:
    """Many readers at once each get the whole, and one file stays."""
    source, cache = Source(), BlobCache(tmp_path)
    read_by: list[bytes] = []
    threads = [threading.Thread(target=lambda: read_by.append(read(cache, source))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_by == [DATA] * 8
    assert names(tmp_path) == [name_of(source)]


WORKER = """
import io, sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from pytest_deploycheck.observe.registry.blob_cache import BlobCache

cache = BlobCache(Path(sys.argv[1]), most_bytes=1_000_000)
for number in range(40):
    data = bytes([number % 7]) * 300_000
    digest = "sha256:" + sha256(data).hexdigest()
    with cache.open(digest, len(data), lambda: closing(io.BytesIO(data))) as file:
        assert file.read() == data
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    """Workers that store, read and delete the same blobs at once never see a wrong or a half one."""
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stderr=subprocess.PIPE) for _ in range(3)
    ]
    for worker in workers:
        _, told = worker.communicate(timeout=60)
        assert worker.returncode == 0, told
    assert all(name.startswith("sha256-") and not name.endswith(".part") for name in names(tmp_path))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1_000_000


def test_a_file_that_cannot_be_finished_does_not_matter(tmp_path: Path) -> None:
    """A folder in the place of the file does not disturb the reader."""
    source = Source()
    (tmp_path / name_of(source)).mkdir()
    assert read(BlobCache(tmp_path), source) == DATA
    assert names(tmp_path) == [name_of(source)]
