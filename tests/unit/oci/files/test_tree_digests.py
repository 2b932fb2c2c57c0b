from __future__ import annotations

import tracemalloc

import pytest
from support.layer_files import (
    Built,
    Item,
    built,
    file,
    folder,
    gone,
    hardlink,
    image,
    opaque,
    symlink,
)

from pytest_deploycheck.oci.files.tree import ImageTree


def tree(*layers: tuple[Item, ...]) -> ImageTree:
    """An image of layers with these entries, from the bottom up."""
    return image(*(built(*items) for items in layers))[0]


def copies() -> tuple[Built, ...]:
    """The layers of a usual image: a base, dependencies, the app, and something that comes later."""
    return (
        built(file("etc/passwd", b"base"), file("app/base", b"base"), created_by="# debian.sh"),
        built(file("usr/lib/python/pip.py", b"pip"), created_by="RUN pip install"),
        built(folder("app"), created_by="WORKDIR /app"),
        built(file("app/main.py", b"main"), file("app/web.py", b"web"), created_by="COPY app/ ./ # buildkit"),
        built(file("venv/lib/x.py", b"x"), created_by="COPY --from=build /venv /venv"),
    )


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        ("/app/main.py", 2),
        ("/venv/lib/x.py", 1),
        ("/usr/lib/python/pip.py", 4),
        ("/etc/passwd", 5),
        ("/app/base", 5),
    ],
)
def test_only_the_layers_that_are_needed_are_opened(path: str, opened: int) -> None:
    """From the top down, each layer is opened until one has the file, and below that one nothing is."""
    one, store = image(*copies())
    digests = one.digests([path])
    steps = [layer.layer.created_by for layer in reversed(copies())][:opened]
    assert store.opened == [layer.created_by for layer in digests.opened] == steps
    assert digests.holder[path].created_by == steps[-1]


def test_nothing_is_opened_before_it_is_asked_for() -> None:
    """An image that is only held costs nothing."""
    _, store = image(*copies())
    assert store.opened == []


def test_a_tree_is_compared_by_reading_each_layer_once() -> None:
    """Thousands of files are looked up at once: no layer is opened twice."""
    names = [f"app/pkg{number % 7}/m{number}.py" for number in range(2000)]
    low = built(folder("app"), *(file(name, name.encode()) for name in names))
    one, store = image(low, built(file("app/other"), created_by="COPY other /app/ # buildkit"), *copies()[4:])
    digests = one.digests([f"/{name}" for name in names], folders=["/app"])
    assert len(store.opened) == len(digests.opened) == 3
    assert all(digests.found.values())
    assert digests.beside == ("/app/other",)
    assert {layer.created_by for layer in digests.holder.values()} == {"RUN something"}


def test_digests_of_files() -> None:
    """A file has a size, a digest and the digest with bare newlines; anything else, or a missing file, has none."""
    one = tree((file("a", b"1\r\n2\r3\n\r"), file("b", b"1\n2\n3\n\n"), folder("c")))
    found = one.digests(["/a", "/b", "/c", "/d"]).found
    a, b = found["/a"], found["/b"]
    assert a
    assert b
    assert (a.size, b.size) == (8, 7)
    assert a.sha256 != b.sha256
    assert a.text_sha256 == b.text_sha256 == b.sha256
    assert (found["/c"], found["/d"]) == (None, None)


def test_line_endings_between_two_chunks() -> None:
    """A line ending is one line ending, also where a chunk ends in its middle."""
    one = tree(
        (
            file("crlf", b"x" * 65535 + b"\r\n" + b"y" * 65534 + b"\r"),
            file("lf", b"x" * 65535 + b"\n" + b"y" * 65534 + b"\n"),
        )
    )
    found = one.digests(["/crlf", "/lf"]).found
    assert found["/crlf"]
    assert found["/lf"]
    assert found["/crlf"].text_sha256 == found["/lf"].sha256


def test_files_beside_those_that_were_asked_for() -> None:
    """Other files of the folders are told as far as opened layers have them: neither deleted ones nor links."""
    low = (file("app/low.py"), file("app/deleted.py"), file("app/replaced/x.py"), file("srv/no.py"))
    mid = (
        file("app/main.py"),
        file("app/mid.py"),
        hardlink("app/hard.py", "app/mid.py"),
        symlink("app/soft", "mid.py"),
    )
    top = (gone("app/deleted.py"), file("app/replaced"), file("app/top.py"), file("other/no.py"))
    one = tree(low, mid, top)
    digests = one.digests(["/app/main.py"], folders=["/app"])
    assert len(digests.opened) == 2
    assert digests.beside == ("/app/hard.py", "/app/mid.py", "/app/replaced", "/app/top.py")
    digests = one.digests(["/app/main.py", "/app/missing.py"], folders=["/app"])
    assert len(digests.opened) == 3
    assert digests.beside == ("/app/hard.py", "/app/low.py", "/app/mid.py", "/app/replaced", "/app/top.py")
    assert one.digests(["/app/main.py"]).beside == ()


def test_files_beside_in_a_folder_over_a_link() -> None:
    """A folder that is reached over a link has its files under the name that was asked with."""
    one = tree((file("srv/v1/main.py"), file("srv/v1/old.py"), symlink("app", "srv/v1")))
    digests = one.digests(["/app/main.py"], folders=["/app"])
    assert digests.beside == ("/app/old.py",)
    assert digests.found["/app/main.py"]


def test_files_that_were_asked_for_are_not_beside() -> None:
    """A file is not beside itself, whichever of its names was asked for and whichever way leads to the folder."""
    one = tree((file("srv/main.py"), hardlink("srv/hard.py", "srv/main.py"), file("srv/old.py"), symlink("app", "srv")))
    assert one.digests(["/srv/main.py", "/app/hard.py"], folders=["/app"]).beside == ("/app/old.py",)
    assert one.digests(["/app/main.py", "/srv/old.py"], folders=["/srv"]).beside == ("/srv/hard.py",)


def test_files_beside_a_hard_link_to_a_lower_layer() -> None:
    """Layers that only a hard link leads to count as well, and what upper layers deleted stays deleted."""
    low = (file("app/data"), file("app/deleted.py"), file("app/low.py"))
    one = tree(low, (hardlink("app/hard", "app/data"),), (gone("app/deleted.py"),))
    for paths in (["/app/hard"], ["/app/hard", "/app/data"]):
        digests = one.digests(paths, folders=["/app"])
        assert len(digests.opened) == 3
        assert digests.beside == ("/app/low.py",)


def test_below_an_opaque_folder_nothing_is_opened_for_its_files() -> None:
    """An opaque folder is listed without the lower layers."""
    one, store = image(
        built(file("app/old"), created_by="low"), built(opaque("app"), file("app/new"), created_by="top")
    )
    assert one.files("/app") == ("/app/new",)
    assert set(store.opened) == {"top"}


def test_a_folder_alone_opens_no_layer() -> None:
    """For files beside, no layer is opened that is not needed for a path."""
    one, store = image(*copies())
    assert one.digests([], folders=["/app"]).beside == ()
    assert one.digests(["/venv/lib/x.py"], folders=["/usr"]).beside == ()
    assert store.opened == ["COPY --from=build /venv /venv"]


def test_memory_does_not_grow_with_the_layers() -> None:
    """Of the entries of a layer only those that were asked for are kept."""
    many = built(
        *(file(f"usr/{number % 50}/{number}" + "x" * 60) for number in range(3_000)), file("app/main.py", b"x")
    )
    one, _ = image(many)
    tracemalloc.start()
    try:
        assert one.digests(["/app/main.py"], folders=["/app"]).found["/app/main.py"]
        assert tracemalloc.get_traced_memory()[1] < 512 * 1024
    finally:
        tracemalloc.stop()
