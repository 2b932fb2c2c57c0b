"""The digests of the files of the checkout that an image should have."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from pytest_deploycheck.checkout.dockerignore import Ignore
from pytest_deploycheck.facts.source import FileDigest, SourceFile, SourceTree
from pytest_deploycheck.oci.files.file_digest import file_digest

_CHUNK = 1 << 20

BY_PRODUCTS = (
    "**/__pycache__",
    "**/*.pyc",
    "**/*.pyo",
    "**/.pytest_cache",
    "**/.mypy_cache",
    "**/.ruff_cache",
    "**/.git",
    "**/.DS_Store",
)
"""What tools leave behind in a source tree, and nobody means to deploy. Anything that may be meant is not here."""


def source_tree(root: Path, local: str, *, exclude: Sequence[str] = ()) -> SourceTree:
    """Read the files of a local folder, or a single file, that should be in the image.

    Left out of a folder, and counted, is what the nearest `.dockerignore` leaves out (in the folder itself, else in
    the closest one above it, up to the root), what `exclude` does, `BY_PRODUCTS`, and what cannot be compared: sockets
    and the like, and links to nowhere or to outside of the root. Another link is read as the file or the folder that
    it leads to; a folder that is read already, as one of the tree itself, is not read again. A single file was named,
    so it is read whatever the patterns say.

    Args:
        root: The project's root.
        local: Path of the folder or file, relative to the root and inside it.
        exclude: Patterns in the language of `.dockerignore`, relative to `local`.

    Raises:
        FileNotFoundError: There is no such file or folder, or it is outside of the root.
        OSError: A file or folder that counts cannot be read.
        ValueError: A pattern is malformed.
    """
    place = _place(root, local)
    if place.real.is_file():
        file = SourceFile("", _digest_of(place.real))
        return SourceTree(place.local, (file,), sha256=_sha256([file]))
    excludes = _rules(root, place.local, exclude)
    found, left_out = [], 0
    for path, real in _walked(place, excludes):
        if real is None or excludes(path):
            left_out += 1
        else:
            found.append((path, real))
    files = tuple(SourceFile(path, _digest_of(real)) for path, real in sorted(found))
    return SourceTree(place.local, files, left_out, _sha256(files))


class _Place(Struct, frozen=True):
    """The place of a source tree.

    Attributes:
        root: The project's root, without links.
        local: Path of the tree, relative to the root, with forward slashes.
        real: The tree, without links.
    """

    root: Path
    local: str
    real: Path


def _place(root: Path, local: str) -> _Place:
    missing = f"there is no file or folder {local!r} in {root}"
    try:
        relative = Path(os.path.relpath(root / local, root))
        real_root, real = root.resolve(), (root / relative).resolve()
    except (OSError, ValueError, RuntimeError):
        raise FileNotFoundError(missing) from None
    if ".." in relative.parts or not real.is_relative_to(real_root):
        raise FileNotFoundError(f"{local!r} is outside of {root}: only what is inside can be compared with an image")
    if not (real.is_file() or real.is_dir()):
        raise FileNotFoundError(missing)
    return _Place(real_root, relative.as_posix(), real)


def _rules(root: Path, local: str, exclude: Sequence[str]) -> Callable[[str], bool]:
    """Tells whether a path below `local` is left out."""
    by_products, excluded = Ignore(BY_PRODUCTS), Ignore(exclude)
    ignored, prefix = _dockerignore(root, local)

    def excludes(path: str) -> bool:
        return by_products.excludes(path) or excluded.excludes(path) or ignored.excludes(prefix + path)

    return excludes


def _dockerignore(root: Path, local: str) -> tuple[Ignore, str]:
    """The nearest `.dockerignore`, and the path of `local` from there, with a slash at its end unless it is there."""
    parts = Path(local).parts
    for depth in range(len(parts), -1, -1):
        path = root.joinpath(*parts[:depth], ".dockerignore")
        if path.is_file():
            text = b"".join(_chunks(path)).decode(errors="replace")
            try:
                return Ignore.of_text(text), "".join(f"{part}/" for part in parts[depth:])
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
    return Ignore(()), ""


def _walked(place: _Place, excludes: Callable[[str], bool]) -> Iterator[tuple[str, Path | None]]:
    """Every file below a folder, with the file to read, or None where there is none that can be compared."""
    pending, linked = [("", place.real)], [place.real]
    while pending:
        prefix, folder = pending.pop()
        for entry in _entries(folder, is_needed=not excludes(prefix)):
            path = f"{prefix}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                pending.append((f"{path}/", Path(entry.path)))
                continue
            real = None if excludes(path) else _linked_folder(entry, place)
            # Folders that link to each other would be read without end.
            if real and not any(map(real.is_relative_to, linked)):
                linked.append(real)
                pending.append((f"{path}/", real))
            else:
                yield path, _readable(entry, place.root)


def _entries(folder: Path, *, is_needed: bool) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if not is_needed:
            return []
        raise OSError(f"the folder {folder} cannot be read: {error.strerror}") from error


def _linked_folder(entry: os.DirEntry[str], place: _Place) -> Path | None:
    """The folder inside the root that a link leads to; None for anything else, and for one that holds the tree."""
    try:
        if not (entry.is_symlink() and entry.is_dir()):
            return None
        real = Path(entry.path).resolve()
    except (OSError, RuntimeError):
        return None
    return real if real.is_relative_to(place.root) and not place.real.is_relative_to(real) else None


def _readable(entry: os.DirEntry[str], root: Path) -> Path | None:
    """The file that an entry leads to; None where it leads to none, or out of the root."""
    if entry.is_file(follow_symlinks=False):
        return Path(entry.path)
    if not entry.is_symlink():
        return None
    try:
        real = Path(entry.path).resolve()
        return real if real.is_relative_to(root) and stat.S_ISREG(real.stat().st_mode) else None
    except (OSError, RuntimeError):
        return None


def _digest_of(path: Path) -> FileDigest:
    return file_digest(_chunks(path))


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise OSError(f"the file {path} cannot be read: {error.strerror}") from error


def _sha256(files: Iterable[SourceFile]) -> str:
    digest = hashlib.sha256()
    for file in files:
        # A name need not be text, and no name has a zero byte.
        digest.update(file.path.encode(errors="surrogatepass") + b"\0" + file.digest.sha256.encode() + b"\n")
    return digest.hexdigest()
