"""The search through the layers of an image from the top, which opens no more of them than it must."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import BinaryIO, Generic, TypeVar

from msgspec import Struct, field

from pytest_deploycheck.facts.image import Layer
from pytest_deploycheck.oci.files.layer import Entry, LayerError, Limits, entries
from pytest_deploycheck.oci.files.layer_contents import Cover, Record, Selection, files_in, seen
from pytest_deploycheck.oci.files.path_walk import Search, Sight
from pytest_deploycheck.oci.files.windows import drive_entries
from pytest_deploycheck.oci.steps import step_name

T = TypeVar("T")

# An algorithm and the first twelve digits.
_SHORT = len("sha256:") + 12

# A step can be a script of a hundred lines; its beginning identifies it.
_LONGEST_STEP = 80

OpenLayer = Callable[[Layer], AbstractContextManager[BinaryIO]]
"""Opens a layer to be read from its start, as it is stored."""


class Stack(Struct, frozen=True):
    """The layers of an image.

    Attributes:
        layers: From the bottom up.
        open_layer: Opens one.
        limits: The limits on what is read of one.
        is_windows: True if they are layers of a Windows image.
    """

    layers: tuple[Layer, ...]
    open_layer: OpenLayer
    limits: Limits
    is_windows: bool = False


class Listing(Struct, Generic[T]):
    """The files and links in a folder and below it.

    Attributes:
        folder: The folder.
        files: Its files and links, by place.
        depths: Numbers of the layers it was looked for in.
    """

    folder: str
    files: dict[str, Sight[T]] = field(default_factory=dict)
    depths: set[int] = field(default_factory=set)

    def add(self, depth: int, record: Record[T], cover: Cover) -> None:
        """Take account of one more layer, from the top."""
        self.depths.add(depth)
        for place, state in files_in(record, cover, self.folder):
            self.files[place] = Sight(place, state.kind or "other", depth)


class Descent(Generic[T]):
    """Looks for paths in an image.

    Attributes:
        opened: Numbers of the layers that were opened, in that order.
    """

    def __init__(self, stack: Stack, take: Callable[[Entry], T]) -> None:
        self.opened: list[int] = []
        self._stack = stack
        self._take = take

    def search(
        self, paths: Iterable[str], *, beside: Sequence[str] = (), listings: Sequence[Listing[T]] = ()
    ) -> dict[str, Search[T]]:
        """Look for all of these at once, and follow their links until it is known what each is.

        Args:
            paths: Paths, from the root of the image.
            beside: Paths to look for in the layers that are opened for the others, and in no more.
            listings: The folders to list in the layers that are opened at first.

        Raises:
            LayerError: A layer cannot be read.
        """
        top = len(self._stack.layers) - 1
        searches: dict[str, Search[T]] = {path: Search(path, top) for path in paths}
        idle: dict[str, Search[T]] = {path: Search(path, top) for path in beside}
        while open_ones := [search for search in searches.values() if search.is_open]:
            start = max(map(_start_of, open_ones))
            asking = [search for search in open_ones if _start_of(search) == start]
            waiting = [search for search in idle.values() if search.is_open and _start_of(search) == start]
            sights = self._down(
                asking[0].top,
                asking[0].until,
                {search.place for search in asking},
                {search.place for search in waiting},
                listings,
            )
            listings = ()
            for search in asking:
                search.go_on(sights.get(search.place))
            for search in waiting:
                if search.place in sights:
                    search.go_on(sights[search.place])
        return searches | {path: search for path, search in idle.items() if path not in searches}

    def list(self, listing: Listing[T], depths: Iterable[int]) -> None:
        """List a folder again, in these layers."""
        listing.files.clear()
        listing.depths.clear()
        cover = Cover()
        for depth in sorted(depths, reverse=True):
            if cover.hides(listing.folder):
                break
            record = self._record(depth, frozenset(), [listing.folder])
            listing.add(depth, record, cover)
            cover.add(record)

    def _down(
        self,
        top: int,
        until: int | None,
        places: AbstractSet[str],
        idle: AbstractSet[str],
        listings: Sequence[Listing[T]],
    ) -> dict[str, Sight[T]]:
        """Go down until it is known for each place what is there, or on the way to it.

        A place is settled by the uppermost layer that has or removes it, so every layer above that one is opened: the
        history of the image does not prove what is in a layer.

        Args:
            top: Number of the layer to begin with.
            until: The entry of that layer before which to look, or None.
            places: The places.
            idle: Places for which no layer is opened.
            listings: The folders to list on the way.

        Returns:
            What was seen; of places that are hidden or in no layer, nothing is.
        """
        cover = Cover()
        sights: dict[str, Sight[T]] = {place: Sight("", "folder", 0) for place in {*places, *idle} if not place}
        asked = set(places) - sights.keys()
        watched = asked | idle - sights.keys()
        for depth in range(top, -1, -1):
            if not asked:
                break
            record = self._record(
                depth, watched, [listing.folder for listing in listings], until if depth == top else None
            )
            for place in watched:
                if found := seen(record, cover, place):
                    where, state = found
                    sights[place] = Sight(
                        where, state.kind or "folder", depth, state.target, state.content, state.number
                    )
            for listing in listings:
                listing.add(depth, record, cover)
            cover.add(record)
            watched = {place for place in watched if place not in sights and not cover.hides(place)}
            asked &= watched
        return sights

    def _record(
        self, depth: int, wanted: AbstractSet[str], folders: Iterable[str], until: int | None = None
    ) -> Record[T]:
        """Return what a layer has at the places, and nothing of it before all of it was read."""
        layer = self._stack.layers[depth]
        if depth not in self.opened:
            self.opened.append(depth)
        # The tar's own digest is sufficient proof; without it, that of the bytes as stored is.
        stored = layer.digest if layer.diff_id is None else None
        try:
            with self._stack.open_layer(layer) as stream:
                content = entries(stream, diff_id=layer.diff_id, digest=stored, limits=self._stack.limits)
                on_drive = drive_entries(content) if self._stack.is_windows else content
                return Selection(wanted, folders, self._take).read(on_drive, until)
        except LayerError as error:
            raise LayerError(f"layer {named(layer)} cannot be read: {error}") from error


def _start_of(search: Search[T]) -> tuple[int, float]:
    """Return where a search begins, the uppermost being the largest."""
    return search.top, math.inf if search.until is None else search.until


def named(layer: Layer) -> str:
    """Return the name of a layer in a sentence."""
    step = step_name(layer.created_by)
    if len(step) > _LONGEST_STEP:
        step = f"{step[:_LONGEST_STEP]}…"
    return f"{layer.digest[:_SHORT]}{f' ({step})' if step else ''}"
