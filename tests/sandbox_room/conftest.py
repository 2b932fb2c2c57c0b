"""A running sandbox per test module, and plain boto3 clients for it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import pytest
from botocore.config import Config

from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

_SESSION = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret")


class Clients(Protocol):
    """Makes boto3 clients."""

    def __call__(self, service: str, region: str = "us-east-1") -> Any:
        """Return a client for a service in a region."""
        ...


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    """Return a sandbox, shared by the tests of a module."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def client(aws: Sandbox) -> Clients:
    """Return what makes boto3 clients for the sandbox; they do not retry."""

    @cache
    def make(service: str, region: str = "us-east-1") -> Any:
        return _SESSION.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=aws.endpoint_url,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    return make
