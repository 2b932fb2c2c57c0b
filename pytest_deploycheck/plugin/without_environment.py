"""The environments that could have been named, for the message where none was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.config.loading import find
from pytest_deploycheck.config.options import SANDBOX_ENVIRONMENT
from pytest_deploycheck.errors import ConfigurationError

if TYPE_CHECKING:
    import pytest


def environments(config: pytest.Config) -> str:
    """Return a sentence that lists the environments of the configuration, and the one that is built in."""
    try:
        file = find((config.invocation_params.dir, config.rootpath))
    except ConfigurationError:
        file = None
    if not file or not file.environment_names:
        return f"To try it, use the one that is built in: --deploy-env={SANDBOX_ENVIRONMENT}."
    own = ", ".join(name for name in file.environment_names if name != SANDBOX_ENVIRONMENT)
    return f"{file} has: {own}; {SANDBOX_ENVIRONMENT} is built in." if own else f"{SANDBOX_ENVIRONMENT} is built in."
