"""The digest of the image that a build made or pushed, among those that its log shows."""

from __future__ import annotations

import re

# Lines with the digest of the image, the most certain first: the digest in a registry, then the builder's own.
_IMAGES = (
    re.compile(r"pushing manifest for [^\s@]+@(sha256:[0-9a-f]{64})\b|[\w.-]{1,128}: digest: (sha256:[0-9a-f]{64})\b"),
    re.compile(r"exporting manifest list (sha256:[0-9a-f]{64})\b"),
    re.compile(r"exporting manifest (sha256:[0-9a-f]{64})\b"),
    re.compile(r"writing image (sha256:[0-9a-f]{64})\b"),
)


class ImageDigests:
    """The digests of images that a log shows."""

    def __init__(self) -> None:
        self._found: list[set[str]] = [set() for _ in _IMAGES]

    def read(self, text: str) -> None:
        """Take in a line."""
        if "sha256:" not in text:
            return
        for pattern, found in zip(_IMAGES, self._found, strict=True):
            if match := pattern.match(text):
                found.add(match[match.lastindex or 0])

    def best(self) -> str | None:
        """Return the most certain digest, or None where there is none or several of a kind."""
        digests = next(filter(None, self._found), set[str]())
        return digests.pop() if len(digests) == 1 else None
