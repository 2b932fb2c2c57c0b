"""The places that are looked for in one layer, and what the layers above hide of those below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from msgspec import Struct, field

from pytest_deploycheck.oci.files.layer import Entry, Kind, LayerError
from pytest_deploycheck.oci.files.layer_links import LayerLinks
from pytest_deploycheck.oci.files.paths import is_within, joined, lineage, parent_of

T = TypeVar("T")

_REMOVALS = frozenset(("whiteout", "opaque"))


class PlaceState(Struct, Generic[T]):
    """The state of a place after a layer was unpacked.

    Attributes:
        kind: What the layer has there, or None without an entry of its own.
        target: Where a link leads.
        content: What was taken of the file, or None.
        number: The number of the entry within its layer.
        has_below: Whether the layer has something below, which makes the place a folder.
        is_gone: Whether the lower layers' place is gone.
        is_opaque: Whether the place is a folder, and all that the lower layers have in it is gone.
    """

    kind: Kind | None = None
    target: str = ""
    content: T | None = None
    number: int = 0
    has_below: bool = False
    is_gone: bool = False
    is_opaque: bool = False

    @property
    def is_folder(self) -> bool:
        """True if the layer has a folder there."""
        return self.kind == "folder" or (self.kind is None and (self.has_below or self.is_opaque))

    @property
    def stands(self) -> bool:
        """True if the layer has something there that is not a folder."""
        return self.kind not in {None, "folder"}


Record = Mapping[str, PlaceState[T]]
"""The state of the selected places after a layer was unpacked, by place."""


class Selection(Generic[T]):
    """The places that are looked for in a layer: nothing else of it is kept, except its links while it is read.

    Attributes:
        wanted: The places whose content is taken.
        folders: Everything in these is kept, without content.
    """

    def __init__(self, wanted: AbstractSet[str], folders: Iterable[str], take: Callable[[Entry], T]) -> None:
        self.wanted = wanted
        self.folders = tuple(folders)
        self._take = take
        self._places = {place for end in (*wanted, *self.folders) for place in lineage(end)} | {""}

    def read(self, entries: Iterable[Entry], until: int | None = None) -> dict[str, PlaceState[T]]:
        """Return the state of the places after these entries were unpacked, one after the other.

        Args:
            entries: The entries of the layer, which are read to their end.
            until: The number of the entry before which to stop unpacking, or None to unpack all. What the layer
                removes of the layers below is removed before anything is unpacked.

        Raises:
            LayerError: As `layer.entries`, or an entry stands below one that is neither a folder nor a link, which no
                runtime unpacks.
        """
        record: dict[str, PlaceState[T]] = {}
        links = LayerLinks()
        folder: str | None = None
        place = ""
        for number, entry in enumerate(entries):
            if until is not None and number >= until and entry.kind not in _REMOVALS:
                continue
            if (named := parent_of(entry.path)) != folder:
                folder, place = named, links.resolve(named)
                self._note_folders(record, place, entry)
            at = joined(place, entry.path.rpartition("/")[2])
            if entry.kind == "opaque":
                at = links.resolve(entry.path)
                self._note_folders(record, parent_of(at), entry)
            links.add(at, entry)
            if self._concerns(at):
                self._note(record, at, entry, number)
        return record

    def _concerns(self, place: str) -> bool:
        return place in self._places or any(is_within(place, folder) for folder in self.folders)

    def _note_folders(self, record: dict[str, PlaceState[T]], folder: str, entry: Entry) -> None:
        for step in lineage(folder):
            if self._concerns(step):
                state = record.setdefault(step, PlaceState())
                if state.stands:
                    raise LayerError(f"its {entry.path!r} stands below {step!r}, which is not a folder ({state.kind})")
                state.has_below = True

    def _note(self, record: dict[str, PlaceState[T]], place: str, entry: Entry, number: int) -> None:
        state = record.setdefault(place, PlaceState())
        if entry.kind in _REMOVALS:
            state.is_gone = state.is_gone or entry.kind == "whiteout"
            state.is_opaque = state.is_opaque or entry.kind == "opaque"
            return
        state.kind, state.target, state.content, state.number = entry.kind, entry.target, None, number
        if entry.kind == "file" and place in self.wanted:
            state.content = self._take(entry)
        if state.stands and state.has_below:
            state.has_below = False
            for below in [below for below in record if below != place and is_within(below, place)]:
                del record[below]


class Cover(Struct):
    """The places that the layers read so far, from the top, hide in the layers below them.

    Attributes:
        folders: Places that are folders: anything else that lower layers have there is hidden.
        gone: Places at which nothing of lower layers is seen, nor below them.
    """

    folders: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def add(self, record: Record[T]) -> None:
        """Take account of one more layer."""
        for place, state in record.items():
            if state.is_gone or state.is_opaque or state.stands:
                self.gone.add(place)
            if state.is_folder:
                self.folders.add(place)

    def hides(self, place: str) -> bool:
        """Return True if nothing can be seen of what lower layers have at a place and below it."""
        return "" in self.gone or any(step in self.gone for step in lineage(place))


def seen(record: Record[T], cover: Cover, place: str) -> tuple[str, PlaceState[T]] | None:
    """Return what a layer shows on the way to a place that no upper layer hides: the place, or what is in its way."""
    for step in lineage(place):
        state = record.get(step)
        if state and state.stands:
            return None if step in cover.folders else (step, state)
    state = record.get(place)
    return (place, state) if state and state.is_folder else None


def files_in(record: Record[T], cover: Cover, folder: str) -> Iterator[tuple[str, PlaceState[T]]]:
    """Yield what a layer shows in a folder that is not a folder itself."""
    for place, state in record.items():
        if state.stands and place not in cover.folders and is_within(place, folder) and not cover.hides(place):
            yield place, state
