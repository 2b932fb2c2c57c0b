"""The versions of this software and of what it runs on, for reports."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("pytest-deploycheck", "pytest", "boto3", "botocore")


def versions() -> dict[str, str]:
    """Return the versions by name; of a package that is not installed there is none."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
