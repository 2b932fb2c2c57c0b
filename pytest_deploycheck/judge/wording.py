"""The names of facts in sentences (digests, times, images), the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_deploycheck.facts.image import Image, Layer, Reference
from pytest_deploycheck.facts.snapshot import Lookup
from pytest_deploycheck.oci.steps import step_name
from pytest_deploycheck.redaction import one_line

_SHORT = len("sha256:") + 12
_TWO_MINUTES = 120


def short(digest: str | None) -> str:
    """A digest cut to what tells it apart by eye."""
    if digest is None:
        return "no known digest"
    return digest[:_SHORT]


def at(moment: datetime | None) -> str:
    """A time to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown time"


def pushed(image: Image | None) -> str:
    """The push time and the tags of an image, in brackets; empty where nothing is known."""
    if image is None:
        return ""
    known = [f"pushed {at(image.pushed_at)}"] if image.pushed_at else []
    known += [f"tagged {', '.join(image.tags)}"] if image.tags else []
    return f" ({', '.join(known)})" if known else ""


def name_of(reference: Reference) -> str:
    """A reference without its host, for a sentence in which the registry is not at stake."""
    tag = f":{reference.tag}" if reference.tag else ""
    digest = f"@{short(reference.digest)}" if reference.digest else ""
    return f"{reference.repository}{tag}{digest}"


def expected(lookup: Lookup) -> str:
    """The expected image: its reference, and what it stands for where that is known."""
    name = name_of(lookup.reference)
    if lookup.reference.digest or lookup.digest is None:
        return f"{name}{pushed(lookup.image)}"
    return f"{name} = {short(lookup.digest)}{pushed(lookup.image)}"


def step_of(layer: Layer) -> str:
    """The build step that made a layer, as its author wrote it; empty where that is not known."""
    return one_line(step_name(layer.created_by), 300)


def seconds(duration: float) -> str:
    """A duration in seconds, to a tenth: `60 s`, `0.5 s`."""
    return f"{round(duration, 1):g} s"


def roughly(duration: float) -> str:
    """A duration in seconds, as precisely as one would say it: `45 s`, `12 min`, `3 h`, `3 h 5 min`."""
    if duration < _TWO_MINUTES:
        return f"{round(duration)} s"
    hours, minutes = divmod(round(duration / 60), 60)
    return " ".join(f"{number} {unit}" for number, unit in ((hours, "h"), (minutes, "min")) if number)


def plural(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('ch') else 's'}"
