"""Places in an image: paths from its root, without a leading slash and without detours; the root is empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def parts_of(path: str) -> list[str]:
    """The components of a path as someone wrote it, `..` among them."""
    return [part for part in path.split("/") if part not in {"", "."}]


def place_of(path: str) -> str:
    """The place that a path means where none of its components is a link."""
    parts: list[str] = []
    for part in parts_of(path):
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return "/".join(parts)


def joined(*parts: str) -> str:
    """One place from several pieces, of which any may be empty."""
    return "/".join(filter(None, parts))


def parent_of(place: str) -> str:
    """The folder that a place is in; the root is in itself."""
    return place.rpartition("/")[0]


def lineage(place: str) -> Iterator[str]:
    """The folders on the way to a place, without the root, and the place itself."""
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
    """The deepest place that all of these are within."""
    first, *others = places
    shared = [step for step in lineage(first) if all(is_within(other, step) for other in others)]
    return shared[-1] if shared else ""
