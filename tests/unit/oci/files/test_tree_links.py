from __future__ import annotations

import pytest
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
)

from pytest_deploycheck.oci.files.layer import LayerError
from pytest_deploycheck.oci.files.tree import ImageTree


def tree(*layers: tuple[Item, ...]) -> ImageTree:
    """An image of layers with these entries, from the bottom up."""
    return image(*(built(*items) for items in layers))[0]


def test_a_folder_in_the_place_of_a_link() -> None:
    """A folder replaces a link of a lower layer: what the link led to is no more in it."""
    one = tree((file("srv/a", b"1"), symlink("app", "srv")), (file("app/b", b"2"),))
    assert one.files("/app") == ("/app/b",)
    assert not one.exists("/app/a")


@pytest.mark.parametrize(
    "link",
    [
        symlink("app/link", "main.py"),
        symlink("app/link", "./main.py"),
        symlink("app/link", "../app/main.py"),
        symlink("app/link", "/app/main.py"),
        symlink("app/link", "/app/../app//main.py"),
        symlink("app/link", "../../../../app/main.py"),
        symlink("app/link", "/current/main.py"),
        symlink("app/link", "/current/../app/main.py"),
        symlink("app/link", "/deep/er/../../app/main.py"),
        symlink("app/link", "../first"),
        hardlink("app/link", "app/main.py"),
        hardlink("app/link", "second"),
        hardlink("app/link", "hard"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_links_of_all_kinds(link: Item, together: bool) -> None:  # noqa: FBT001 - a case
    """Links lead to their file: absolute, relative, over other links and folders, in their own layer or a lower one."""
    low = (
        *(file("app/main.py", b"hello"), symlink("current", "app"), symlink("first", "second")),
        *(symlink("second", "/app/main.py"), hardlink("hard", "app/main.py")),
        *(folder("elsewhere/one/two"), symlink("deep", "elsewhere/one"), folder("elsewhere/one/er")),
        *(folder("elsewhere/app"), file("elsewhere/app/main.py", b"hello")),
    )
    one = tree((*low, link)) if together else tree(low, (link,))
    assert one.exists("/app/link")
    assert one.read_bytes("/app/link") == b"hello"
    assert "/app/link" in one.files("/app")
    assert one.digests(["/app/link"]).found["/app/link"] == one.digests(["/app/main.py"]).found["/app/main.py"]


def test_a_symlink_follows_what_upper_layers_do() -> None:
    """A symlink leads to what is there in the end; a hard link is the file it was made of."""
    one = tree((file("a", b"old"), symlink("soft", "a"), hardlink("hard", "a")), (file("a", b"new"),))
    assert (one.read_bytes("/soft"), one.read_bytes("/hard")) == (b"new", b"old")
    one = tree((file("a", b"old"),), (hardlink("hard", "a"), symlink("soft", "a")), (gone("a"),))
    assert one.read_bytes("/hard") == b"old"
    assert not one.exists("/soft")


def test_a_hard_link_may_be_a_symlink() -> None:
    """A hard link to a symlink is that symlink, at its own place and with what is there in the end."""
    one = tree((symlink("a/link", "file"), hardlink("b/link", "a/link"), file("a/file", b"a")), (file("b/file", b"b"),))
    assert one.read_bytes("/b/link") == b"b"
    one = tree((symlink("a/link", "to"), file("b/to/file", b"b")), (hardlink("b/link", "a/link"),))
    assert one.read_bytes("/b/link/file") == b"b"


def test_nothing_is_below_a_file() -> None:
    """A path that goes on behind a file is nothing, over which link ever the file was reached."""
    one = tree((file("a", b"a"), hardlink("hard", "a"), symlink("soft", "a"), device("tty")))
    for path in ("/a/x", "/hard/x", "/soft/x", "/hard/..", "/soft/../a", "/a/../a", "/tty/x"):
        assert not one.exists(path)


def test_the_way_leads_over_links_of_every_layer() -> None:
    """Links in the middle of a path are followed, one after the other, through the layers."""
    one = tree(
        (file("v2/src/main.py", b"2"), symlink("app", "releases/current")), (symlink("releases/current", "/v2"),)
    )
    assert one.read_bytes("/app/src/main.py") == b"2"
    assert one.read_bytes("/app/src/../src/main.py") == b"2"
    assert one.files("/app") == ("/app/src/main.py",)
    assert one.exists("/app/..")


def test_links_never_lead_out_of_the_image() -> None:
    """Above the root there is only the root, as for a process in the container."""
    one = tree((symlink("passwd", "../../../../etc/passwd"), symlink("up", "../.."), file("etc/passwd", b"inside")))
    assert one.read_bytes("/passwd") == b"inside"
    assert one.read_bytes("/up/up/etc/passwd") == b"inside"
    assert one.read_bytes("/../../etc/passwd") == b"inside"


@pytest.mark.parametrize(
    "items",
    [
        (symlink("a", "a"),),
        (symlink("a", "b"), symlink("b", "/a")),
        (symlink("a", "a/x"),),
        (symlink("a", "b/c"), symlink("b", "a/..")),
    ],
)
def test_links_in_a_circle(items: tuple[Item, ...]) -> None:
    """Links that only lead to each other are not a file, and are followed no longer than Linux would."""
    one = tree(items)
    assert not one.exists("/a")
    assert not one.exists("/a/b")
    assert one.files() == ()
    assert one.digests(["/a"]).found == {"/a": None}
    with pytest.raises(FileNotFoundError, match="/a is a link in the image that leads in a circle"):
        one.read_bytes("/a")


def test_forty_links_are_followed() -> None:
    """As many links are followed as Linux follows, and no more."""
    chain = [symlink(f"l{number}", f"l{number + 1}") for number in range(50)]
    one = tree((*chain, file("l50", b"end")))
    assert one.read_bytes("/l10") == b"end"
    assert not one.exists("/l9")


@pytest.mark.parametrize(
    "link",
    [symlink("a", "missing"), symlink("a", ""), symlink("a", "/b/x"), hardlink("a", "missing"), hardlink("a", "a")],
)
def test_dangling_links(link: Item) -> None:
    """A link to nothing is nothing: it does not exist, and is not listed."""
    one = tree((link, file("b", b"no folder")))
    assert not one.exists("/a")
    assert one.files() == ("/b",)
    with pytest.raises(FileNotFoundError, match=r"/a(, which leads to /.*,)? is not in the image"):
        one.read_bytes("/a")


def written_through_a_link(code: bytes, first: bytes) -> tuple[Built, ...]:
    """An image whose last step copies to a link that an earlier step made, as a builder writes it."""
    return (
        built(file("srv/app/main.py", first), created_by="COPY first /srv/app # buildkit"),
        built(symlink("job", "/srv/app"), created_by="RUN ln -s /srv/app /job"),
        built(file("srv/app/main.py", code), created_by="COPY second /job/ # buildkit"),
    )


@pytest.mark.parametrize("path", ["/srv/app/main.py", "/job/main.py"])
def test_a_copy_to_a_link_is_read_where_it_was_written(path: str) -> None:
    """The history names the link, the layer the folder behind it: the layer counts, by either name of the file."""
    for first, second in ((b"new", b"old"), (b"old", b"new")):
        one, _ = image(*written_through_a_link(second, first))
        assert one.read_bytes(path) == second


def test_a_copy_over_a_link_that_was_followed_is_opened() -> None:
    """A path that leads through a link can be in every layer that was copied to that link."""
    low = built(symlink("app", "srv"), file("srv/main.py", b"old"), created_by="RUN ln -s srv /app")
    one, _ = image(low, built(file("srv/main.py", b"new"), created_by="COPY main.py /app/ # buildkit"))
    assert one.read_bytes("/app/main.py") == b"new"


def test_a_deletion_through_a_link_is_seen() -> None:
    """A step that names another folder can also have deleted the file."""
    low = (
        built(file("srv/main.py", b"old"), created_by="COPY . /srv"),
        built(symlink("app", "srv"), created_by="RUN ln"),
    )
    one, _ = image(*low, built(gone("srv/main.py"), created_by="WORKDIR /app"))
    assert not one.exists("/srv/main.py")
    assert not one.exists("/app/main.py")


def test_an_entry_below_a_link_of_its_own_layer_is_written_behind_it() -> None:
    """A runtime follows the links that a layer has written so far, and so a file below one is where it leads."""
    one = tree((file("srv/app/main.py", b"old"),), (symlink("job", "/srv/app"), file("job/main.py", b"new")))
    assert one.read_bytes("/srv/app/main.py") == b"new"
    assert one.read_bytes("/job/main.py") == b"new"
    assert one.files("/srv") == ("/srv/app/main.py",)


@pytest.mark.parametrize(
    ("items", "content"),
    [
        ((symlink("job", "srv"), symlink("srv/x", "../opt/app"), file("job/x/main.py", b"new")), b"new"),
        ((symlink("job", "srv/a"), file("job/main.py", b"1"), folder("job"), file("job/main.py", b"2")), b"old"),
        ((symlink("job", "opt/app"), file("job", b"no link any more")), b"old"),
        ((symlink("a/job", "/opt/app"), file("a", b"file"), folder("a"), file("a/job/main.py", b"x")), b"old"),
        ((symlink("one", "opt"), hardlink("two", "one"), file("two/app/main.py", b"new")), b"new"),
        ((symlink("job", "opt"), symlink("job", "srv"), file("job/app/main.py", b"x")), b"old"),
        ((symlink("up", "../../.."), file("up/opt/app/main.py", b"new")), b"new"),
    ],
)
def test_links_of_a_layer_count_while_they_stand(items: tuple[Item, ...], content: bytes) -> None:
    """Links through links and second names of links lead on; one that was replaced leads nowhere any more."""
    one = tree((file("opt/app/main.py", b"old"),), items)
    assert one.read_bytes("/opt/app/main.py") == content


def test_an_opaque_folder_and_a_whiteout_behind_a_link() -> None:
    """A removal below a layer's own link counts at the target of the link."""
    low = (file("opt/app/main.py", b"old"), file("opt/app/lib/x.py", b"old"))
    one = tree(low, (symlink("job", "opt/app"), gone("job/main.py")))
    assert one.files("/opt") == ("/opt/app/lib/x.py",)
    one = tree(low, (symlink("job", "opt/app"), opaque("job"), file("job/new.py", b"new")))
    assert one.files("/opt") == ("/opt/app/new.py",)


def test_a_link_of_a_lower_layer_is_not_written_through() -> None:
    """A layer is unpacked in a folder of its own: below a link of a lower layer it makes a folder of the link."""
    one = tree((file("srv/main.py", b"old"), symlink("app", "srv")), (file("app/main.py", b"new"),))
    assert one.read_bytes("/srv/main.py") == b"old"
    assert one.read_bytes("/app/main.py") == b"new"


def test_a_hard_link_is_the_file_that_was_there_when_it_was_written() -> None:
    """A target that the same layer replaces afterwards leaves the link as it was; one replaced before does not."""
    one = tree((file("a", b"1"), hardlink("hard", "a"), file("a", b"2"), hardlink("late", "a"), file("a", b"3")))
    assert [one.read_bytes(path) for path in ("/hard", "/late", "/a")] == [b"1", b"2", b"3"]
    assert set(one.files()) == {"/a", "/hard", "/late"}
    digests = one.digests(["/hard", "/late", "/a"]).found
    assert len({found.sha256 for found in digests.values() if found}) == 3


def test_a_hard_link_to_a_hard_link_that_is_replaced() -> None:
    """Each name keeps its file: of a chain of hard links, the ones written first are not touched by later entries."""
    one = tree((file("a", b"1"), hardlink("b", "a"), hardlink("c", "b"), file("b", b"2"), symlink("a", "b")))
    assert [one.read_bytes(path) for path in ("/a", "/b", "/c")] == [b"2", b"2", b"1"]


def test_nothing_is_written_below_a_file() -> None:
    """An entry below a file of its own layer cannot be unpacked, so it is neither found nor called missing."""
    one = tree((file("app"), file("app/main.py", b"?")))
    with pytest.raises(LayerError, match=r"'app/main\.py' stands below 'app', which is not a folder"):
        one.exists("/app/main.py")


def test_writing_below_links_in_a_circle_is_refused() -> None:
    """An entry below a link that leads to itself, or nowhere, cannot be unpacked."""
    for items in ((symlink("a", "b"), symlink("b", "a"), file("a/x")), (symlink("a", ""), file("a/x"))):
        with pytest.raises(LayerError, match="it writes below 'a', a link that leads nowhere"):
            tree(items).exists("/x")
