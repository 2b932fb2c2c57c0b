"""The environments that could have been named, for the message where none was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.config import loading
from pytest_deploycheck.errors import ConfigurationError

if TYPE_CHECKING:
    import pytest


def environments(config: pytest.Config) -> str:
    """Return a sentence that lists the environments of the configuration, and the one that is built in."""
    try:
        file = loading.find((config.invocation_params.dir, config.rootpath))
    except ConfigurationError:
        file = None
    content = file.content if file else {}
    names = content.get("env", {}) if isinstance(content, dict) else {}
    if not file or not isinstance(names, dict) or not names:
        return f"To try it, use the one that is built in: --deploy-env={loading.BUILT_IN}."
    own = ", ".join(name for name in map(str, names) if name != loading.BUILT_IN)
    return f"{file} has: {own}; {loading.BUILT_IN} is built in." if own else f"{loading.BUILT_IN} is built in."
