"""The profiles of the sandbox: a file of AWS's configuration in which each has the sandbox's credentials."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ACCESS_KEY_ID, SECRET_ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE", "sandbox"
"""The credentials of the sandbox, which takes any."""


class Profiles:
    """A file that is written when it is first asked for.

    Args:
        names: The names of the profiles.
        region: The region of each.
    """

    def __init__(self, names: Sequence[str], region: str) -> None:
        self._names = names
        self._region = region
        self._path: Path | None = None

    @property
    def file(self) -> str:
        """The path of the file; the null device where there are no profiles."""
        if not self._names:
            return os.devnull
        if self._path is None:
            handle, name = mkstemp(prefix="deploycheck-", suffix="-aws-config")
            os.close(handle)
            self._path = Path(name)
            self._path.write_text("\n".join(map(self._section, self._names)), encoding="utf-8")
        return str(self._path)

    def remove(self) -> None:
        """Delete the file."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None

    def _section(self, name: str) -> str:
        title = "default" if name == "default" else f"profile {name}"
        keys = {
            "region": self._region,
            "aws_access_key_id": ACCESS_KEY_ID,
            "aws_secret_access_key": SECRET_ACCESS_KEY,
        }
        return f"[{title}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
