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
"""The protocols in which versions of botocore call CloudWatch."""

_NUMBERS = count(1)
_SESSION = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret")


class Clients(Protocol):
    """Makes boto3 clients."""

    def __call__(self, service: str, region: str = "us-east-1") -> Any:
        """Return a client for a service in a region."""
        ...


class _Narrowing:
    """A loader of botocore that returns one model in place of that of the service."""

    def __init__(self, loader: Any, model: dict[str, Any]) -> None:
        self._loader = loader
        self._model = model

    def load_service_model(self, service: str, kind: str, *arguments: Any, **more: Any) -> Any:
        """Return the model in place of the operations of a service."""
        if kind == "service-2":
            return self._model
        return self._loader.load_service_model(service, kind, *arguments, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class ProtocolClients(Protocol):
    """Makes botocore clients of one protocol."""

    def __call__(self, service: str, protocol: str) -> Any:
        """Return a client for a service that uses this protocol and no other."""
        ...


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    """Return a sandbox, shared by the tests of a module."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def client(aws: Sandbox) -> Clients:
    """Return a factory of boto3 clients for the sandbox, which do not retry."""

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
def protocol_client(aws: Sandbox) -> ProtocolClients:
    """Return a factory of botocore clients of one protocol, which do not retry."""

    @cache
    def make(service: str, protocol: str) -> Any:
        session = botocore.session.Session()
        loader = session.get_component("data_loader")
        model = loader.load_service_model(service, "service-2")
        if protocol not in model["metadata"]["protocols"]:
            pytest.skip(f"This botocore does not call {service} in {protocol}")
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
    name = f"logging-{next(_NUMBERS)}"
    aws.push_image(f"{name}:1", {"a": "1"})
    return aws.create_service(name, cluster=name, image=f"{name}:1", desired=2, at=aws.now() - timedelta(hours=1))
