"""The metadata file of a build: the images that it pushed, with their digests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_deploycheck.config.files import read_json
from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.oci.reference import is_digest

_DIGEST = "containerimage.digest"
_NAMES = "image.name"
_REMEDY = "Give the file that `docker buildx build --push --metadata-file FILE` wrote."


def read_references(file: str, source: str, *, folder: Path) -> str:
    """Return the images of a metadata file, each with its digest, separated by commas.

    A build may push several names, and a file of `docker buildx bake` has a table for each target. Of all these the
    image in the repository that the service pulls from is the expected one, which is chosen later.

    Args:
        file: The file, or `FILE#target` for one target of `bake`.
        source: The option it came from, for messages.
        folder: The folder of a relative path.

    Raises:
        ConfigurationError: The file cannot be read, lacks the target, or names no image.
    """
    path, target = _divided(file, folder)
    tables = _tables(read_json(path, source, _REMEDY))
    if target is not None:
        if target not in tables:
            known = ", ".join(name for name in tables if name) or "none"
            raise ConfigurationError(
                f"{source}: found no target {target!r} in the file {path}{did_you_mean(target, tuple(tables))}"
                f" Its targets: {known}",
                _REMEDY,
            )
        tables = {target: tables[target]}
    if not tables:
        raise ConfigurationError(f"{source}: found no {_DIGEST} in the file {path}; expected one", _REMEDY)
    references = dict.fromkeys(name for table in tables.values() for name in _references(table, path, source))
    unnamed = [reference for reference in references if is_digest(reference)]
    if unnamed and len(references) > 1:
        raise ConfigurationError(
            f"{source}: found {len(tables)} targets in the file {path}, of which some have no {_NAMES}; expected a name"
            " of each, to tell which is the image of the service",
            f"Name the target: @FILE#{next(iter(tables))}.",
        )
    return ",".join(references)


def _divided(file: str, folder: Path) -> tuple[Path, str | None]:
    """Return the file and the target; a file may have a `#` in its own name."""
    path, mark, target = file.rpartition("#")
    if mark and path and not (folder / file).is_file():
        return folder / path, target
    return folder / file, None


def _references(table: Mapping[str, Any], path: Path, source: str) -> list[str]:
    digest, names = table[_DIGEST], table.get(_NAMES, "")
    if not is_digest(digest):
        raise ConfigurationError(f"{source}: found {_DIGEST} {digest!r} in the file {path}; expected sha256:…", _REMEDY)
    if not isinstance(names, str):
        raise ConfigurationError(f"{source}: found {_NAMES} {names!r} in the file {path}; expected a text", _REMEDY)
    return [f"{name.strip()}@{digest}" for name in names.split(",") if name.strip()] or [str(digest)]


def _tables(document: Any) -> dict[str, Mapping[str, Any]]:
    """Return the tables that name an image by their target; the document itself has an empty one."""
    if not isinstance(document, dict):
        return {}
    tables = {"": document, **document}
    return {
        name: table for name, table in tables.items() if isinstance(table, dict) and isinstance(table.get(_DIGEST), str)
    }
