from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable

import pytest
import zstandard
from support.layer_files import Item, device, file, folder, gone, gunzipped, hardlink, opaque, symlink, tar, zstd

from pytest_deploycheck.oci.files.layer import Entry, LayerError, entries
from pytest_deploycheck.oci.manifest import digest_of

ITEMS = (
    folder("app"),
    file("app/main.py", b"print('hello')\n" * 400),
    symlink("app/link", "main.py"),
    file("app/empty"),
    gone("app/old.py"),
)
TAR = tar(*ITEMS)
SKIPPED = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"


def halves(compress: Callable[[bytes], bytes]) -> bytes:
    """The tar in two compressed parts, one after the other."""
    return compress(TAR[:700]) + compress(TAR[700:])


FORMS = {
    "plain": TAR,
    "gzip": gunzipped(TAR),
    "gzip of several members": halves(gunzipped),
    "gzip with padding": gunzipped(TAR[:700]) + bytes(100) + gunzipped(TAR[700:]) + bytes(70_000),
    "gzip with an empty member": gunzipped(b"") + gunzipped(TAR),
    "zstd": zstd(TAR),
    "zstd of several frames": halves(zstd),
    "zstd with frames to skip": SKIPPED + zstd(TAR) + SKIPPED,
}


def read(data: bytes, *, diff_id: str | None = None, digest: str | None = None) -> list[tuple[Entry, bytes]]:
    """All entries of a layer, each with what it holds."""
    return [(entry, entry.read(1 << 20)) for entry in entries(io.BytesIO(data), diff_id=diff_id, digest=digest)]


def said(*items: Item) -> list[Entry]:
    """The entries of a layer with these items."""
    return [Entry(one.path, one.kind, one.size, one.target) for one in entries(io.BytesIO(tar(*items)))]


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_every_compression_reads_the_same(data: bytes) -> None:
    """A layer may be a plain tar, gzip of any number of members or zstd of any number of frames; its bytes tell."""
    found = read(data, diff_id=digest_of(TAR), digest=digest_of(data))
    assert [(entry.path, entry.kind, entry.size, entry.target, content) for entry, content in found] == [
        ("app", "folder", 0, "", b""),
        ("app/main.py", "file", 6000, "", b"print('hello')\n" * 400),
        ("app/link", "symlink", 0, "main.py", b""),
        ("app/empty", "file", 0, "", b""),
        ("app/old.py", "whiteout", 0, "", b""),
    ]


def test_zstd_is_loaded_only_for_a_zstd_layer() -> None:
    """Few images have zstd layers: for all others its library is not loaded."""
    code = (
        "import io, sys, gzip\n"
        "from pytest_deploycheck.oci.files import tree, layer\n"
        "list(layer.entries(io.BytesIO(gzip.compress(bytes(1024)))))\n"
        "print('zstandard' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert finished.stdout.strip() == "False"


def test_kinds_of_entries() -> None:
    """Files, folders, links, whiteouts, opaque folders and the rest are told apart, by place."""
    fifo = Item("dev/fifo", tarfile.FIFOTYPE)
    assert said(file("a", b"x"), folder("b/"), symlink("c", "../x"), hardlink("d", "./a"), device("dev/tty"), fifo) == [
        Entry("a", "file", 1),
        Entry("b", "folder"),
        Entry("c", "symlink", target="../x"),
        Entry("d", "hardlink", target="a"),
        Entry("dev/tty", "other"),
        Entry("dev/fifo", "other"),
    ]


def test_whiteouts() -> None:
    """A whiteout names what is gone, an opaque mark its folder; other marks of a file system say nothing."""
    marks = [file(".wh..wh.aufs"), folder(".wh..wh.plnk"), file(".wh..wh.plnk/1.2", b"x"), file("a/.wh..wh.orph")]
    assert said(gone("a/b"), gone("c"), opaque("a"), opaque(""), folder("a/.wh.d"), *marks) == [
        Entry("a/b", "whiteout"),
        Entry("c", "whiteout"),
        Entry("a", "opaque"),
        Entry("", "opaque"),
        Entry("a/d", "whiteout"),
    ]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("./app/main.py", "app/main.py"),
        ("/app/main.py", "app/main.py"),
        ("//app//./main.py", "app/main.py"),
        ("app/x/../main.py", "app/main.py"),
        ("./", ""),
        ("Ünïcode/日本", "Ünïcode/日本"),
        ("a\\b", "a\\b"),
        ("a b\n", "a b\n"),
        ("app/" + "x" * 300, "app/" + "x" * 300),
        ("/".join(["y" * 90] * 5), "/".join(["y" * 90] * 5)),
    ],
)
@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_names_are_paths_from_the_root(name: str, path: str, style: int) -> None:
    """However an archiver writes a name, long ones too: it is a path from the image's root."""
    (entry,) = entries(io.BytesIO(tar(file(name), format=style)))
    assert entry.path == path


def test_names_that_are_not_text() -> None:
    """A name whose bytes are no UTF-8 is kept as Python keeps such names of a file system."""
    (entry,) = entries(io.BytesIO(tar(file("caf\udce9"), format=tarfile.GNU_FORMAT)))
    assert entry.path.encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/../x", "..", "./../x"])
def test_paths_out_of_the_image_are_refused(name: str) -> None:
    """An entry or a hard link that leads out of the image is an attack, and no layer."""
    for item in (file(name), hardlink("a", name), folder(name)):
        with pytest.raises(LayerError, match="leads out of the image"):
            said(item)


@pytest.mark.parametrize("name", [".wh.", "a/.wh..", "a/.wh..."])
def test_whiteouts_of_nothing_are_refused(name: str) -> None:
    """A whiteout that names nothing, its own folder or the one above is no whiteout."""
    with pytest.raises(LayerError, match="names nothing"):
        said(file(name))


@pytest.mark.parametrize("item", [file("a/" * 2500 + "b"), symlink("a", "b/" * 2500)])
def test_paths_longer_than_any_are_refused(item: Item) -> None:
    """Linux opens no path of more than 4096 bytes: none is kept in memory."""
    with pytest.raises(LayerError, match="no file can have"):
        said(item)


def test_content_comes_in_chunks() -> None:
    """A large file is never whole in memory, unless it is asked for."""
    content = bytes(range(256)) * 4096
    for entry in entries(io.BytesIO(gunzipped(tar(file("a", content), file("b", b"after"))))):
        chunks = list(entry.chunks())
        assert b"".join(chunks) == (content if entry.path == "a" else b"after")
        assert max(len(chunk) for chunk in chunks) <= 64 * 1024


def test_content_may_be_left_or_read_in_part() -> None:
    """The unread rest of an entry is passed over: the next entry begins at its header."""
    layer = io.BytesIO(tar(file("a", b"a" * 200_000), file("b", b"b" * 200_000), file("c", b"c")))
    found = [(entry.path, b"" if entry.path == "a" else next(entry.chunks())[:1]) for entry in entries(layer)]
    assert found == [("a", b""), ("b", b"b"), ("c", b"c")]


def test_a_file_larger_than_allowed_is_not_read() -> None:
    """Reading a file into memory takes a limit, and a larger file is refused with both sizes."""
    (entry,) = entries(io.BytesIO(tar(file("app/big", bytes(1001)))))
    with pytest.raises(LayerError, match="its 'app/big' has 1001 bytes, more than the 1000"):
        entry.read(1000)


def test_an_entry_is_read_while_it_is_the_current_one() -> None:
    """An entry that was passed cannot be read: neither from another place nor as an empty file."""
    first, *_ = list(entries(io.BytesIO(tar(file("a", bytes(100)), file("b", bytes(100))))))
    with pytest.raises(LayerError, match="cannot be read again"):
        first.read(1000)


def test_a_sparse_file_has_its_holes() -> None:
    """Sparse files of GNU tar are read with the zeros that they leave out."""
    fields = b"2\n1000\n5\n3000\n5\n"
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a", "GNU.sparse.realsize": "4000"}
    data = fields.ljust(512, b"\0") + b"helloworld"
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo("GNUSparseFile.0/a")
            info.size, info.pax_headers = len(data), headers
            archive.addfile(info, io.BytesIO(data))
            archive.addfile(tarfile.TarInfo("b"))
        layer = buffer.getvalue()
    content = bytes(1000) + b"hello" + bytes(1995) + b"world" + bytes(995)
    assert [(entry.path, content) for entry, content in read(layer)] == [("a", content), ("b", b"")]
    for damage in (b"2\n1000\n5\n3000\n5000\n", b"2\n3000\n5\n1000\n5\n", b"2\n1000\n-5\n3000\n5\n", b"2"):
        with pytest.raises(LayerError, match="damaged"):
            read(layer.replace(fields, damage.ljust(len(fields), b"\0")))


@pytest.mark.parametrize("data", [b"", bytes(1024), gunzipped(b""), gunzipped(bytes(1024)), zstd(b"")])
def test_an_empty_layer(data: bytes) -> None:
    """A layer may be empty, also one of no bytes at all, where the digest says that this is it."""
    assert read(data, digest=digest_of(data)) == []


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_digests_are_compared(algorithm: str) -> None:
    """The unpacked and the stored bytes must have their digests; nothing that is missing is compared."""
    data = gunzipped(TAR)
    right = {"diff_id": f"{algorithm}:{hashlib.new(algorithm, TAR).hexdigest()}"}
    assert len(read(data, **right)) == len(read(data)) == len(ITEMS)
    wrong = f"{algorithm}:{hashlib.new(algorithm, b'other').hexdigest()}"
    with pytest.raises(LayerError, match=f"unpacked bytes should have the digest {wrong}, and have {right['diff_id']}"):
        read(data, diff_id=wrong)
    with pytest.raises(LayerError, match=f"as stored should have the digest {wrong}"):
        read(data, digest=wrong)


@pytest.mark.parametrize("digest", ["md5:0123", "nonsense", "sha256", "", "sha256:", "shake_128:00"])
def test_a_digest_that_cannot_be_compared_is_an_error(digest: str) -> None:
    """A digest of an unknown kind proves nothing, and is no reason to believe."""
    with pytest.raises(LayerError, match="digest"):
        read(TAR, diff_id=digest)


def test_bytes_after_the_end_of_the_tar_count() -> None:
    """Bytes after the end of the tar are read, and are part of its digest."""
    data = gunzipped(TAR + b"more" * 100_000)
    assert len(read(data, diff_id=digest_of(TAR + b"more" * 100_000))) == len(ITEMS)
    with pytest.raises(LayerError, match="should have the digest"):
        read(data, diff_id=digest_of(TAR))


def test_errors_of_the_stream_are_passed_on() -> None:
    """A connection that breaks is no damaged layer: its error comes out as it is, wherever it comes."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if not (data := super().read(min(size or 0, 1000))):
                raise ConnectionResetError("gone")
            return data

    for data in FORMS.values():
        for end in (0, 100, 600, len(data) // 2, len(data)):
            with pytest.raises(ConnectionResetError, match="gone"):
                list(entries(Broken(data[:end])))


def test_formats_that_no_registry_has_are_named() -> None:
    """An encrypted layer, or one of an unknown compression, is recognized by its first bytes, which are shown."""
    for data in (b"Salted__" + bytes(range(256)) * 8, b"\xfd7zXZ\x00" + bytes(range(256)) * 8, b"hello", b"\x1f\x8b"):
        with pytest.raises(LayerError, match=f"unknown or encrypted: it begins with {data[:8].hex(' ')}"):
            read(data)


def test_gzip_of_other_content_than_a_tar() -> None:
    """A compressed file that is no tar is no layer."""
    for compress in (gunzipped, zstd, gzip.compress, zstandard.compress):
        with pytest.raises(LayerError, match="its tar is damaged"):
            read(compress(b"hello" * 1000))
