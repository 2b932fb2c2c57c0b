"""What every test of the suite has."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from unittest import mock

import boto3
import pytest
from botocore.loaders import create_loader

import pytest_deploycheck

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True, scope="session")
def _models_are_read_once() -> Iterator[None]:
    """Let botocore's sessions share what they read of AWS's models: reading them anew is most of a short run."""
    with mock.patch("botocore.session.create_loader", lru_cache(create_loader)):
        yield


@pytest.fixture(scope="session")
def _modules_are_loaded_once() -> None:
    """Load the package, and what moto needs for a first answer.

    pytester forgets what a run in this process loads, and the next one would load it again.
    """
    for module in pkgutil.walk_packages(pytest_deploycheck.__path__, "pytest_deploycheck."):
        import_module(module.name)
    from pytest_deploycheck.sandbox import Sandbox  # noqa: PLC0415  # slow, and only these tests need it

    with Sandbox() as aws, mock.patch.dict(os.environ, aws.environ):
        boto3.Session().client("sts").get_caller_identity()


@pytest.fixture
def pytester(_modules_are_loaded_once: None, pytester: pytest.Pytester) -> pytest.Pytester:
    """Return pytest's own means to run pytest."""
    return pytester


@pytest.fixture(autouse=True)
def _no_aws_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would lead a test to a real account, or change what a run of the plugin is asked."""
    for name in os.environ:
        if name.startswith(("AWS_", "DEPLOYCHECK_")):
            monkeypatch.delenv(name)
