"""The output of kaniko, which logs each instruction when it runs it, and before that whether its layer is cached."""

from __future__ import annotations

import re

from pytest_deploycheck.oci.builds.step import INSTRUCTION, ReadStep

_LINE = re.compile(r"INFO\[\d{4,9}\] (?P<text>\S.*)", re.ASCII)
_STAGE = ("Building stage ", "Executing 0 build triggers")
_CACHED = "Using caching version of cmd: "
_INSTRUCTION = re.compile(INSTRUCTION, re.ASCII | re.IGNORECASE)
_PUSHED = re.compile(r"Pushed (?P<image>\S{1,500}@sha256:[0-9a-f]{64})")


class Kaniko:
    """A reader of the output of kaniko.

    Attributes:
        steps: The steps so far; kaniko does not number them.
    """

    def __init__(self) -> None:
        self.steps: list[ReadStep] = []
        self._cached: set[str] = set()

    def read(self, line: str) -> str:
        """Take a line in; return its text on a push in BuildKit's words, or an empty string."""
        match = _LINE.fullmatch(line)
        text = match["text"] if match else ""
        if text.startswith(_STAGE):
            self._cached.clear()
        elif text.startswith(_CACHED):
            self._cached.add(text.removeprefix(_CACHED).strip())
        elif _INSTRUCTION.fullmatch(text):
            self.steps.append(ReadStep("", text, is_cached=text in self._cached, is_settled=True))
        elif pushed := _PUSHED.match(text):
            return f"pushing manifest for {pushed['image']}"
        return ""
