from __future__ import annotations

import io
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from itertools import repeat

import pytest
import zstandard
from support.layer_files import file, folder, gunzipped, tar, zstd

from pytest_deploycheck.oci.files.layer import DEFAULT_LIMITS, LayerError, Limits, entries
from pytest_deploycheck.oci.manifest import digest_of

MIB = 1024 * 1024
TAR = tar(folder("app"), file("app/main.py", b"print('hello')\n" * 100), file("app/other.py", b"x = 1\n"))
FORMS = {"plain": TAR, "gzip": gunzipped(TAR), "zstd": zstd(TAR), "two members": gunzipped(TAR[:700]) * 2}


def read(data: bytes, *, diff_id: str | None = None, digest: str | None = None, limits: Limits = DEFAULT_LIMITS) -> int:
    """Read a layer with all it holds; the bytes of its files."""
    found = entries(io.BytesIO(data), diff_id=diff_id, digest=digest, limits=limits)
    return sum(len(chunk) for entry in found for chunk in entry.chunks())


class Endless(io.RawIOBase):
    """A stream that repeats itself for ever."""

    def __init__(self, first: bytes, more: bytes) -> None:
        super().__init__()
        self._pieces: Iterator[bytes] = repeat(more * (MIB // len(more)))
        self._first = first
        self.passed = 0

    def read(self, _: int | None = -1, /) -> bytes:
        """The next piece."""
        piece, self._first = self._first or next(self._pieces), b""
        self.passed += len(piece)
        return piece


def endless(first: bytes, more: bytes, limits: Limits) -> int:
    """Read a layer that never ends; how many bytes of it were read."""
    stream = Endless(first, more)
    found = entries(stream, limits=limits)  # type: ignore[arg-type]
    with pytest.raises(LayerError):
        sum(len(chunk) for entry in found for chunk in entry.chunks())
    return stream.passed


@pytest.mark.parametrize("compress", [gunzipped, zstd])
def test_a_compressed_layer_that_is_cut_off_is_refused(compress: Callable[[bytes], bytes]) -> None:
    """Wherever a compressed layer ends too early, it is refused, even if no digest is known."""
    data = compress(TAR)
    for end in range(len(data)):
        with pytest.raises(LayerError):
            read(data[:end])
    padded = compress(TAR + bytes(MIB))
    with pytest.raises(LayerError, match="is cut off"):
        read(padded[:-1])


def test_a_plain_layer_that_is_cut_off_is_refused() -> None:
    """A tar that lacks a part of its entries or the mark of its end is refused, even if no digest is known."""
    end = len(TAR.rstrip(b"\0")) + 512
    for cut in range(0, end, 13):
        with pytest.raises(LayerError):
            read(TAR[:cut])


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_every_flipped_bit_is_noticed(data: bytes) -> None:
    """No byte of a layer can change without notice where the digest of its stored bytes is known."""
    for at in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(LayerError):
            read(bytes(damaged), digest=digest_of(data))


def test_a_damaged_header_is_not_the_end() -> None:
    """A damaged header is not taken for the end of the archive: the entries after it would be missed."""
    second = TAR.index(b"app/other.py")
    damaged = TAR[:second] + b"X" + TAR[second + 1 :]
    for diff_id in (None, digest_of(damaged)):
        with pytest.raises(LayerError, match=f"damaged before byte {second + 512}: a header is missing"):
            read(damaged, diff_id=diff_id)


def test_an_end_in_the_middle_is_refused() -> None:
    """A single empty block in the middle ends no archive: what comes after it would be missed."""
    second = TAR.index(b"app/other.py")
    with pytest.raises(LayerError, match="it continues after its end"):
        read(TAR[:second] + bytes(512) + TAR[second:])


def test_an_end_that_is_not_marked() -> None:
    """Some archivers leave the mark of the end out: the digest tells that nothing is missing, and only it."""
    unmarked = TAR.rstrip(b"\0")
    unmarked += bytes(-len(unmarked) % 512)
    assert read(unmarked, diff_id=digest_of(unmarked)) == read(TAR)
    with pytest.raises(LayerError, match="its end is not marked"):
        read(unmarked)


@pytest.mark.parametrize("compress", [bytes, gunzipped, zstd])
def test_too_many_entries(compress: Callable[[bytes], bytes]) -> None:
    """The entries of a layer are counted, and one more than allowed is refused."""
    data = compress(tar(*(file(f"f{number}") for number in range(20))))
    assert read(data, limits=Limits(entries=20)) == 0
    with pytest.raises(LayerError, match="more than 19 entries"):
        read(data, limits=Limits(entries=19))


@pytest.mark.parametrize("compress", [gunzipped, zstd])
def test_too_many_unpacked_bytes(compress: Callable[[bytes], bytes]) -> None:
    """A small layer that unpacks to more than allowed is refused on the way, in files and behind the tar's end."""
    for data in (compress(tar(file("bomb", bytes(20 * MIB)))), compress(TAR + bytes(20 * MIB))):
        assert len(data) < MIB / 10
        with pytest.raises(LayerError, match=f"more than {MIB} bytes"):
            read(data, limits=Limits(unpacked=MIB))
        with pytest.raises(LayerError, match=f"more than {MIB} bytes"):
            list(entries(io.BytesIO(data), limits=Limits(unpacked=MIB)))


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A header that claims a size, without content."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.CONTTYPE, b"?"])
@pytest.mark.parametrize("size", [2**60, -(2**40), -512, -1, 21 * 1024**3])
def test_sizes_that_no_file_has(size: int, kind: bytes) -> None:
    """A header may claim any size: nothing is allocated, and nothing is looked for at its end."""
    for data in (header("a", size, kind) + TAR, TAR[:1024] + header("a", size, kind) + bytes(1024)):
        with pytest.raises(LayerError):
            read(data)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
@pytest.mark.parametrize("size", [2**60, 2 * MIB, -512])
def test_headers_that_are_larger_than_any(kind: bytes, size: int) -> None:
    """A header that extends another is read whole: it may not be larger than what Docker takes."""
    data = header("a", size, kind) + bytes(4 * MIB)
    tracemalloc.start()
    try:
        with pytest.raises(LayerError):
            list(entries(io.BytesIO(data)))
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


def test_headers_upon_headers() -> None:
    """Headers that only announce the next one are bounded together."""
    chain = header("a", 16, tarfile.XHDTYPE) + b"16 comment=abcd\n".ljust(512, b"\0")
    with pytest.raises(LayerError):
        read(chain * 20_000 + TAR)


def test_a_header_with_a_map_without_end() -> None:
    """The map of a sparse file may go on in further headers, and these are bounded together with it."""
    first = bytearray(header("a", 0, tarfile.GNUTYPE_SPARSE))
    first[482] = 1
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    more = bytes(504) + b"\1" + bytes(7)
    assert read(bytes(first) + more * 2000 + bytes(512) + TAR) == read(TAR)
    with pytest.raises(LayerError, match="claims a size that no header has"):
        read(bytes(first) + more * 2100 + bytes(512) + TAR)


def test_sizes_are_added_up() -> None:
    """Sparse files claim more than the layer has: their sizes count together."""
    headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "0,0",
        "GNU.sparse.size": str(6 * MIB),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("a", "b"):
            info = tarfile.TarInfo(name)
            info.pax_headers = headers
            archive.addfile(info)
    assert read(buffer.getvalue(), limits=Limits(unpacked=12 * MIB)) == 12 * MIB
    with pytest.raises(LayerError, match="claim to have more than"):
        read(buffer.getvalue(), limits=Limits(unpacked=10 * MIB))


def test_what_never_ends_is_ended() -> None:
    """A layer that never ends, whether something comes out of it or nothing ever does, is read to its limit only."""
    limits = Limits(unpacked=4 * MIB)
    stop = zlib.compressobj(wbits=31)
    nothing = stop.flush(zlib.Z_FULL_FLUSH)
    skipped = b"\x50\x2a\x4d\x18" + (1016).to_bytes(4, "little") + bytes(1016)
    zeros = zstandard.compress(bytes(MIB))
    assert endless(TAR[:2048], TAR[:2048], limits) < 8 * MIB
    assert endless(TAR[:512] + bytes(1024), bytes(1024), limits) < 8 * MIB
    assert endless(gunzipped(TAR), gunzipped(TAR), limits) < 8 * MIB
    assert endless(gunzipped(b"")[:10] + nothing, b"\0\0\0\xff\xff", limits) < 8 * MIB
    assert endless(gunzipped(TAR), bytes(1024), limits) < 8 * MIB
    assert endless(zstd(TAR), zeros, limits) < 8 * MIB
    assert endless(zstd(TAR), skipped, limits) < 8 * MIB


def test_a_window_larger_than_any_is_refused() -> None:
    """A zstd frame says how much memory it takes to unpack it: more than 128 MiB is not given."""
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([21 << 3]) + b"\x01\x00\x00"
    with pytest.raises(LayerError, match="zstd is damaged"):
        read(frame + bytes(600))


@pytest.mark.parametrize("compress", [gunzipped, zstd])
def test_memory_stays_flat(compress: Callable[[bytes], bytes]) -> None:
    """However large a layer is, and however many entries it has, little of it is in memory at once."""
    large = compress(tar(file("zeros", bytes(40 * MIB))))
    many = compress(tar(*(file(f"{number:06}/{'x' * 80}") for number in range(2_500))))
    tracemalloc.start()
    try:
        # To keep these entries would take two MiB.
        for data, size, most in ((large, 40 * MIB, 20 * MIB), (many, 0, MIB)):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            assert read(data) == size
            assert tracemalloc.get_traced_memory()[1] - before < most
    finally:
        tracemalloc.stop()
