"""A running sandbox per test module, and plain boto3 clients for it."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import pytest
from botocore.config import Config

from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox import SandboxService

_NUMBERS = count(1)
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
            config=Config(retries={"total_max_attempts": 1}, proxies={}, inject_host_prefix=False),
        )

    return make


@pytest.fixture
def service(aws: Sandbox) -> SandboxService:
    """Return a service of two tasks whose log group `/ecs/NAME` is empty."""
    name = f"talker-{next(_NUMBERS)}"
    aws.push_image(f"{name}:1", {"a": "1"})
    return aws.create_service(name, cluster=name, image=f"{name}:1", desired=2, at=aws.now() - timedelta(hours=1))
