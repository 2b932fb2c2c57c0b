from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.checkout.source_tree import BY_PRODUCTS, source_tree
from pytest_deploycheck.facts.source import FileDigest, SourceTree
from pytest_deploycheck.oci.files.file_digest import file_digest


def write(root: Path, *paths: str, text: str = "x = 1\n") -> None:
    """Files of a source tree."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())


def paths(tree: SourceTree) -> list[str]:
    """The files of a tree."""
    return [file.path for file in tree.files]


def sha256(content: bytes) -> str:
    """As a file has it."""
    return hashlib.sha256(content).hexdigest()


def test_a_folder_is_read(tmp_path: Path) -> None:
    """Its files by path, in order, each with its digests."""
    write(tmp_path, "app/main.py", "app/deep/er/b.py", "app/deep-a.py", "web/main.js")
    write(tmp_path, "app/a.txt", text="one\r\ntwo\r")
    tree = source_tree(tmp_path, "app")
    assert (tree.local, tree.left_out) == ("app", 0)
    assert paths(tree) == ["a.txt", "deep-a.py", "deep/er/b.py", "main.py"]
    assert tree.files[0].digest == FileDigest(9, sha256(b"one\r\ntwo\r"), sha256(b"one\ntwo\n"))
    assert tree.files[1].digest == FileDigest(6, sha256(b"x = 1\n"), sha256(b"x = 1\n"))


def test_a_single_file_is_read_whatever_the_patterns_say(tmp_path: Path) -> None:
    """It was named, and is no by-product to who named it; its path is empty."""
    write(tmp_path, "app/main.pyc")
    write(tmp_path, ".dockerignore", text="app\n")
    tree = source_tree(tmp_path, "app/main.pyc", exclude=["*"])
    assert (tree.local, paths(tree), tree.left_out) == ("app/main.pyc", [""], 0)
    assert tree.files[0].digest.sha256 == sha256(b"x = 1\n")


@pytest.mark.parametrize("local", ["app", "app/", "./app", "app/deep/..", "app//"])
def test_a_path_may_be_written_in_any_way(tmp_path: Path, local: str) -> None:
    """The tree has it in one."""
    write(tmp_path, "app/deep/main.py")
    assert source_tree(tmp_path, local) == source_tree(tmp_path, "app")


@pytest.mark.parametrize("local", [".", "", "./"])
def test_the_whole_project_can_be_read(tmp_path: Path, local: str) -> None:
    """The root itself is a folder like others, with its own `.dockerignore` among its files."""
    write(tmp_path, "app/main.py", "docs/index.md")
    write(tmp_path, ".dockerignore", text="docs\n")
    tree = source_tree(tmp_path, local)
    assert (tree.local, paths(tree), tree.left_out) == (".", [".dockerignore", "app/main.py"], 1)


def test_a_root_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a shell in it."""
    write(tmp_path, "app/main.py")
    monkeypatch.chdir(tmp_path)
    assert source_tree(Path(), "app") == source_tree(tmp_path, "app")


def test_by_products_are_left_out_and_counted(tmp_path: Path) -> None:
    """By-products of tools are left out; possible sources are not, and no pattern includes by-products again."""
    left = [f"app/deep/{pattern.removeprefix('**/').replace('*', 'x')}" for pattern in BY_PRODUCTS]
    write(tmp_path, "app/node_modules/x.js", "app/.env", "app/build/x", *left)
    write(tmp_path, "app/__pycache__/x.txt", "app/.git/objects/00/11")
    write(tmp_path, "app/.dockerignore", text="!**/*.pyc\n")
    tree = source_tree(tmp_path, "app", exclude=["!**/__pycache__"])
    assert paths(tree) == [".dockerignore", ".env", "build/x", "node_modules/x.js"]
    assert tree.left_out == len(BY_PRODUCTS) + 2


@pytest.mark.parametrize(
    ("where", "patterns"),
    [
        (".dockerignore", "services/app/secret\nsecret\n"),
        ("services/.dockerignore", "app/secret\nsecret\n"),
        ("services/app/.dockerignore", "secret\n.dockerignore\n"),
    ],
)
def test_the_nearest_dockerignore_counts(tmp_path: Path, where: str, patterns: str) -> None:
    """In the folder itself or above it, and no other; its patterns are relative to where it is."""
    write(tmp_path, "services/app/main.py", "services/app/secret/key", "services/app/deep/secret")
    write(tmp_path, ".dockerignore", text="services/app/main.py\n")
    write(tmp_path, where, text=patterns)
    assert paths(source_tree(tmp_path, "services/app")) == ["deep/secret", "main.py"]


def test_a_dockerignore_above_the_root_does_not_count(tmp_path: Path) -> None:
    """The root is where the search ends; a folder of that name is none."""
    write(tmp_path, "project/app/main.py", "project/app/.dockerignore/x")
    write(tmp_path, ".dockerignore", text="**\n")
    assert paths(source_tree(tmp_path / "project", "app")) == [".dockerignore/x", "main.py"]


def test_exceptions_below_a_folder_that_is_left_out_are_read(tmp_path: Path) -> None:
    """As Docker sends them."""
    write(tmp_path, "app/data/keep/me.csv", "app/data/big.csv", "app/main.py")
    write(tmp_path, ".dockerignore", text="app/data\n!app/data/keep\n")
    tree = source_tree(tmp_path, "app")
    assert (paths(tree), tree.left_out) == (["data/keep/me.csv", "main.py"], 1)


def test_patterns_of_the_settings_are_relative_to_the_tree(tmp_path: Path) -> None:
    """The same language as in `.dockerignore`, from where the tree is."""
    write(tmp_path, "app/tests/test_main.py", "app/main.py", "app/deep/tests/x.py")
    tree = source_tree(tmp_path, "app", exclude=["tests"])
    assert (paths(tree), tree.left_out) == (["deep/tests/x.py", "main.py"], 1)


def test_malformed_patterns_are_refused(tmp_path: Path) -> None:
    """With the pattern, and the file where it is in one."""
    write(tmp_path, "app/main.py")
    with pytest.raises(ValueError, match=r"^the pattern '\[' is malformed$"):
        source_tree(tmp_path, "app", exclude=["["])
    write(tmp_path, ".dockerignore", text="docs\na[\n")
    with pytest.raises(ValueError, match=r"\.dockerignore: the pattern 'a\[' is malformed$"):
        source_tree(tmp_path, "app")


@pytest.mark.parametrize("local", ["nothing", "app/main.py/x", "app\0", "pipe"])
def test_a_missing_source_is_named(tmp_path: Path, local: str) -> None:
    """In a sentence with what was asked for and where."""
    write(tmp_path, "app/main.py")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError) as raised:
        source_tree(tmp_path, local)
    assert str(raised.value) == f"there is no file or folder {local!r} in {tmp_path}"


@pytest.mark.parametrize("local", ["..", "../other", "app/../../other", "/", "out", "out/secret"])
def test_what_is_outside_is_not_read(tmp_path: Path, local: str) -> None:
    """Neither by its path nor through a link."""
    write(tmp_path, "project/app/main.py", "other/secret")
    (tmp_path / "project/out").symlink_to(tmp_path / "other")
    with pytest.raises(FileNotFoundError, match="is outside of"):
        source_tree(tmp_path / "project", local)


def test_links_are_read_as_what_they_lead_to_inside(tmp_path: Path) -> None:
    """Links to files count; those to nowhere, in a circle or to outside, and those to what is read already, do not."""
    write(tmp_path, "other/secret", text="secret\n")
    write(tmp_path, "project/app/main.py", "project/app/deep/b.py")
    write(tmp_path, "project/shared/lib.py", text="shared = 1\n")
    app = tmp_path / "project/app"
    links = {"lib.py": "../shared/lib.py", "folder": "deep", "up": "..", "lost": "nowhere", "circle": "circle"}
    for name, target in {**links, "secret": str(tmp_path / "other/secret")}.items():
        (app / name).symlink_to(target)
    tree = source_tree(tmp_path / "project", "app")
    assert (paths(tree), tree.left_out) == (["deep/b.py", "lib.py", "main.py"], 5)
    assert tree.files[1].digest.sha256 == sha256(b"shared = 1\n")


def test_a_folder_that_is_linked_into_the_tree_is_read(tmp_path: Path) -> None:
    """Code that several services share is a part of each; folders that link to each other are read once."""
    write(tmp_path, "app/main.py", "shared/lib.py", "shared/deep/b.py", "other/c.py", "unused/d.py")
    (tmp_path / "app/shared").symlink_to("../shared")
    (tmp_path / "app/again").symlink_to("../shared/deep")
    (tmp_path / "app/unused").symlink_to("../unused")
    (tmp_path / "shared/other").symlink_to("../other")
    (tmp_path / "other/back").symlink_to("../shared")
    (tmp_path / "other/root").symlink_to("..")
    tree = source_tree(tmp_path, "app", exclude=["unused"])
    assert paths(tree) == ["again/b.py", "main.py", "shared/deep/b.py", "shared/lib.py", "shared/other/c.py"]


def test_a_tree_may_be_a_link(tmp_path: Path) -> None:
    """As long as it leads to a folder inside; it keeps the name it was asked for by."""
    write(tmp_path, "services/app/main.py")
    (tmp_path / "app").symlink_to("services/app")
    tree = source_tree(tmp_path, "app")
    assert (tree.local, paths(tree)) == ("app", ["main.py"])


def test_a_pipe_is_left_out(tmp_path: Path) -> None:
    """Reading it would wait for ever."""
    write(tmp_path, "app/main.py")
    os.mkfifo(tmp_path / "app/pipe")
    tree = source_tree(tmp_path, "app")
    assert (paths(tree), tree.left_out) == (["main.py"], 1)


def test_a_name_need_not_be_text(tmp_path: Path) -> None:
    """File systems of Unix take any bytes."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / os.fsdecode(b"\xff.txt")).write_bytes(b"")
    assert paths(source_tree(tmp_path, "app")) == ["\udcff.txt"]


def test_an_unreadable_source_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or a folder; one that is left out may be as it likes."""
    write(tmp_path, "app/main.py", "app/deep/x.py")
    forbidden = tmp_path / "app/deep"
    scan, read = os.scandir, Path.open

    def scandir(path: Path) -> Any:
        if path == forbidden:
            raise PermissionError(13, "Permission denied")
        return scan(path)

    def open_(path: Path, mode: str) -> Any:
        if path == forbidden:
            raise PermissionError(13, "Permission denied")
        return read(path, mode)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(Path, "open", open_)
    with pytest.raises(OSError, match=r"^the folder .*deep cannot be read: Permission denied$"):
        source_tree(tmp_path, "app")
    assert paths(source_tree(tmp_path, "app", exclude=["deep"])) == ["main.py"]
    forbidden = tmp_path / "app/main.py"
    with pytest.raises(OSError, match=r"^the file .*main\.py cannot be read: Permission denied$"):
        source_tree(tmp_path, "app")
    assert paths(source_tree(tmp_path, "app", exclude=["main.py"])) == ["deep/x.py"]


def test_a_tree_has_one_digest(tmp_path: Path) -> None:
    """Equal for equal trees wherever they are; another for another content, another name or another place."""
    for name in ("one", "two"):
        write(tmp_path, f"{name}/app/main.py", f"{name}/app/deep/b.py")
    one, two = (source_tree(tmp_path / name, "app") for name in ("one", "two"))
    assert one == two
    assert len(one.sha256) == 64
    seen = {one.sha256}
    write(tmp_path, "two/app/main.py", text="x = 2\n")
    seen.add(source_tree(tmp_path / "two", "app").sha256)
    (tmp_path / "one/app/main.py").rename(tmp_path / "one/app/moved.py")
    seen.add(source_tree(tmp_path / "one", "app").sha256)
    (tmp_path / "one/app/moved.py").unlink()
    seen.add(source_tree(tmp_path / "one", "app").sha256)
    assert len(seen) == 4


def test_an_empty_folder_is_a_tree(tmp_path: Path) -> None:
    """Of no files."""
    (tmp_path / "app").mkdir()
    assert source_tree(tmp_path, "app") == SourceTree("app", (), 0, sha256(b""))


@given(st.lists(st.text("a\r\n", max_size=4).map(str.encode)))
def test_a_digest_does_not_depend_on_the_pieces(chunks: list[bytes]) -> None:
    """Also where a line end of Windows is split over two of them, or a piece is empty."""
    content = b"".join(chunks)
    text = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert file_digest(chunks) == FileDigest(len(content), sha256(content), sha256(text))
