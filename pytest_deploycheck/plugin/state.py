"""What the parts of the plugin share: the run, where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck.plugin.run import DeployRun

RUN: pytest.StashKey[DeployRun] = pytest.StashKey()


def run_of(config: pytest.Config) -> DeployRun | None:
    """The run of this session, or None where no environment was given."""
    return config.stash.get(RUN, None)
