from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest
from msgspec.structs import replace
from support.layer_files import (
    Built,
    Item,
    built,
    device,
    file,
    folder,
    gone,
    hardlink,
    image,
    opaque,
    symlink,
    zstd,
)

from pytest_deploycheck.facts.image import Layer
from pytest_deploycheck.oci.files.layer import LayerError, Limits
from pytest_deploycheck.oci.files.tree import ImageTree


def tree(*layers: tuple[Item, ...]) -> ImageTree:
    """An image of layers with these entries, from the bottom up."""
    return image(*(built(*items) for items in layers))[0]


def test_the_uppermost_layer_counts() -> None:
    """A file that several layers have is that of the uppermost, whatever the compression of each."""
    low = built(file("app/main.py", b"old"), file("app/kept.py", b"kept"), compress=bytes)
    one, _ = image(low, built(file("app/main.py", b"newer"), compress=zstd), built(file("app/main.py", b"newest")))
    assert one.read_bytes("/app/main.py") == b"newest"
    assert one.read_bytes("app/kept.py") == b"kept"
    assert one.files() == ("/app/kept.py", "/app/main.py")


def test_a_whiteout_hides_lower_layers_only() -> None:
    """A path that a layer deletes is gone, unless it or a layer above has it again."""
    low = (file("app/a", b"1"), file("app/b", b"1"), file("app/c/d", b"1"), file("app/e", b"1"))
    one = tree(low, (gone("app/a"), gone("app/b"), file("app/b", b"2"), gone("app/c"), gone("app/e")), (file("app/e"),))
    assert [one.exists(path) for path in ("/app/a", "/app/b", "/app/c", "/app/c/d", "/app/e")] == [
        *(False, True, False, False, True)
    ]
    assert one.files("/app") == ("/app/b", "/app/e")


def test_an_opaque_folder_hides_what_lower_layers_have_in_it() -> None:
    """The files of lower layers in an opaque folder are gone, those of its own layer are not, in any order."""
    low = (file("app/a", b"1"), file("app/b/c", b"1"), file("etc/x", b"1"))
    for items in ((opaque("app"), file("app/a", b"2")), (file("app/a", b"2"), opaque("app"))):
        one = tree(low, items)
        assert one.files() == ("/app/a", "/etc/x")
        assert one.read_bytes("/app/a") == b"2"
        assert not one.exists("/app/b/c")
    assert tree(low, (opaque(""), file("only"))).files() == ("/only",)
    assert tree(low, (opaque("app"),)).exists("/app")


def test_a_file_in_the_place_of_a_folder() -> None:
    """A file hides all that lower layers have below its path."""
    one = tree((file("app/a/b", b"1"), file("app/c")), (file("app/a", b"2"),))
    assert one.read_bytes("/app/a") == b"2"
    assert not one.exists("/app/a/b")
    assert one.files() == ("/app/a", "/app/c")


def test_a_folder_in_the_place_of_a_file() -> None:
    """A folder replaces a file, with an entry of its own or only something in it; nothing old shines through."""
    for items in ((folder("app/a"), file("app/a/new")), (file("app/a/new"),)):
        one = tree((file("app/a/old"),), (file("app/a", b"1"),), items)
        assert one.files() == ("/app/a/new",)
        assert not one.exists("/app/a/old")
        with pytest.raises(IsADirectoryError, match="/app/a is a folder"):
            one.read_bytes("/app/a")


def test_what_is_neither_file_nor_folder() -> None:
    """A device exists, and is not a file: it is not read, listed or compared."""
    one = tree((device("dev/tty"), symlink("tty", "dev/tty")))
    assert one.exists("/tty")
    assert one.files() == ()
    assert one.digests(["/tty", "/dev"]).found == {"/tty": None, "/dev": None}
    with pytest.raises(FileNotFoundError, match="/tty is neither a file nor a folder"):
        one.read_bytes("/tty")


def test_files_are_listed_with_the_links_that_lead_to_one() -> None:
    """Regular files, hard links and links to files are listed; links to folders are not, and not entered."""
    items = (file("a/f", b"x"), hardlink("a/h", "a/f"), symlink("a/s", "f"), symlink("a/up", ".."), folder("a/d"))
    one = tree(items)
    assert one.files("/a") == ("/a/f", "/a/h", "/a/s")
    assert one.files("/a/") == one.files("a") == one.files("/a/../a") == one.files("/a")
    assert one.files("/a/up/a") == ("/a/up/a/f", "/a/up/a/h", "/a/up/a/s")
    assert one.files("/a/s") == ("/a/s",)
    assert one.files("/a/d") == ()
    with pytest.raises(FileNotFoundError, match="/b is not in the image"):
        one.files("/b")


def test_the_root() -> None:
    """The root is a folder, even of an image without layers."""
    empty = ImageTree([], lambda _: pytest.fail("there is nothing to open"))
    assert empty.exists("/")
    assert not empty.exists("/a")
    assert empty.files() == ()
    for one in (empty, tree((folder("./"), file("a")))):
        with pytest.raises(IsADirectoryError, match="/ is a folder"):
            one.read_bytes("/")


def test_the_message_for_a_missing_path_names_the_layers() -> None:
    """The message names the path and, from the top, each layer that was searched, with its step."""
    low, top = built(file("a"), created_by="COPY a /a # buildkit"), built(file("b"), created_by="RUN b")
    one, _ = image(low, top)
    with pytest.raises(FileNotFoundError) as caught:
        one.read_bytes("/app/main.py")
    expected = f"{top.layer.digest[:19]} (RUN b), {low.layer.digest[:19]} (COPY a /a)"
    assert str(caught.value) == f"/app/main.py is not in the image; searched 2 of its 2 layers: {expected}"


def test_a_long_step_is_cut() -> None:
    """A step that is a whole script is recognized by its beginning."""
    one, _ = image(built(file("a"), created_by="RUN " + "x" * 5000))
    with pytest.raises(FileNotFoundError, match=r"\(RUN x{76}…\)$"):
        one.read_bytes("/b")


def test_a_large_file_is_not_read_into_memory() -> None:
    """A file larger than the limit is refused with both sizes; its digest can be had, and a hidden one is no matter."""
    one, _ = image(
        built(file("a", bytes(2000)), file("b", bytes(2000))), built(file("b", b"b")), limits=Limits(file=1000)
    )
    with pytest.raises(LayerError, match="/a has 2000 bytes, more than the 1000"):
        one.read_bytes("/a")
    assert one.read_bytes("/b") == b"b"
    found = one.digests(["/a"]).found["/a"]
    assert found
    assert found.size == 2000


def test_nothing_of_a_layer_is_believed_before_its_end() -> None:
    """A layer whose digest is wrong answers nothing, even if the file came long before its end; the layer is named."""
    good = built(file("app/main.py", b"main"), file("filler", bytes(100_000)), created_by="COPY app /app # buildkit")
    wrong = Built(replace(good.layer, diff_id=f"sha256:{'0' * 64}"), good.data)
    cut = Built(good.layer, good.data[:-20])
    unknown = Built(replace(good.layer, diff_id=None, digest=f"sha256:{'0' * 64}"), good.data)
    for layer, reason in ((wrong, "unpacked bytes should"), (cut, "cut off"), (unknown, "bytes as stored should")):
        one, _ = image(layer)
        sentence = f"layer {layer.layer.digest[:19]} (COPY app /app) cannot be read: .*{reason}"
        with pytest.raises(LayerError, match=re.escape(sentence).replace(r"\.\*", ".*")):
            one.read_bytes("/app/main.py")


def test_an_entry_takes_the_place_of_those_before_it() -> None:
    """A path that a layer has twice is what came last; a file takes the place of a folder with all in it."""
    one = tree((file("a", b"1"), file("a", b"2"), file("b/c", b"1"), file("b", b"2"), file("d", b"1"), folder("d")))
    assert one.read_bytes("/a") == b"2"
    assert one.read_bytes("/b") == b"2"
    assert not one.exists("/b/c")
    assert one.files() == ("/a", "/b")


def test_errors_of_opening_are_passed_on() -> None:
    """That a layer cannot be fetched is the caller's to tell."""

    @contextmanager
    def refuse(_: Layer) -> Iterator[BinaryIO]:
        raise ConnectionError("no route")
        yield io.BytesIO()

    with pytest.raises(ConnectionError, match="no route"):
        ImageTree([built(file("a")).layer], refuse).exists("/a")
