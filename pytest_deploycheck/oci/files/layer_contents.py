"""What one layer says of the places that are watched, and what the layers above hide of those below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from msgspec import Struct, field

from pytest_deploycheck.oci.files.layer import Entry, Kind, LayerError
from pytest_deploycheck.oci.files.paths import is_within, lineage, parent_of

T = TypeVar("T")

_SAYS_GONE = frozenset(("whiteout", "opaque"))


class Said(Struct, Generic[T]):
    """What a layer says of a place.

    Attributes:
        kind: What its entry there is, or None without an entry.
        target: Where a link leads.
        content: What was taken of the file, or None.
        has_below: Whether the layer has something below, which makes the place a folder.
        is_gone: Whether the lower layers' place is gone.
        is_opaque: Whether the place is a folder, and all that the lower layers have in it is gone.
    """

    kind: Kind | None = None
    target: str = ""
    content: T | None = None
    has_below: bool = False
    is_gone: bool = False
    is_opaque: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether the layer has a folder there."""
        return self.kind == "folder" or (self.kind is None and (self.has_below or self.is_opaque))

    @property
    def stands(self) -> bool:
        """Whether the layer has something there that is no folder."""
        return self.kind not in {None, "folder"}


Record = Mapping[str, Said[T]]
"""What a layer says, by place."""


class Watch(Generic[T]):
    """What is looked for in a layer: nothing else of it is kept.

    Attributes:
        wanted: The places whose content is taken.
        folders: Everything in these is kept, without content.
    """

    def __init__(self, wanted: AbstractSet[str], folders: Iterable[str], take: Callable[[Entry], T]) -> None:
        self.wanted = wanted
        self.folders = tuple(folders)
        self._take = take
        self._places = {place for end in (*wanted, *self.folders) for place in lineage(end)} | {""}

    def record(self, entries: Iterable[Entry]) -> dict[str, Said[T]]:
        """What a layer says; an entry takes the place of those before it.

        Raises:
            LayerError: As `layer.entries`, or an entry stands below one that is no folder: it depends on who unpacks
                the layer what becomes of it.
        """
        record: dict[str, Said[T]] = {}
        last = ""
        for entry in entries:
            if (folder := parent_of(entry.path)) != last:
                self._note_folders(record, entry)
                last = folder
            if self._concerns(entry.path):
                self._note(record, entry)
        return record

    def _concerns(self, place: str) -> bool:
        return place in self._places or any(is_within(place, folder) for folder in self.folders)

    def _note_folders(self, record: dict[str, Said[T]], entry: Entry) -> None:
        for folder in lineage(parent_of(entry.path)):
            if self._concerns(folder):
                said = record.setdefault(folder, Said())
                if said.stands:
                    raise LayerError(f"its {entry.path!r} stands below {folder!r}, which is no folder ({said.kind})")
                said.has_below = True

    def _note(self, record: dict[str, Said[T]], entry: Entry) -> None:
        said = record.setdefault(entry.path, Said())
        if entry.kind in _SAYS_GONE:
            said.is_gone = said.is_gone or entry.kind == "whiteout"
            said.is_opaque = said.is_opaque or entry.kind == "opaque"
            return
        said.kind, said.target, said.content = entry.kind, entry.target, None
        if entry.kind == "file" and entry.path in self.wanted:
            said.content = self._take(entry)
        if said.stands and said.has_below:
            said.has_below = False
            for place in [place for place in record if place != entry.path and is_within(place, entry.path)]:
                del record[place]


class Cover(Struct):
    """What the layers read so far, from the top, say of the layers below them.

    Attributes:
        folders: Places that are folders: what is none below does not count.
        gone: Places of which lower layers have nothing more to say, and neither of anything below.
    """

    folders: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def add(self, record: Record[T]) -> None:
        """Take account of one more layer."""
        for place, said in record.items():
            if said.is_gone or said.is_opaque or said.stands:
                self.gone.add(place)
            if said.is_folder:
                self.folders.add(place)

    def hides(self, place: str) -> bool:
        """Whether nothing can be seen of what lower layers have at a place and below it."""
        return "" in self.gone or any(step in self.gone for step in lineage(place))


def seen(record: Record[T], cover: Cover, place: str) -> tuple[str, Said[T]] | None:
    """What a layer shows on the way to a place that no upper layer hides: the place, or what stands in its way."""
    for step in lineage(place):
        said = record.get(step)
        if said and said.stands:
            return None if step in cover.folders else (step, said)
    said = record.get(place)
    return (place, said) if said and said.is_folder else None


def files_in(record: Record[T], cover: Cover, folder: str) -> Iterator[tuple[str, Said[T]]]:
    """What a layer shows in a folder that is no folder itself."""
    for place, said in record.items():
        if said.stands and place not in cover.folders and is_within(place, folder) and not cover.hides(place):
            yield place, said
