"""The layers of Windows images, whose files are below `Files/`, and the paths by which Windows names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pytest_deploycheck.oci.files.layer import Entry
from pytest_deploycheck.oci.files.paths import is_within

_FILES = "Files"
_DRIVE = re.compile(r"(?:[\\/]{2}[.?][\\/])?[A-Za-z]:(?=[\\/]|\Z)")


def is_windows_path(path: str) -> bool:
    r"""Return True if a path is absolute on Windows: `C:\app`, with either slash."""
    return re.match(r"[A-Za-z]:[\\/]", path) is not None


def plain_path(path: str) -> str:
    r"""Return a path of Windows in the form that paths of images have: `/app/main.py` for `C:\app\main.py`."""
    return _DRIVE.sub("/", path, count=1).replace("\\", "/").replace("//", "/")


def drive_entries(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries below `Files/` by their paths on the drive; registry hives and the like are left out."""
    for entry in entries:
        if is_within(entry.path, _FILES):
            path = entry.path.removeprefix(_FILES).lstrip("/")
            target = entry.target
            if entry.kind == "symlink":
                target = plain_path(target)
            elif entry.kind == "hardlink":
                target = target.removeprefix(f"{_FILES}/")
            yield replace(entry, path=path, target=target)
