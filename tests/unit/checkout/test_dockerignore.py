from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.checkout.dockerignore import Ignore


@pytest.mark.parametrize(
    ("pattern", "path", "is_excluded"),
    [
        # Plain names, at the root only, and what is in a folder.
        ("docs", "docs", True),
        ("docs", "docs/guide/index.md", True),
        ("docs", "app/docs", False),
        ("docs", "docs2/index.md", False),
        ("docs/guide", "docs/guide/index.md", True),
        ("a.b", "axb", False),
        ("a(b)+{c}|$^", "a(b)+{c}|$^", True),
        # Slashes, dots and blanks around.
        ("/docs", "docs/index.md", True),
        ("//docs", "docs/index.md", True),
        ("docs/", "docs/index.md", True),
        ("/docs/", "docs", True),
        ("./docs", "docs", True),
        ("docs//guide", "docs/guide", True),
        ("app/../docs", "docs/index.md", True),
        ("../docs", "docs", False),
        ("  docs \t", "docs", True),
        ("docs\r", "docs", True),
        # What is no pattern.
        ("", "docs", False),
        (" ", "docs", False),
        (".", "docs", False),
        ("/", "docs", False),
        ("./", "docs", False),
        ("#docs", "#docs", False),
        (" #docs", "#docs", True),
        ("docs # old", "docs", False),
        # One folder deep.
        ("*", "app.py", True),
        ("*", "app/main.py", True),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("*/*.md", "docs/README.md", True),
        ("*/*.md", "README.md", False),
        ("*/temp*", "docs/temporary/index.md", True),
        ("*/temp*", "docs/guide/temp", False),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        ("temp?", "temp/", False),
        ("a?b", "a/b", False),
        ("a?b", "a☺b", True),
        (".*", ".env", True),
        (".*", "app/.env", False),
        # However deep.
        ("**", "app/main.py", True),
        ("**/", "app/main.py", True),
        ("**/**", "app/main.py", True),
        ("**/*.py", "main.py", True),
        ("**/*.py", "app/deep/main.py", True),
        ("**/*.py", "main.pyc", False),
        ("**/**/*.py", "main.py", True),
        ("**/cache", "cache", True),
        ("**/cache", "app/cache/x", True),
        ("**/cache", "app/mycache", False),
        ("**cache", "app/mycache", True),
        ("**cache*", "app/mycache", False),
        ("**/.env", "app.env", False),
        ("app/**", "app", False),
        ("app/**", "app/deep/main.py", True),
        ("app/**/main.py", "app/main.py", True),
        ("app/**/main.py", "app/very/deep/main.py", True),
        ("app/**/main.py", "app/domain.py", False),
        ("app**", "application/x", True),
        ("a**/*.txt", "a/b/c.txt", True),
        ("a/*.txt**", "a/c.txt", True),
        ("**/node_modules/*/x", "web/node_modules/left/x/y", True),
        # Classes of characters, and escapes.
        ("a[b-d]e", "ace", True),
        ("a[b-d]e", "aae", False),
        ("a[^b-d]e", "aze", True),
        ("a[^b-d]e", "ace", False),
        ("[a-ü]*", "öl", True),
        (r"[\]a]", "]", True),
        (r"[\-x]", "-", True),
        ("[&&~|]", "&", True),
        ("a]", "a]", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        (r"\!docs", "!docs", True),
        (r"\#docs", "#docs", True),
        # An exception alone lets nothing out.
        ("!docs", "docs", False),
    ],
)
def test_a_pattern_matches_as_in_docker(pattern: str, path: str, is_excluded: bool) -> None:  # noqa: FBT001 - a table
    """Names, slashes, wildcards, classes, comments."""
    assert Ignore([pattern]).excludes(path) is is_excluded


@pytest.mark.parametrize(
    ("patterns", "path", "is_excluded"),
    [
        (("*.md", "!README.md"), "README.md", False),
        (("*.md", "!README.md"), "NEWS.md", True),
        (("!README.md", "*.md"), "README.md", True),
        (("*.md", "!README*.md", "README-secret.md"), "README-secret.md", True),
        (("*.md", "README-secret.md", "!README*.md"), "README-secret.md", False),
        (("docs", "!docs/index.md"), "docs/index.md", False),
        (("docs", "!docs/index.md"), "docs/guide/index.md", True),
        (("docs/*", "!docs/guide"), "docs/guide/deep/index.md", False),
        (("*", "!app", "**/*.pyc"), "app/main.py", False),
        (("*", "!app", "**/*.pyc"), "app/main.pyc", True),
        (("*", "!app", "**/*.pyc"), "web/main.js", True),
        (("**", "!app/main.py"), "app/main.py", False),
        (("*", "! /app/ "), "app/main.py", False),
        (("docs", "!."), "docs", True),
        (("docs", "# !docs", ""), "docs", True),
        ((), "docs", False),
        (("*",), "", False),
        (("*",), ".", False),
    ],
)
def test_the_last_match_decides(patterns: tuple[str, ...], path: str, is_excluded: bool) -> None:  # noqa: FBT001 - a table
    """Exceptions let paths in again, also below a folder that is left out."""
    assert Ignore(patterns).excludes(path) is is_excluded


@pytest.mark.parametrize(
    "pattern",
    ["!", "! ", "[", "a[", "[^", "[^bc", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[z-a]", "a\\", "[\\", "!["],
)
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    """Docker builds nothing with it: the message shows the pattern."""
    with pytest.raises(ValueError, match=r"^the pattern .* (?:is malformed|has nothing after its '!')$") as raised:
        Ignore(["docs", pattern])
    assert repr(pattern) in str(raised.value)


def test_a_whole_file_is_read() -> None:
    """With a byte order mark, and the line ends of Windows."""
    ignore = Ignore.of_text("\ufeff# not these\r\n*.md\r\n\r\n!README.md\r\n")
    assert [path for path in ("NEWS.md", "README.md", "main.py") if ignore.excludes(path)] == ["NEWS.md"]


@given(st.lists(st.text("ab*?[]^-!\\/.# ", max_size=8), max_size=4), st.text("ab/.-", max_size=8))
def test_no_pattern_does_harm(patterns: list[str], path: str) -> None:
    """Any text is a pattern or refused with the one error."""
    try:
        ignore = Ignore(patterns)
    except ValueError as error:
        assert str(error).startswith("the pattern ")  # noqa: PT017 - it need not be raised
    else:
        assert ignore.excludes(path) in {True, False}


def test_many_paths_are_matched_in_no_time() -> None:
    """A usual file, and the paths of a large tree."""
    ignore = Ignore([".git", "**/*.pyc", "**/__pycache__", "**/node_modules", "docs", "!docs/index.md", "*.md"])
    paths = [f"app/part{number}/deep/deeper/module{number}.py" for number in range(20_000)]
    before = time.process_time()
    assert not any(map(ignore.excludes, paths))
    assert time.process_time() - before < 2
