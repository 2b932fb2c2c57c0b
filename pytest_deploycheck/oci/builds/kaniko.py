"""The output of kaniko, which logs each instruction when it runs it, and before that whether its layer is cached."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from pytest_deploycheck.oci.builds.step import INSTRUCTION, ReadStep

_LINE = re.compile(r"INFO\[(?:\d{4,9}|\d{4}-\d\d-\d\dT[\w:.+-]{1,40})\] (?P<text>\S.*)", re.ASCII)
_LOGFMT = re.compile(r"time=\S{1,60} level=info msg=(?P<text>\".*\"|\S+)")
"""The form of `--log-format=text`: the message is quoted as in JSON where it has a blank in it."""

STARTS = ("INFO[", "time=")
"""The beginnings of kaniko's lines; those of `--log-format=json` begin with a brace, as those of others do."""

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
        text = _text_of(line)
        if text.startswith(_STAGE):
            self._cached.clear()
        elif text.startswith(_CACHED):
            self._cached.add(text.removeprefix(_CACHED).strip())
        elif _INSTRUCTION.fullmatch(text):
            self.steps.append(ReadStep("", text, is_cached=text in self._cached, is_settled=True))
        elif pushed := _PUSHED.match(text):
            return f"pushing manifest for {pushed['image']}"
        return ""


class _Record(Struct):
    level: str = ""
    msg: str = ""


_RECORD = msgspec.json.Decoder(_Record)
_TEXT = msgspec.json.Decoder(str)


def _text_of(line: str) -> str:
    """Return the message of a line, in whichever form kaniko was told to log it; an empty text for any other line."""
    if match := _LINE.fullmatch(line):
        return match["text"]
    try:
        if line.startswith("{"):
            record = _RECORD.decode(line)
            return record.msg if record.level == "info" else ""
        if match := _LOGFMT.fullmatch(line):
            return _TEXT.decode(match["text"]) if match["text"].startswith('"') else match["text"]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # Something else that looks alike, or a line that was cut.
        pass
    return ""
