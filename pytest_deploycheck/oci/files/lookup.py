"""The way down through the layers of an image, which opens no more of them than it must."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import BinaryIO, Generic, TypeVar

from msgspec import Struct, field

from pytest_deploycheck.facts.image import Layer
from pytest_deploycheck.oci.files.layer import Entry, LayerError, Limits, entries
from pytest_deploycheck.oci.files.layer_contents import Cover, Record, Watch, files_in, seen
from pytest_deploycheck.oci.files.path_walk import Search, Sight
from pytest_deploycheck.oci.steps import can_hold, step_name

T = TypeVar("T")

# An algorithm and the first twelve digits.
_SHORT = len("sha256:") + 12

# A step may be a script of a hundred lines; its beginning tells which one it is.
_LONGEST_STEP = 80

OpenLayer = Callable[[Layer], AbstractContextManager[BinaryIO]]
"""Opens a layer to be read from its start, as it is stored."""


class Stack(Struct, frozen=True):
    """The layers of an image.

    Attributes:
        layers: From the bottom up.
        destinations: Where each can only have been written to, or None.
        open_layer: Opens one.
        limits: How much one may ask for.
    """

    layers: tuple[Layer, ...]
    destinations: tuple[str | None, ...]
    open_layer: OpenLayer
    limits: Limits


class Listing(Struct, Generic[T]):
    """What stands in a folder and is no folder itself.

    Attributes:
        folder: The folder.
        files: What stands in it, by place.
        depths: Numbers of the layers it was looked for in.
    """

    folder: str
    files: dict[str, Sight[T]] = field(default_factory=dict)
    depths: set[int] = field(default_factory=set)

    def add(self, depth: int, record: Record[T], cover: Cover) -> None:
        """Take account of one more layer, from the top."""
        self.depths.add(depth)
        for place, said in files_in(record, cover, self.folder):
            self.files[place] = Sight(place, said.kind or "other", depth)


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
            listings: What to list in the layers that are opened at first.

        Raises:
            LayerError: A layer cannot be read.
        """
        top = len(self._stack.layers) - 1
        searches: dict[str, Search[T]] = {path: Search(path, top) for path in paths}
        idle: dict[str, Search[T]] = {path: Search(path, top) for path in beside}
        while open_ones := [search for search in searches.values() if search.is_open]:
            top = max(search.top for search in open_ones)
            asking = [search for search in open_ones if search.top == top]
            waiting = [search for search in idle.values() if search.is_open and search.top == top]
            sights = self._sights(top, asking, waiting, listings)
            listings = ()
            for search in asking:
                search.go_on(sights.get(search.place))
            for search in waiting:
                if search.place in sights:
                    search.go_on(sights[search.place])
        return searches | {path: search for path, search in idle.items() if path not in searches}

    def list(self, listing: Listing[T], depths: Iterable[int]) -> None:
        """List a folder anew, in these layers."""
        listing.files.clear()
        listing.depths.clear()
        cover = Cover()
        for depth in sorted(depths, reverse=True):
            if cover.hides(listing.folder):
                break
            record = self._record(depth, frozenset(), [listing.folder])
            listing.add(depth, record, cover)
            cover.add(record)

    def depths_for(self, places: AbstractSet[str]) -> tuple[int, ...]:
        """Numbers of the layers that can say anything of one of these places, as far as the history tells."""
        return tuple(depth for depth in range(len(self._stack.layers)) if self._may_hold(depth, places))

    def _sights(
        self, top: int, asking: Sequence[Search[T]], waiting: Sequence[Search[T]], listings: Sequence[Listing[T]]
    ) -> dict[str, Sight[T]]:
        """What stands at the places that are asked for; what is missing is looked for in every layer."""
        passed: dict[str, set[str]] = {}
        for search in asking:
            passed.setdefault(search.place, set()).update(search.passed)
        idle = {search.place for search in waiting}
        kept: dict[int, tuple[AbstractSet[str], Record[T]]] = {}
        sights, skipped = self._down(top, passed, kept, idle, listings)
        # Through a link in its destination a copy lands elsewhere: no history is enough to call a path missing.
        missing = skipped - sights.keys()
        return (sights | self._down(top, dict.fromkeys(missing), kept)[0]) if missing else sights

    def _down(
        self,
        top: int,
        passed: Mapping[str, AbstractSet[str] | None],
        kept: dict[int, tuple[AbstractSet[str], Record[T]]],
        idle: AbstractSet[str] = frozenset(),
        listings: Sequence[Listing[T]] = (),
    ) -> tuple[dict[str, Sight[T]], set[str]]:
        """Go down until it is settled of each place what stands there, or on the way to it.

        Args:
            top: Number of the layer to begin with.
            passed: The places, each with all that led to it, or None to trust no history.
            kept: What layers have said already of which places; takes what they say now.
            idle: Places for which no layer is opened.
            listings: What to list on the way.

        Returns:
            What was seen, and the places for which a layer was left out; of those that are hidden or in no layer
            nothing is seen.
        """
        cover = Cover()
        sights: dict[str, Sight[T]] = {place: Sight("", "folder", 0) for place in {*passed, *idle} if not place}
        skipped: set[str] = set()
        asked = set(passed) - sights.keys()
        watched = asked | idle - sights.keys()
        for depth in range(top, -1, -1):
            if not asked:
                break
            if not any(self._may_hold(depth, passed[place]) for place in asked):
                skipped |= asked
                continue
            known, record = kept.get(depth, (frozenset(), None))
            if record is None or not watched <= known:
                record = self._record(depth, watched, [listing.folder for listing in listings])
                kept[depth] = watched, record
            for place in watched:
                if found := seen(record, cover, place):
                    where, said = found
                    sights[place] = Sight(where, said.kind or "folder", depth, said.target, said.content)
            for listing in listings:
                listing.add(depth, record, cover)
            cover.add(record)
            watched = {place for place in watched if place not in sights and not cover.hides(place)}
            asked &= watched
        return sights, skipped

    def _may_hold(self, depth: int, places: AbstractSet[str] | None) -> bool:
        """Whether a layer can say anything of one of these places, as far as the history tells."""
        return places is None or any(can_hold(self._stack.destinations[depth], place) for place in places)

    def _record(self, depth: int, wanted: AbstractSet[str], folders: Iterable[str]) -> Record[T]:
        """What a layer says, and nothing of it before all of it was read."""
        layer = self._stack.layers[depth]
        if depth not in self.opened:
            self.opened.append(depth)
        # The tar's own digest is proof enough; without it, that of the bytes as stored is.
        stored = layer.digest if layer.diff_id is None else None
        try:
            with self._stack.open_layer(layer) as stream:
                watch = Watch(wanted, folders, self._take)
                return watch.record(entries(stream, diff_id=layer.diff_id, digest=stored, limits=self._stack.limits))
        except LayerError as error:
            raise LayerError(f"layer {named(layer)} cannot be read: {error}") from error


def named(layer: Layer) -> str:
    """A layer in a sentence."""
    step = step_name(layer.created_by)
    if len(step) > _LONGEST_STEP:
        step = f"{step[:_LONGEST_STEP]}…"
    return f"{layer.digest[:_SHORT]}{f' ({step})' if step else ''}"
