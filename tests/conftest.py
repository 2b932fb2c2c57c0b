"""What every test of the suite has."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _no_aws_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would lead a test to a real account, or change what a run of the plugin is asked."""
    for name in os.environ:
        if name.startswith(("AWS_", "DEPLOYCHECK_")):
            monkeypatch.delenv(name)
