"""The readable text of a log event: what a person reads of it in a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pytest_deploycheck.redaction.terminal import displayed

_LINE_ENDS = "\r\n"
_RETURNS = re.compile(r"\r+\n?")
_SOURCES = ("container_name", "source")
_METADATA = "ecs_"


class Part(Struct, frozen=True):
    """The place of a piece of a line that the container runtime cut because it was longer than 16 KiB.

    Attributes:
        line: The runtime's id of the whole line.
        ordinal: The position of the piece, from 1.
    """

    line: str
    ordinal: int


class Readable(Struct, frozen=True):
    """The text of a log event for people.

    Attributes:
        text: The text of the line, without control sequences and line ends.
        is_wrapped: Whether a log router had wrapped the line in a JSON envelope.
        part: The place of the text in a line that the runtime cut, or None for a whole line.
    """

    text: str
    is_wrapped: bool = False
    part: Part | None = None

    def compared(self, message: str) -> tuple[str, ...]:
        """The texts with which patterns are compared: of an envelope only its line, else the raw event as well."""
        return (self.text,) if self.is_wrapped or self.text == message else (self.text, message)


def readable(message: str, *, is_routed: bool = False) -> Readable:
    """Return what a person reads of an event.

    Args:
        message: The raw text of the event.
        is_routed: Whether a log router wrote it, which may have wrapped the line in JSON.
    """
    envelope = _envelope(message) if is_routed else None
    if envelope is None:
        return Readable(plain(message))
    return Readable(plain(envelope["log"]), is_wrapped=True, part=_part(envelope))


def plain(text: str) -> str:
    """Return a text without terminal control sequences, and without line ends after it.

    A backspace lets the next character replace the one before it, and control characters without an effect, such as
    NUL, are not shown. After a carriage return, as that of a progress bar, a new line begins.
    """
    text = displayed(text).rstrip(_LINE_ENDS)
    # Most events hold one line, and the expression costs more than the question.
    return _RETURNS.sub("\n", text) if "\r" in text else text


def _envelope(message: str) -> Mapping[str, Any] | None:
    """The JSON object in which a log router such as FireLens wraps a line, or None for any other event."""
    if '"log"' not in message:
        return None
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("log"), str):
        return None
    has_source = any(key in _SOURCES or key.startswith(_METADATA) for key in value)
    return value if has_source else None


def _part(envelope: Mapping[str, Any]) -> Part | None:
    """The place of the piece, where Docker's fluentd driver marks it as one."""
    if str(envelope.get("partial_message", "")).lower() != "true" or "partial_id" not in envelope:
        return None
    try:
        return Part(str(envelope["partial_id"]), int(envelope.get("partial_ordinal", 1)))
    except (TypeError, ValueError):
        return None
