"""A running sandbox per test module, and plain boto3 clients for it."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import botocore.session
import pytest
from botocore.config import Config

from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox import SandboxService

PROTOCOLS = ("json", "smithy-rpc-v2-cbor", "query")
"""The protocols that versions of botocore speak to CloudWatch."""

_NUMBERS = count(1)
_SESSION = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret")


class Clients(Protocol):
    """Makes boto3 clients."""

    def __call__(self, service: str, region: str = "us-east-1") -> Any:
        """Return a client for a service in a region."""
        ...


class _Narrowing:
    """A loader of botocore's that gives one model in place of the service's own."""

    def __init__(self, loader: Any, model: dict[str, Any]) -> None:
        self._loader = loader
        self._model = model

    def load_service_model(self, service: str, kind: str, *arguments: Any, **more: Any) -> Any:
        """Return the model where a service's operations are asked for."""
        if kind == "service-2":
            return self._model
        return self._loader.load_service_model(service, kind, *arguments, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class Speakers(Protocol):
    """Makes botocore clients that speak a protocol."""

    def __call__(self, service: str, protocol: str) -> Any:
        """Return a client for a service that speaks this protocol and no other."""
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


@pytest.fixture(scope="module")
def speaker(aws: Sandbox) -> Speakers:
    """Return what makes botocore clients that speak a protocol; they do not retry."""

    @cache
    def make(service: str, protocol: str) -> Any:
        session = botocore.session.Session()
        loader = session.get_component("data_loader")
        model = loader.load_service_model(service, "service-2")
        if protocol not in model["metadata"]["protocols"]:
            pytest.skip(f"This botocore does not speak {protocol} to {service}")
        # A client chooses its protocol by the model; the loader, and so its models, are shared by all tests.
        narrowed = {**model, "metadata": {**model["metadata"], "protocols": [protocol]}}
        session.register_component("data_loader", _Narrowing(loader, narrowed))
        return session.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=aws.endpoint_url,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    return make


@pytest.fixture
def service(aws: Sandbox) -> SandboxService:
    """Return a service of two tasks whose log group `/ecs/NAME` is empty."""
    name = f"talker-{next(_NUMBERS)}"
    aws.push_image(f"{name}:1", {"a": "1"})
    return aws.create_service(name, cluster=name, image=f"{name}:1", desired=2, at=aws.now() - timedelta(hours=1))
