"""The outline of a report in HTML: its text by blocks, as a snapshot keeps it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_SKIPPED = frozenset({"script", "style", "title", "narrow", "details"})
"""The elements whose text is left out."""


class Outline(HTMLParser):
    """The text of a page by its blocks, without style and script, and without what is folded away.

    Args:
        page: The page. Pictures that are there in two sizes are read in the wide one.
    """

    _BLOCKS = frozenset({"h1", "h2", "h3", "h4", "p", "li", "dt", "dd", "tr", "text", "summary", "pre"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._path: list[str] = []
        self.feed(page.partition("<body>")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block."""
        self._path.append("narrow" if dict(attrs).get("class") == "narrow" else tag)
        if tag in self._BLOCKS:
            marks = [word for word in (dict(attrs).get("class") or "").split() if word.startswith("is-")]
            self.lines.append(f"{' '.join([tag, *marks])}: ")

    def handle_endtag(self, tag: str) -> None:
        """End a block."""
        while self._path and self._path.pop() not in (tag, *(["narrow"] if tag == "svg" else [])):
            pass

    def handle_data(self, data: str) -> None:
        """Add a text to its block."""
        if data.strip() and self.lines and not _SKIPPED & set(self._path):
            self.lines[-1] += f"{' '.join(data.split())} "

    @property
    def text(self) -> str:
        """The blocks, a line each, up to the checks, without what differs from run to run."""
        whole = "\n".join(line.rstrip() for line in self.lines if line.partition(": ")[2].strip())
        whole = re.sub(r"\b[0-9a-f]{8,}\b", "HEX", whole.partition("h3: Checks")[0])
        whole = re.sub(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)? UTC", "TIME", whole)
        whole = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", whole)
        whole = re.sub(r"\b\d+\.\d+\.\d+\.\d+:\d+", "HOST", whole)
        whole = re.sub(r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d", "TIME", whole)
        whole = re.sub(r"\d+(\.\d+)? (s|min|h|days) ago", "AGE", whole)
        return re.sub(r"\b\d+(\.\d+)? s\b", "N s", whole)
