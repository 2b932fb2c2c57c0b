"""Files that options name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_deploycheck.errors import ConfigurationError


def read_json(path: Path, source: str, remedy: str) -> Any:
    """Return the content of a JSON file.

    Args:
        path: The file.
        source: The option it came from, for messages.
        remedy: What to do where it cannot be read.

    Raises:
        ConfigurationError: It cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{source}: the file {path} cannot be read: {error.strerror}", remedy) from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{source}: the file {path} is not JSON: {error}", remedy) from error
