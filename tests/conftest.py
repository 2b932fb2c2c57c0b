"""What every test of the suite has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from unittest import mock

import pytest
from botocore.loaders import create_loader

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True, scope="session")
def _models_are_read_once() -> Iterator[None]:
    """Let botocore's sessions share what they read of AWS's models: reading them anew is most of a short run."""
    with mock.patch("botocore.session.create_loader", lru_cache(create_loader)):
        yield


@pytest.fixture(autouse=True)
def _no_aws_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would lead a test to a real account, or change what a run of the plugin is asked."""
    for name in os.environ:
        if name.startswith(("AWS_", "DEPLOYCHECK_")):
            monkeypatch.delenv(name)
