"""AWS's binary event streams (`application/vnd.amazon.eventstream`), written.

A message is a prelude (its whole length, the length of its headers, the CRC of these two), the headers, the
payload and the CRC of all before. Each header is its name with the length in a byte, the type of its value, and the
value, here always a text with its length in two bytes. All numbers are big-endian.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.api.responses import Json

CONTENT_TYPE = "application/vnd.amazon.eventstream"
"""The content type of an answer that is an event stream."""

_PRELUDE = struct.Struct("!II")
_NUMBER = struct.Struct("!I")
_TEXT = struct.Struct("!BH")
_TEXT_TYPE = 7
_CRCS = 8


def event(name: str, payload: Json) -> bytes:
    """Return the message of an event; the first of a stream is named `initial-response`."""
    return _message({":message-type": "event", ":event-type": name}, payload)


def exception(name: str, message: str) -> bytes:
    """Return the message of an error which ends a stream."""
    return _message({":message-type": "exception", ":exception-type": name}, {"message": message})


def _message(headers: Mapping[str, str], payload: Json) -> bytes:
    head = b"".join(_header(name, value) for name, value in {**headers, ":content-type": "application/json"}.items())
    body = json.dumps(payload).encode()
    lengths = _PRELUDE.pack(_PRELUDE.size + len(head) + len(body) + _CRCS, len(head))
    message = lengths + _NUMBER.pack(crc32(lengths)) + head + body
    return message + _NUMBER.pack(crc32(message))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return bytes([len(key)]) + key + _TEXT.pack(_TEXT_TYPE, len(text)) + text
