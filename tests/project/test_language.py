"""The words of the package, the README and the documentation are those that the field uses."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

UNUSUAL = {
    r"\b(images?|tags?|digests?|repository|containers?|what|one) (that )?(is|was|were) meant\b": "expected image",
    r"\b(images?|tags?|digests?|one|repository) meant\b|(?<!image )(?<!that )\bwas meant\b": "expected image",
    r"\b(new|old) code (says|said|speaks|spoke)\b": "logs",
    r"\b(logs|tasks?|stream|line|nobody) (says?|said|speaks?|spoke)\b": "log",
    r"\b(heard|hears?|hearing|unheard)\b": "has logs, reads",
    r"\b(was|are) said\b|\bsaid by tasks\b|\bis silent\b|\bsilent (task|stream)\b": "was logged, has no logs",
    r"\b(a|one more|each|another|first|last|second) looks?\b(?! (like|at))": "observation",
    r"\blooks? (again|once)\b": "poll",
    r"\b(anew|afresh)\b": "again, recreated",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bin vain\b": "times out",
    r"\beyes\b": "credentials",
    r"\blets? go of\b|\bwhat costs\b": "release resources",
    r"\bthere (is|was|are) no \w+ of (that|the) name\b|\bof which there is no\b": "unknown",
    r"\bsomebody\b": "a user",
    r"\bopens? doors\b|\brang\b|\brings\b": "secrets, went into ALARM",
    r"\bstands? on\b": "what counts as evidence",
    r"\b(gets?|getting) on\b": "progress",
    r"(?<!there )\b(is|are) no(ne itself| (file|list|text|image|number|table|JSON|tag|digest|terminal)\b)": "is not a",
    r"\bspoken to\b": "endpoint",
    r"\b(is|are) told (of|by)\b": "is known from",
    r"\b(taken up|take up what)\b": "start with",
}
"""Patterns of words that are not in use, and what is said instead."""

QUESTION = re.compile(r"(What|Whether|How|Why|Who|Whom|Whose|Where|Which|When)\b")
ANY_QUESTION = re.compile(rf"[\"']\s*{QUESTION.pattern}")
"""A string that opens with such a word, of whatever kind it is."""


TEXTS = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
"""The tokens that hold texts; from Python 3.12 on, the parts of f-strings are tokens of their own."""


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """The texts for people in a file, with their lines: all of a page, the strings and comments of a module."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(source.split("\n"), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in TEXTS:
            yield from enumerate(token.string.split("\n"), token.start[0])


def unusual_words(path: Path) -> list[str]:
    """The places in a file where a word stands that is not in use."""
    found: list[str] = []
    whole = path.read_text(encoding="utf-8").lower()
    if not any(re.search(pattern.lower(), whole) for pattern in UNUSUAL):
        return found  # It need not be taken apart, which is slow.
    for number, text in texts_of(path):
        for pattern, instead in UNUSUAL.items():
            match = re.search(pattern, text, re.IGNORECASE)
            if match:
                found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]!r}; write {instead!r}")
    return found


def question_openings(path: Path) -> list[str]:
    """The docstrings of a module that open with a question word."""
    found: list[str] = []
    source = path.read_text(encoding="utf-8")
    if not ANY_QUESTION.search(source):
        return found
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring and QUESTION.match(docstring):
                line = getattr(node, "lineno", 1)
                found.append(f"{path.relative_to(ROOT)}:{line}: {docstring.splitlines()[0]!r}")
    return found


def unusual_names(path: Path) -> list[str]:
    """The names of tests in a module in which such a word stands."""
    names = {name: name.replace("_", " ") for name in re.findall(r"\bdef (test_\w+)", path.read_text(encoding="utf-8"))}
    unusual = (*UNUSUAL, r"\blook(s|ed|ing)? (at|again|once)\b", r"\bis silent\b")
    return [name for name, text in names.items() if any(re.search(pattern, text) for pattern in unusual)]


PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
    ]
)
FOLDERS = ("pytest_deploycheck", "examples", "benchmarks", "docs", "tests")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if path != Path(__file__))
"""All modules but this one, whose list has the words."""


def test_pages_use_the_words_of_the_field() -> None:
    """README, documentation and changelog use no word that the field has another one for."""
    assert [place for path in PAGES for place in unusual_words(path)] == []


def test_modules_use_the_words_of_the_field() -> None:
    """Docstrings, comments and messages use no word that the field has another one for."""
    assert [place for path in MODULES for place in unusual_words(path)] == []


def test_names_of_tests_use_the_words_of_the_field() -> None:
    """The name of a test is read where it fails, and has no such word either."""
    assert [name for path in MODULES for name in unusual_names(path)] == []


def test_docstrings_open_with_their_subject() -> None:
    """A docstring opens with what a thing is or does, not with a question word."""
    assert [place for path in MODULES for place in question_openings(path)] == []


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ('"""The image that was meant."""', 1),
        ("# Nobody heard of it.", 1),
        ('text = f"{name} was said by {task}"', 1),
        ("heard = anew.mend(somebody)", 0),
        ('"""The expected image."""', 0),
    ],
)
def test_only_texts_for_people_are_read(
    source: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docstrings, comments and strings are searched for unusual words; names of the code are not."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    assert len(unusual_words(path)) == number


def test_a_word_in_the_name_of_a_test_is_found(tmp_path: Path) -> None:
    """Names of tests are searched, those of methods too; other names are not."""
    path = tmp_path / "module.py"
    source = "def test_a_task_is_silent(): ...\nclass A:\n    def test_looked_at(self): ...\ndef in_vain(): ..."
    path.write_text(source, encoding="utf-8")
    assert unusual_names(path) == ["test_a_task_is_silent", "test_looked_at"]


def test_a_question_as_the_opening_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A docstring that opens with a question word is found, wherever it stands; other words are not."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "module.py"
    path.write_text('"""Whatever."""\nclass A:\n    """What it is."""\n', encoding="utf-8")
    assert question_openings(path) == ["module.py:2: 'What it is.'"]
