"""The content of a file, by digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pytest_deploycheck.facts.source import FileDigest


def file_digest(chunks: Iterable[bytes]) -> FileDigest:
    """The digests of a file that comes in chunks."""
    size = 0
    whole = hashlib.sha256()
    # The same as `whole` until there is something to normalize, which in most files there is not.
    text = None
    is_after_return = False
    for chunk in chunks:
        if text is None and b"\r" in chunk:
            text = whole.copy()
        if text is not None and chunk:
            # A line end split over two chunks has had its newline already.
            rest = chunk[1:] if is_after_return and chunk.startswith(b"\n") else chunk
            text.update(rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
            is_after_return = chunk.endswith(b"\r")
        whole.update(chunk)
        size += len(chunk)
    return FileDigest(size, whole.hexdigest(), (text or whole).hexdigest())
