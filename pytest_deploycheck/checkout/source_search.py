"""The places of an expected text in the local sources: code that logs it, but does not run where it was expected."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from msgspec import Struct

from pytest_deploycheck.checkout.git import git_output
from pytest_deploycheck.config.patterns.filter_patterns import literal_runs
from pytest_deploycheck.config.settings import Pattern

_SECONDS = 2.0
_MOST_FILES = 5000
_LARGEST_FILE = 1_000_000

# Texts with fewer letters are in almost any source.
_ENOUGH_LETTERS = 10
_FEWEST_LETTERS = 4
_FRAGMENT_LETTERS = 3

_SOURCE_FILE = re.compile(
    r"""
    .+ \. (?: pyx? | [mc]?jsx? | [mc]?tsx? | vue | svelte | go | java | kts? | scala | groovy | clj[sc]? | e?rb | rs
    | php | cs | fs | vb | c | cc | cpp | cxx | hh? | hpp | mm? | swift | exs? | erl | hs | ml | lua | pl | pm | r | jl
    | dart | sh | bash | zsh | ps1 | sql )
    """,
    re.VERBOSE | re.IGNORECASE,
)
# The expected text is in the tests as well, where it does not count.
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec"})
_TEST_FILES = ("test_*.py", "*_test.*", "*_spec.*", "*.spec.*", "*.test.*", "conftest.py")
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "build", "dist", "venv", "env", "site-packages"})

# The parts of a text for which a source has placeholders. An apostrophe does not begin a quoted text, and a number is
# not part of a name.
_VALUE = re.compile(
    r"""
    (?<!\w) '[^'\n]*' (?!\w)
    | "[^"\n]*"
    | \[ [^\[\]]* \]+
    | \{ [^{}]* \}+
    | \b [0-9a-f]{8} (?: - [0-9a-f]{4} ){3} - [0-9a-f]{12} \b
    | \b (?: 0x [0-9a-f]+ | (?= [a-f]* \d ) [0-9a-f]{6,} ) \b
    | (?<! [^\W\d] ) \d+
    | \s* \n \s*
    """,
    re.VERBOSE | re.IGNORECASE,
)
_COMMENT = re.compile(r"\s*(?:#(?!\s*define\b)|//|/?\*+\s|--\s|<!--)")
_QUOTE = re.compile("[\"'`]")


class SourceLine(Struct, frozen=True):
    """A line of a source file.

    Attributes:
        path: The file, relative to the searched folder, with forward slashes.
        line: The number of the line, from 1.
    """

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class _Wanted(Struct, frozen=True):
    """The text that a line must have.

    Attributes:
        fragments: Texts, in their order.
        quoted: True if only a line that quotes them counts, as a name can have the same letters.
        caseless: True if case does not matter.
    """

    fragments: tuple[str, ...]
    quoted: bool
    caseless: bool = False

    def lines(self, text: str) -> Iterator[int]:
        """Yield the numbers of the lines of a source that have it."""
        compared = text.lower() if self.caseless else text
        if not all(fragment in compared for fragment in self.fragments):
            return
        for number, line in enumerate(compared.split("\n"), start=1):
            if self._is_in(line):
                yield number

    def _is_in(self, line: str) -> bool:
        found = -1
        at = 0
        for fragment in self.fragments:
            at = line.find(fragment, at)
            if at < 0:
                return False
            found = at if found < 0 else found
            at += len(fragment)
        return not _COMMENT.match(line) and not (self.quoted and not _QUOTE.search(line, 0, found))


def find_in_source(
    root: Path, pattern: Pattern, *, limit: int = 3, clock: Callable[[], float] = time.monotonic
) -> tuple[SourceLine, ...]:
    """Find the lines of a source tree that seem to log an expected text, without tests and comments.

    Lines that have the text itself, or else its constant parts in their order: sources have placeholders for values.
    The search is bounded in time, in files and in their size; files that cannot be read are passed over.

    Args:
        root: The folder to search.
        pattern: What is expected in the log.
        limit: How many lines to find, at the most.
        clock: Tells the time in seconds; it never goes back.
    """
    exact, constant = _exact(pattern), _constant(pattern)
    if limit < 1 or not (exact or constant):
        return ()
    deadline = clock() + _SECONDS
    exactly: list[SourceLine] = []
    nearly: list[SourceLine] = []
    for path, text in _sources(root, lambda: clock() > deadline):
        exactly += [SourceLine(path, number) for number in exact.lines(text)] if exact else []
        nearly += [SourceLine(path, number) for number in constant.lines(text)] if constant else []
        if len(exactly) >= limit or (exact is None and len(nearly) >= limit):
            break
    return tuple((exactly or nearly)[:limit])


def _exact(pattern: Pattern) -> _Wanted | None:
    letters = _letters(pattern.text)
    if pattern.regex or letters < _FEWEST_LETTERS:
        return None
    return _Wanted((pattern.text,), quoted=letters < _ENOUGH_LETTERS or " " not in pattern.text)


def _constant(pattern: Pattern) -> _Wanted | None:
    anycase = literal_runs(pattern, caseless=True)
    caseless = anycase != literal_runs(pattern)
    parts = (part.strip() for run in anycase for part in _VALUE.split(run))
    fragments = tuple(part.lower() if caseless else part for part in parts if _letters(part) >= _FRAGMENT_LETTERS)
    if sum(map(_letters, fragments)) < _ENOUGH_LETTERS:
        return None
    return _Wanted(fragments, quoted=True, caseless=caseless)


def _letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


def _sources(root: Path, is_over: Callable[[], bool]) -> Iterator[tuple[str, str]]:
    """The source files of a tree: path and text."""
    real_root = os.path.realpath(root)
    files = 0
    for path in _tracked(root) or _walked(root, is_over):
        if files >= _MOST_FILES or is_over():
            return
        if _is_source(PurePosixPath(path)):
            files += 1
            text = _read(root / path, real_root)
            if text is not None:
                yield path, text


def _tracked(root: Path) -> Sequence[str]:
    """Return the files that git tracks or would add; nothing without git or a work tree."""
    listed = git_output(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", seconds=_SECONDS)
    return [os.fsdecode(path) for path in listed.split(b"\0") if path]


def _walked(root: Path, is_over: Callable[[], bool]) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        if is_over():
            return
        folders[:] = sorted(name for name in folders if not _is_skipped(Path(folder, name)))
        for name in sorted(files):
            yield Path(folder, name).relative_to(root).as_posix()


def _is_skipped(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _SKIPPED_FOLDERS or os.path.lexists(folder / "pyvenv.cfg")


def _is_source(path: PurePosixPath) -> bool:
    if not _SOURCE_FILE.fullmatch(path.name) or _TEST_FOLDERS.intersection(path.parts[:-1]):
        return False
    return not any(fnmatch(path.name, pattern) for pattern in _TEST_FILES)


def _read(path: Path, real_root: str) -> str | None:
    """The text of a file; None where it is too large, not a regular file, or a link out of the tree."""
    try:
        real = os.path.realpath(path)
        about = os.stat(real)  # noqa: PTH116 - of the very path that was found to be inside
        if os.path.commonpath([real, real_root]) != real_root or not stat.S_ISREG(about.st_mode):
            return None
        return Path(real).read_bytes().decode(errors="replace") if about.st_size <= _LARGEST_FILE else None
    except (OSError, ValueError):
        return None
