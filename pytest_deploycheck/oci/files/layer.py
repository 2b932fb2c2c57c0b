"""Layers: the entries of a tar, compressed or not, one after the other and never all at once."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from pytest_deploycheck.oci.files.decompression import DEFAULT_LIMITS, PIECE, LayerError, Limits
from pytest_deploycheck.oci.files.tar_stream import Tape

__all__ = ["DEFAULT_LIMITS", "Entry", "Kind", "LayerError", "Limits", "entries"]

Kind = Literal["file", "folder", "symlink", "hardlink", "whiteout", "opaque", "other"]
"""The kinds of entries: a whiteout removes a path of the layers below, and an opaque entry all in a folder."""

_WHITEOUT = ".wh."
_METADATA = ".wh..wh."
_OPAQUE = ".wh..wh..opq"

# Linux opens no path that is longer, so a longer one cannot be a file of a container.
_LONGEST_PATH = 4096


# A dataclass, as a Struct cannot leave one of its fields out of comparisons.
@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a layer.

    Attributes:
        path: Its path from the image's root, without a leading slash; empty for the root itself. Of a whiteout, the
            path that is gone; of an opaque folder, the folder. Bytes that are not UTF-8 are surrogates in it.
        kind: The kind of the entry.
        size: Bytes of a file, 0 for everything else.
        target: Where a link leads: of a symlink as written, of a hard link from the image's root.
    """

    path: str
    kind: Kind
    size: int = 0
    target: str = ""
    _open: Callable[[], Iterator[bytes]] = field(default=lambda: iter(()), repr=False, compare=False)

    def chunks(self) -> Iterator[bytes]:
        """Return its content, once, while it is the current entry.

        Raises:
            LayerError: The layer is damaged, or has been read past it.
        """
        return self._open()

    def read(self, limit: int) -> bytes:
        """Return its content, once, while it is the current entry.

        Raises:
            LayerError: It is larger than `limit` bytes, the layer is damaged, or has been read past it.
        """
        if self.size > limit:
            raise LayerError(
                f"its {self.path!r} has {self.size} bytes, more than the {limit} that are read into memory"
            )
        return b"".join(self.chunks())


def entries(
    stream: BinaryIO, *, diff_id: str | None = None, digest: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Entry]:
    """Read a layer, in memory that does not grow with it.

    Its content is proven only after the last entry: then the layer is read to its end and its digests are compared.

    Args:
        stream: The layer as stored: a tar, plain or compressed with gzip or zstd. Its own errors are passed on.
        diff_id: The digest that the tar must have, or None.
        digest: The digest that the bytes as stored must have, or None.
        limits: The limits on what is read.

    Raises:
        LayerError: It is not a layer, is damaged or cut off, exceeds the limits, has paths that lead out of the image,
            or other digests.
    """
    with closing(Tape(stream, limits, diff_id=diff_id, digest=digest)) as tape, _in_words(tape):
        claimed = 0
        for count, (archive, member) in enumerate(_members(tape), start=1):
            if count > limits.entries:
                raise LayerError(f"it has more than {limits.entries} entries")
            claimed += _claim(member)
            if claimed > limits.unpacked:
                raise LayerError(f"its files claim to have more than {limits.unpacked} bytes")
            if entry := _entry(archive, member, tape):
                yield entry
        tape.finish()


class _Archive(tarfile.TarFile):
    members: list[tarfile.TarInfo]


def _members(tape: Tape) -> Iterator[tuple[_Archive, tarfile.TarInfo]]:
    """The members of a tar that runs forward only, each with the archive that can open it."""
    tape.begin_header()
    try:
        archive = _Archive(fileobj=tape, encoding="utf-8", errors="surrogateescape")
    except tarfile.ReadError:
        if tape.tell():
            raise
        archive = None  # no bytes at all
    while archive and (member := archive.next()):
        # The archive remembers its members, and a layer may have hundreds of thousands.
        archive.members.clear()
        tape.end_header()
        yield archive, member
        tape.begin_header()
    tape.check_end()
    tape.end_header()


def _claim(member: tarfile.TarInfo) -> int:
    """Return the number of content bytes that a header claims; links, folders and devices have none."""
    if member.issym() or member.islnk() or member.isdir() or member.isdev():
        return 0
    if member.size < 0:
        raise LayerError(f"its tar is damaged: {member.name!r} has {member.size} bytes")
    return member.size


def _entry(archive: _Archive, member: tarfile.TarInfo, tape: Tape) -> Entry | None:
    """Return the entry of a member, or None for the metadata of the file system it was made with."""
    path = _path(member.name)
    folder, slash, name = path.rpartition("/")
    if name == _OPAQUE:
        return Entry(folder, "opaque")
    if path.startswith(_METADATA) or f"/{_METADATA}" in path:
        return None
    if name.startswith(_WHITEOUT):
        gone = name.removeprefix(_WHITEOUT)
        if gone in {"", ".", ".."}:
            raise LayerError(f"its whiteout {member.name!r} names nothing")
        return Entry(f"{folder}{slash}{gone}", "whiteout")
    if member.isfile():
        return Entry(path, "file", member.size, _open=lambda: _chunks(archive, member, tape))
    if member.issym():
        return Entry(path, "symlink", target=_checked(member.linkname))
    if member.islnk():
        return Entry(path, "hardlink", target=_path(member.linkname))
    return Entry(path, "folder" if member.isdir() else "other")


def _path(name: str) -> str:
    """A name of the tar as a path from the image's root: like in Docker, a slash at its front makes no difference."""
    parts: list[str] = []
    for part in _checked(name).split("/"):
        if part == "..":
            if not parts:
                raise LayerError(f"its path {name!r} leads out of the image")
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _checked(path: str) -> str:
    if len(path) > _LONGEST_PATH or "\0" in path:
        raise LayerError(f"its path {path[:80]!r} is one that no file can have")
    return path


def _chunks(archive: _Archive, member: tarfile.TarInfo, tape: Tape) -> Iterator[bytes]:
    with _in_words(tape):
        _check_sparse(member)
        content = archive.extractfile(member)
        while content and (chunk := content.read(PIECE)):
            yield chunk


def _check_sparse(member: tarfile.TarInfo) -> None:
    """See that the pieces of a sparse file follow each other: tarfile would search for a missing one without end."""
    pieces: Iterable[tuple[int, int]] = getattr(member, "sparse", None) or ()
    end = 0
    for start, size in pieces:
        if start < end or size < 0:
            raise LayerError(f"its sparse file {member.name!r} is damaged")
        end = start + size
    if end > member.size:
        raise LayerError(f"its sparse file {member.name!r} is damaged")


@contextmanager
def _in_words(tape: Tape) -> Iterator[None]:
    """Raise a LayerError for any error that damaged bytes cause in a library; errors of the stream are passed on."""
    try:
        yield
    except LayerError:
        raise
    except Exception as error:
        if tape.failure:
            raise tape.failure from None
        raise LayerError(f"its tar is damaged ({str(error) or type(error).__name__})") from error
