"""The output of a build, read from its file."""

from __future__ import annotations

import codecs
from pathlib import Path

from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.facts.build import BuildLog
from pytest_deploycheck.oci.builds.log import parse_build_log


def read_build_log(path: Path, source: str) -> BuildLog:
    """Read a build log.

    Args:
        path: The file.
        source: The option it came from, for messages.

    Raises:
        ConfigurationError: It cannot be read, or is not a build log.
    """
    try:
        return parse_build_log(_decoded(path.read_bytes()))
    except OSError as error:
        raise ConfigurationError(f"{source}: the file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(
            f"{source}: the file {path} is not a build log: {error}",
            "Give the output of `docker build`, saved by: docker build . 2>&1 | tee build.log",
        ) from error


def _decoded(content: bytes) -> str:
    """Return the text of a log; PowerShell's `>` and `tee` write UTF-16."""
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf_16 else "utf-8-sig", errors="replace")
