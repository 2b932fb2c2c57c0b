"""The files of an image, looked up without unpacking it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from pytest_deploycheck.facts.image import Layer
from pytest_deploycheck.facts.source import FileDigest
from pytest_deploycheck.oci.files.file_digest import file_digest
from pytest_deploycheck.oci.files.layer import DEFAULT_LIMITS, Entry, LayerError, Limits
from pytest_deploycheck.oci.files.lookup import Descent, Listing, OpenLayer, Stack, named
from pytest_deploycheck.oci.files.path_walk import Search
from pytest_deploycheck.oci.files.paths import joined, place_of

T = TypeVar("T")

__all__ = ["ImageTree", "OpenLayer", "PathDigests"]


class PathDigests(Struct, frozen=True):
    """The files that an image has at some paths, by digest.

    Attributes:
        found: What each path holds, as it was asked for; None where the image has no file there.
        holder: The layer that each file was found in; of a link, the layer of the file that it leads to.
        beside: Files in the folders that none of the paths leads to, absolute and sorted, as far as the opened layers
            have them. What an upper layer deleted or replaced is not among them, and neither are symlinks.
        opened: The layers that were opened, in that order: the uppermost first.
    """

    found: Mapping[str, FileDigest | None]
    holder: Mapping[str, Layer]
    beside: tuple[str, ...]
    opened: tuple[Layer, ...]


class ImageTree:
    """The files of an image, as a container would see them.

    The layers are read from the uppermost down, and only until the answer is known. The history of the image spares no
    layer: a step that copies through a link writes to another place than the one it names. Symbolic links are followed
    inside the image, never out of it. Paths are absolute; without a leading slash they mean the same.

    The entries of a layer take effect in their order, as a container runtime unpacks them: an entry below a link of
    its own layer is written to where that link leads, an entry below a link of a lower layer makes a folder of it, and
    a hard link is the file that its target was when the link was written.

    Every method raises LayerError where a layer that it needs is damaged or asks for more than the limits; what
    `open_layer` raises is passed on.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        open_layer: OpenLayer,
        limits: Limits = DEFAULT_LIMITS,
        *,
        is_windows: bool = False,
    ) -> None:
        """Open nothing yet.

        Args:
            layers: The layers, from the bottom up, as the manifest has them.
            open_layer: Opens a layer to be read from its start; it may be asked for the same layer again.
            limits: The limits on what is read of a layer.
            is_windows: True if it is a Windows image. Its files are looked up on the drive, by paths without its
                letter.
        """
        self._stack = Stack(tuple(layers), open_layer, limits, is_windows)

    def read_bytes(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: The image has no file there; the message names the layers that were opened.
            IsADirectoryError: It is a folder.
            LayerError: It has more bytes than the limits let into memory.
        """
        most = self._stack.limits.file
        # A file that is too large can still turn out to be hidden or replaced: the limit is applied at the end.
        descent: Descent[bytes | int] = Descent(
            self._stack, lambda entry: entry.read(most) if entry.size <= most else entry.size
        )
        search = descent.search([path])[path]
        self._check_file(path, search, descent.opened)
        content = search.sight.content if search.sight else None
        if isinstance(content, int):
            raise LayerError(f"{path} has {content} bytes, more than the {most} that are read into memory")
        return content or b""

    def exists(self, path: str) -> bool:
        """Return whether there is a file, a folder, or a link that leads to one."""
        descent: Descent[None] = Descent(self._stack, _nothing)
        return descent.search([path])[path].sight is not None

    def files(self, prefix: str = "/") -> tuple[str, ...]:
        """Return the files in a folder and in those below it, absolute and sorted.

        They are regular files and links that lead to one. Links to folders are not entered, so that each file is listed
        where it is. A prefix that leads to a file lists that file.

        Raises:
            FileNotFoundError: There is nothing at the prefix; the message names the layers that were opened.
        """
        descent: Descent[None] = Descent(self._stack, _nothing)
        search = descent.search([prefix])[prefix]
        if search.sight is None or search.sight.kind != "folder":
            self._check_file(prefix, search, descent.opened)
            return (f"/{place_of(prefix)}",)
        listing: Listing[None] = Listing(search.place)
        descent.list(listing, range(len(self._stack.layers)))
        links = [place for place, sight in listing.files.items() if sight.kind in {"symlink", "hardlink"}]
        leads = descent.search(links)
        found = {place for place, sight in listing.files.items() if sight.kind == "file"}
        found |= {place for place, search in leads.items() if search.sight and search.sight.kind == "file"}
        return tuple(sorted(_under(prefix, search.place, place) for place in found))

    def digests(self, paths: Iterable[str], *, folders: Iterable[str] = ()) -> PathDigests:
        """Return the digests of the files at these paths, and read the layers as few times as possible.

        Args:
            paths: Paths of files; links are followed.
            folders: Folders whose other files are listed as well, from the layers that are opened for the paths: no
                layer is opened for folders alone.
        """
        asked = tuple(dict.fromkeys(paths))
        inside = tuple(dict.fromkeys(folders))
        descent: Descent[FileDigest] = Descent(self._stack, _digest)
        listings = [Listing[FileDigest](place_of(folder)) for folder in inside]
        searches = descent.search(asked, beside=inside, listings=listings)
        for folder, listing in zip(inside, listings, strict=True):
            if (place := searches[folder].place) != listing.folder or listing.depths != set(descent.opened):
                listing.folder = place
                descent.list(listing, descent.opened)
        found = {path: searches[path].sight for path in asked}
        files = {path: sight for path, sight in found.items() if sight and sight.kind == "file"}
        own = {f"/{place}" for path in asked for place in (place_of(path), searches[path].place)}
        return PathDigests(
            found={path: files[path].content if path in files else None for path in asked},
            holder={path: self._stack.layers[sight.depth] for path, sight in files.items()},
            beside=tuple(sorted(_beside(inside, listings, own))),
            opened=tuple(self._stack.layers[depth] for depth in descent.opened),
        )

    def _check_file(self, path: str, search: Search[T], opened: Sequence[int]) -> None:
        if search.sight is not None:
            if search.sight.kind == "folder":
                raise IsADirectoryError(f"{path} is a folder in the image, not a file")
            if search.sight.kind != "file":
                raise FileNotFoundError(f"{path} is neither a file nor a folder in the image")
            return
        if search.in_circle:
            raise FileNotFoundError(f"{path} is a link in the image that leads in a circle")
        looked = ", ".join(named(self._stack.layers[depth]) for depth in opened)
        of = f"{len(opened)} of its {len(self._stack.layers)} layers"
        link = f", which leads to /{search.place}," if search.links else ""
        raise FileNotFoundError(f"{path}{link} is not in the image; searched {of}: {looked}")


def _nothing(_: Entry) -> None:
    """Take nothing of a file where only its presence counts."""


def _digest(entry: Entry) -> FileDigest:
    return file_digest(entry.chunks())


def _under(asked: str, folder: str, place: str) -> str:
    """Return a place in a folder, as seen from the path by which the folder was asked for."""
    return f"/{joined(place_of(asked), place[len(folder) :].strip('/'))}"


def _beside(folders: Iterable[str], listings: Iterable[Listing[FileDigest]], own: set[str]) -> set[str]:
    """Return the files that the listings of folders have and that are none of these paths."""
    found = set()
    for folder, listing in zip(folders, listings, strict=True):
        for place, sight in listing.files.items():
            if sight.kind in {"file", "hardlink"} and f"/{place}" not in own:
                found.add(_under(folder, listing.folder, place))
    return found - own
