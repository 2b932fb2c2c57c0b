from __future__ import annotations

import os
import re
import shutil
import subprocess
from itertools import count
from pathlib import Path

import pytest

from pytest_deploycheck.checkout.source_search import SourceLine, find_in_source
from pytest_deploycheck.config.settings import Pattern

LINE = "Found 3 platform sections"
FOUND = Pattern(LINE)
SAYS_IT = 'logger.info(f"Found {len(sections)} platform sections")\n'


def write(root: Path, path: str, text: str = SAYS_IT) -> None:
    """A file of a source tree."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def found(root: Path, pattern: Pattern = FOUND) -> list[str]:
    """Return the places of an expected text."""
    return [str(line) for line in find_in_source(root, pattern)]


@pytest.mark.parametrize(
    ("expected", "source"),
    [
        (LINE, 'print("Found 3 platform sections")'),
        (LINE, 'logger.info(f"Found {len(sections)} platform sections")'),
        (LINE, 'logger.info("Found %d platform sections", len(sections))'),
        (LINE, '"Found {} platform sections".format(len(sections))'),
        (LINE, "console.log(`Found ${sections.length} platform sections`)"),
        (LINE, 'log.info("Found " + sections.size() + " platform sections");'),
        ("Requested platforms: ['linkedin', 'twitter']", 'logger.info(f"Requested platforms: {requested}")'),
        ("requested_platforms=['linkedin', 'twitter']", "logger.info('start: requested_platforms=%r', requested)"),
        ("Saved order 3f2b1c9a-aaaa-bbbb-cccc-0123456789ab", 'f"Saved order {order.id}"'),
        ("Saved commit 0badc0de1 at 2025-11-26T11:05:00Z", 'f"Saved commit {sha} at {now}"'),
        ("can't parse user's file 7 again", "f\"can't parse user's file {number} again\""),
        ("worker s3_sync has 12 items", 'f"worker s3_sync has {items} items"'),
        ('{"event": "saved"} by the parser', 'f"{json.dumps(event)} by the parser"'),
        ("Ready", 'print("Ready")'),
    ],
)
def test_a_text_is_found_whatever_fills_its_places(tmp_path: Path, expected: str, source: str) -> None:
    """The text itself, or its constant parts around the placeholders of a source."""
    write(tmp_path, "app/parser.py", f"import logging\n\n    {source}\n")
    assert find_in_source(tmp_path, Pattern(expected)) == (SourceLine("app/parser.py", 3),)


@pytest.mark.parametrize(
    ("expected", "source"),
    [
        (LINE, 'f"platform sections: Found {number}"'),
        (LINE, '"Found"\n" platform sections"'),
        (LINE, '# logger.info("Found %d platform sections")'),
        (LINE, '    // console.log("Found 3 platform sections")'),
        (LINE, " * Found 3 platform sections"),
        (LINE, "Found = platform sections"),
        ("requested_platforms=['linkedin']", "start(requested_platforms=requested)"),
        ("requested_platforms=", "start(requested_platforms=requested)"),
        ("Ready", "Ready = True"),
        ("Saved 3", 'print("Saved 4")'),
        ("42", 'print("42")'),
        ("['linkedin']", "print(['twitter'])"),
        ("", 'print("")'),
    ],
)
def test_what_does_not_say_it_is_not_found(tmp_path: Path, expected: str, source: str) -> None:
    """Parts in another order or on other lines, comments, names, and texts with too little to go by."""
    write(tmp_path, "parser.py", f"{source}\n")
    assert found(tmp_path, Pattern(expected)) == []


@pytest.mark.parametrize(
    ("pattern", "is_found"),
    [
        (Pattern(r"Found \d+ platform sections?", regex=True), True),
        (Pattern(r"^found \d+ PLATFORM", regex=True, flags=re.IGNORECASE), True),
        (Pattern(r"(?i)found 3 PLATFORM", regex=True), True),
        (Pattern(r"found \d+ PLATFORM", regex=True), False),
        (Pattern(r"Found (?:platform|other sections)", regex=True), False),
        (Pattern(r"platform .* Found", regex=True), False),
        (Pattern("(Found platform", regex=True), False),
        (Pattern(r".*\d+.*", regex=True), False),
    ],
)
def test_a_regular_expression_is_found_by_its_literal_parts(tmp_path: Path, pattern: Pattern, is_found: bool) -> None:  # noqa: FBT001
    """The literal parts of a regular expression count in their order, with its own rule for case."""
    write(tmp_path, "parser.py")
    assert found(tmp_path, pattern) == ["parser.py:1"] * is_found


def test_the_text_itself_comes_before_its_parts(tmp_path: Path) -> None:
    """If a line has the text itself, lines that are only similar are not named."""
    write(tmp_path, "a.py")
    write(tmp_path, "b.py", f'print("{LINE}")\n')
    assert found(tmp_path) == ["b.py:1"]


def test_no_more_lines_than_asked_for(tmp_path: Path) -> None:
    """The first lines, by file and by number."""
    write(tmp_path, "a.py", SAYS_IT * 2)
    write(tmp_path, "b.py", SAYS_IT * 2)
    assert found(tmp_path) == ["a.py:1", "a.py:2", "b.py:1"]
    assert find_in_source(tmp_path, FOUND, limit=1) == (SourceLine("a.py", 1),)
    assert find_in_source(tmp_path, FOUND, limit=0) == ()


@pytest.mark.parametrize(
    "path",
    [
        "test_parser.py",
        "parser_test.go",
        "parser.spec.ts",
        "parser.test.js",
        "parser_spec.rb",
        "conftest.py",
        "test/parser.py",
        "app/tests/parser.py",
        "web/__tests__/parser.js",
        "spec/parser.rb",
        "README.md",
        "deploycheck.toml",
        "data.json",
        ".hidden/parser.py",
        "node_modules/parser/index.js",
        "venv/parser.py",
        "__pycache__/parser.py",
        "build/parser.py",
        "dist/parser.js",
    ],
)
def test_where_nothing_is_searched(tmp_path: Path, path: str) -> None:
    """Tests have the expectation itself; other files are no source, or not one's own."""
    write(tmp_path, path)
    assert found(tmp_path) == []


def test_a_virtual_environment_is_known_by_its_file(tmp_path: Path) -> None:
    """Whatever its name, the packages in a virtual environment are not searched."""
    write(tmp_path, "py311/parser.py")
    assert found(tmp_path) == ["py311/parser.py:1"]
    write(tmp_path, "py311/pyvenv.cfg", "")
    assert found(tmp_path) == []


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_git_lists_the_files_of_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a work tree: what is committed or could be, not what is ignored, from the root on and not above."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True, timeout=30)  # noqa: S607
    write(tmp_path, ".gitignore", "ignored/\n")
    for path in ("above.py", "app/ignored/parser.py", "app/naïve parser.py", "app/build/parser.py", "app/gone.py"):
        write(tmp_path, path)
    subprocess.run(["git", "-C", str(tmp_path), "add", "app/gone.py"], check=True, timeout=30)  # noqa: S607
    (tmp_path / "app/gone.py").unlink()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert found(tmp_path / "app") == ["build/parser.py:1", "naïve parser.py:1"]


def test_without_git_the_folders_are_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git the search continues."""
    write(tmp_path, "app/parser.py")
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert found(tmp_path) == ["app/parser.py:1"]


def test_a_git_that_fails_is_not_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that does not answer, or cannot be started, is done without."""
    write(tmp_path, "app/parser.py")
    for error in (subprocess.TimeoutExpired("git", 2), PermissionError("git")):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("subprocess.run", fail)
        assert found(tmp_path) == ["app/parser.py:1"]


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    """Binary and Latin-1 files, files that are too large, pipes, dead links and folders never raise."""
    (tmp_path / "binary.py").write_bytes(bytes(range(256)))
    (tmp_path / "large.py").write_bytes(SAYS_IT.encode() + b"#" * 1_000_000)
    (tmp_path / "latin.py").write_bytes("# café\n".encode("latin-1") + SAYS_IT.encode())
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "dead.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.py")
    assert found(tmp_path) == ["latin.py:2"]


def test_links_do_not_lead_out_of_the_tree(tmp_path: Path) -> None:
    """A link to a file or a folder elsewhere is not followed; one inside the tree is."""
    write(tmp_path, "elsewhere/secret.py")
    write(tmp_path, "root/real.py")
    (tmp_path / "root/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/linked.py").symlink_to(tmp_path / "elsewhere/secret.py")
    (tmp_path / "root/within.py").symlink_to(tmp_path / "root/real.py")
    assert found(tmp_path / "root") == ["real.py:1", "within.py:1"]


def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    """The tree that is asked for is searched, by whatever name."""
    write(tmp_path, "real/parser.py")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert found(tmp_path / "link") == ["parser.py:1"]


def test_a_root_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    """No tree, no lines, no error."""
    assert found(tmp_path / "nowhere") == []


def test_the_search_ends_in_time(tmp_path: Path) -> None:
    """At its time limit the search ends with the lines found so far."""
    for number in range(10):
        write(tmp_path, f"module{number}.py")
    ticks = count()
    assert find_in_source(tmp_path, FOUND, clock=lambda: next(ticks) * 10.0) == ()
    slow = count()
    found_in_time = find_in_source(tmp_path, FOUND, limit=10, clock=lambda: next(slow) * 0.4)
    assert 0 < len(found_in_time) < 10


def test_only_so_many_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree of very many files is searched in part."""
    monkeypatch.setattr("pytest_deploycheck.checkout.source_search._MOST_FILES", 2)
    for name in ("a.py", "b.txt", "c.py", "d.py"):
        write(tmp_path, name)
    assert found(tmp_path) == ["a.py:1", "c.py:1"]
