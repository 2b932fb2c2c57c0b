"""What a file holds, by digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pytest_deploycheck.facts.source import FileDigest


def file_digest(chunks: Iterable[bytes]) -> FileDigest:
    """The digests of a file that comes in chunks."""
    size = 0
    whole, text = hashlib.sha256(), hashlib.sha256()
    held = b""
    for chunk in chunks:
        size += len(chunk)
        whole.update(chunk)
        data = held + chunk
        # Whether a carriage return at the end has its newline, the next chunk tells.
        held = b"\r" if data.endswith(b"\r") else b""
        text.update(_lines(data.removesuffix(held)))
    text.update(_lines(held))
    return FileDigest(size, whole.hexdigest(), text.hexdigest())


def _lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
