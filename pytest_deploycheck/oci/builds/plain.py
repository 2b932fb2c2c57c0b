"""The plain output of BuildKit: lines that begin with the number of a vertex."""

from __future__ import annotations

import re

from pytest_deploycheck.oci.builds.step import ReadStep, is_internal, numbered

_VERTEX = re.compile(r"#(?P<vertex>\d{1,6}) (?P<text>\S.*)", re.ASCII)
_STATE = re.compile(r"(?:(?P<cached>CACHED)|DONE(?: \d+\.\d+s)?|CANCELED|ERROR(?:: .*)?)", re.ASCII)
_STARTING = 'building with "'
_EXPORTING = "exporting to image"


class Plain:
    """A reader of the plain output of BuildKit.

    Attributes:
        is_seen: True if a line of BuildKit was read.
        steps: The steps so far.
    """

    def __init__(self) -> None:
        self.is_seen = False
        self.steps: list[ReadStep] = []
        # Steps may be printed again, and two builds at a time may use a number for different ones.
        self._named: dict[tuple[str, str], ReadStep] = {}
        self._current: dict[str, ReadStep] = {}

    def read(self, line: str) -> str:
        """Take a line in; return its text without the vertex, or an empty string."""
        match = _VERTEX.match(line)
        if match is None:
            return ""
        vertex, text = match["vertex"], match["text"]
        if text.startswith("["):
            self._name(vertex, text)
        elif state := _STATE.fullmatch(text):
            self._settle(vertex, is_cached=state["cached"] is not None)
        elif vertex == "0" and text.startswith(_STARTING):
            self._begin()
        elif text == _EXPORTING:
            self.is_seen = True
        return text

    def _begin(self) -> None:
        """Forget the vertices: another build begins, which numbers them from the start."""
        self.is_seen = True
        self._named.clear()
        self._current.clear()

    def _name(self, vertex: str, text: str) -> None:
        known = self._named.get((vertex, text))
        # The first vertex is never opened again within a build.
        if known and known.is_settled and vertex == "1":
            self._begin()
            known = None
        if known is None:
            found = numbered(text)
            known = ReadStep(*(found or ("", text)))
            self._named[vertex, text] = known
            if found:
                self.steps.append(known)
            self.is_seen = self.is_seen or found is not None or is_internal(text)
        self._current[vertex] = known

    def _settle(self, vertex: str, *, is_cached: bool) -> None:
        if step := self._current.get(vertex):
            step.settle(is_cached=is_cached)
