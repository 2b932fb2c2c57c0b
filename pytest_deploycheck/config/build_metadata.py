"""The metadata file of a build: which image CI really built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_deploycheck.config.files import read_json
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.oci.reference import is_digest

_DIGEST = "containerimage.digest"
_NAMES = "image.name"
_REMEDY = "Give the file that `docker buildx build --push --metadata-file FILE` wrote."


def read_reference(path: Path, source: str) -> str:
    """The image of a metadata file, with its digest: `registry/repository:tag@sha256:…`.

    A file of `docker buildx bake` has a table for each target, and must have just one here.

    Args:
        path: The file.
        source: The option it came from, for messages.

    Raises:
        ConfigurationError: It cannot be read, or names no image.
    """
    document = read_json(path, source, _REMEDY)
    tables = _tables(document)
    if len(tables) != 1:
        found = f"{len(tables)} images" if tables else f"no {_DIGEST}"
        raise ConfigurationError(f"{source}: found {found} in the file {path}; expected one", _REMEDY)
    (table,) = tables
    digest, names = table[_DIGEST], table.get(_NAMES, "")
    if not is_digest(digest):
        raise ConfigurationError(f"{source}: found {_DIGEST} {digest!r} in the file {path}; expected sha256:…", _REMEDY)
    if not isinstance(names, str):
        raise ConfigurationError(f"{source}: found {_NAMES} {names!r} in the file {path}; expected a text", _REMEDY)
    name = names.split(",")[0].strip()
    return f"{name}@{digest}" if name else str(digest)


def _tables(document: Any) -> list[dict[str, Any]]:
    """The tables that name an image: the document itself, or one for each target."""
    if not isinstance(document, dict):
        return []
    tables = [document, *document.values()]
    return [table for table in tables if isinstance(table, dict) and isinstance(table.get(_DIGEST), str)]
