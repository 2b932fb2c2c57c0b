"""The output of BuildKit with `--progress=rawjson`: one JSON object a line, with the state of steps and exports."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from pytest_deploycheck.oci.builds.step import ReadStep, is_internal, numbered

_DEFINITION = re.compile(r"\[(?:[^\]]{1,200} )?internal\] load build definition from ")


class _Vertex(Struct):
    name: str = ""
    digest: str = ""
    started: str | None = None
    completed: str | None = None
    cached: bool = False


class _Export(Struct):
    id: str = ""


class _Progress(Struct):
    vertexes: list[_Vertex] | None = None
    statuses: list[_Export] | None = None


_DECODER = msgspec.json.Decoder(_Progress)


class RawJson:
    """A reader of the JSON that BuildKit writes.

    Attributes:
        is_seen: True if a step of BuildKit was read.
        steps: The steps so far.
    """

    def __init__(self) -> None:
        self.is_seen = False
        self.steps: list[ReadStep] = []
        self._named: dict[tuple[str, str], ReadStep] = {}
        self._definitions: dict[str, tuple[str, str | None]] = {}

    def read(self, line: str) -> list[str]:
        """Take a line in; return its texts on exports."""
        try:
            progress = _DECODER.decode(line)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            # Something else that begins with a brace, or a line that was cut.
            return []
        for vertex in progress.vertexes or ():
            self._read_vertex(vertex)
        return [export.id for export in progress.statuses or ()]

    def _read_vertex(self, vertex: _Vertex) -> None:
        if _DEFINITION.match(vertex.name) and vertex.completed:
            self._complete_definition(vertex)
        found = numbered(vertex.name)
        self.is_seen = self.is_seen or found is not None or is_internal(vertex.name)
        if found is None:
            return
        key = (vertex.digest, vertex.name)
        step = self._named.get(key)
        if step is None:
            step = self._named[key] = ReadStep(*found)
            self.steps.append(step)
        if vertex.completed:
            step.settle(is_cached=vertex.cached)

    def _complete_definition(self, vertex: _Vertex) -> None:
        """Take in that a Dockerfile was loaded, which happens once in a build: the second time another build began."""
        loading = (vertex.digest, vertex.started)
        if self._definitions.get(vertex.name, loading) != loading:
            self._named.clear()
            self._definitions.clear()
        self._definitions[vertex.name] = loading
