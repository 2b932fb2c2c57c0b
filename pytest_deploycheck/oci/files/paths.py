"""Places in an image: paths from its root, without a leading slash and without detours; the root is empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def parts_of(path: str) -> list[str]:
    """Return the components of a path as it was written, with `..`."""
    return [part for part in path.split("/") if part not in {"", "."}]


def place_of(path: str) -> str:
    """Return the place of a path of which no component is a link."""
    parts: list[str] = []
    for part in parts_of(path):
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return "/".join(parts)


def joined(*parts: str) -> str:
    """Join parts to one place; each part may be empty."""
    return "/".join(filter(None, parts))


def parent_of(place: str) -> str:
    """Return the folder of a place; that of the root is the root."""
    return place.rpartition("/")[0]


def lineage(place: str) -> Iterator[str]:
    """Yield the folders on the way to a place, without the root, and the place itself."""
    end = place.find("/")
    while end >= 0:
        yield place[:end]
        end = place.find("/", end + 1)
    if place:
        yield place


def is_within(place: str, folder: str) -> bool:
    """Return True if a place is the folder or below it."""
    return not folder or place == folder or place.startswith(f"{folder}/")


def common_folder(places: Sequence[str]) -> str:
    """Return the deepest place that all of these are within."""
    first, *others = places
    shared = [step for step in lineage(first) if all(is_within(other, step) for other in others)]
    return shared[-1] if shared else ""
