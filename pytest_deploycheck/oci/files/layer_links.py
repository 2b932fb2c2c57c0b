"""The symbolic links of one layer, through which its later entries are written."""

from __future__ import annotations

from typing import TypeAlias

from pytest_deploycheck.oci.files.layer import Entry, LayerError
from pytest_deploycheck.oci.files.paths import parent_of, parts_of

_MOST_LINKS = 40

_Folder: TypeAlias = dict[str, "_Folder | str"]


class LayerLinks:
    """The symbolic links that a layer has written so far.

    Container runtimes unpack a layer into a folder of its own before they put it over the layers below. An entry below
    a link is therefore written to where the layer's own links lead, and a link of a lower layer is not followed.
    """

    def __init__(self) -> None:
        # Folders that have links below them, and the targets of links. A tree, so that one entry which replaces a
        # folder drops all links in it at once.
        self._root: _Folder = {}

    def resolve(self, place: str) -> str:
        """Return the folder that is written to where an entry names `place` as its folder.

        Raises:
            LayerError: The links lead in a circle, or nowhere.
        """
        if not self._root or not self._passes_link(place):
            return place
        here: list[str] = []
        pending = parts_of(place)[::-1]
        followed = 0
        while pending:
            part = pending.pop()
            if part == "..":
                del here[-1:]
                continue
            target = self._at([*here, part])
            if not isinstance(target, str):
                here.append(part)
                continue
            followed += 1
            if followed > _MOST_LINKS or not target:
                raise LayerError(f"it writes below {place!r}, a link that leads nowhere")
            if target.startswith("/"):
                here = []
            pending += parts_of(target)[::-1]
        return "/".join(here)

    def add(self, place: str, entry: Entry) -> None:
        """Take account of an entry that was written to a place."""
        target = entry.target if entry.kind == "symlink" else None
        if entry.kind == "hardlink":
            # A second name of a link leads to where the link leads.
            name = entry.target.rpartition("/")[2]
            linked = self._at([*parts_of(self.resolve(parent_of(entry.target))), name])
            target = linked if isinstance(linked, str) else None
        if target is not None:
            self._set(place, target)
        elif entry.kind not in {"whiteout", "opaque"}:
            self._drop(place, is_folder=entry.kind == "folder")

    def _passes_link(self, place: str) -> bool:
        node: _Folder | str | None = self._root
        for part in parts_of(place):
            node = node.get(part) if isinstance(node, dict) else None
            if node is None:
                return False
            if isinstance(node, str):
                return True
        return False

    def _at(self, parts: list[str]) -> _Folder | str | None:
        node: _Folder | str | None = self._root
        for part in parts:
            if not isinstance(node, dict):
                return None
            node = node.get(part)
        return node

    def _set(self, place: str, target: str) -> None:
        *folders, name = parts_of(place)
        node = self._root
        for part in folders:
            below = node.setdefault(part, {})
            if isinstance(below, str):
                below = node[part] = {}
            node = below
        node[name] = target

    def _drop(self, place: str, *, is_folder: bool) -> None:
        if not self._root or not place:
            return
        *folders, name = parts_of(place)
        node = self._at(folders)
        # A folder keeps the links below it, and only replaces a link in its own place.
        if isinstance(node, dict) and not (is_folder and isinstance(node.get(name), dict)):
            node.pop(name, None)
