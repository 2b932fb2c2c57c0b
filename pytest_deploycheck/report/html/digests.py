"""The digests of a page: each has a colour, a pattern and a name of its own."""

from __future__ import annotations

from pytest_deploycheck.facts.image import Image
from pytest_deploycheck.facts.snapshot import ServiceFacts
from pytest_deploycheck.report.compared import short_hex

_STYLES = 5
"""The number of styles for images that are not the expected one; more than that share them."""


class Digests:
    """The images of a service by digest.

    Args:
        facts: The facts of the service.
    """

    def __init__(self, facts: ServiceFacts) -> None:
        self._expected = {one.expected.digest for one in facts.judged if one.expected.digest}
        for one in facts.judged:
            image = one.expected.image
            # A task may run the manifest of its platform, which the expected index holds.
            self._expected |= {child.digest for child in (image.children if image else ())}
        found = [one.expected.image for one in facts.judged] + list(facts.running_images)
        for one in facts.judged:
            found += [*one.ran_before, *(one.newer or ()), *([one.earlier] if one.earlier else [])]
        self._images: dict[str, Image] = {image.digest: image for image in found if image}
        self._others: list[str | None] = []

    def style(self, digest: str | None) -> str:
        """Return the name of the style of a digest: `expected`, or that of another image."""
        if digest in self._expected:
            return "expected"
        if digest not in self._others:
            self._others.append(digest)
        return f"other-{self._others.index(digest) % _STYLES}"

    def label(self, digest: str | None) -> str:
        """Return a short name of an image: its first tag where one is known, else the start of its digest."""
        if digest is None:
            return "an unknown image"
        image = self._images.get(digest)
        return image.tags[0] if image and image.tags else short_hex(digest)
