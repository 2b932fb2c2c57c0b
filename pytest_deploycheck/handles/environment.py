"""The environment, as a test holds it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from msgspec import Struct

from pytest_deploycheck.config.settings import ServiceSettings
from pytest_deploycheck.handles.http_wait import HttpWait
from pytest_deploycheck.observe.http.answer import HttpAnswer


class DeployEnvironment(Struct, frozen=True):
    """The environment that is verified.

    Attributes:
        name: Its name in the configuration.
        account: AWS account id.
        region: AWS region.
        cluster: Name or ARN of the ECS cluster.
        base_url: Where the deployed application answers, or None.
        services: The settings of the services of the environment, by their names.
    """

    name: str
    account: str
    region: str
    cluster: str
    base_url: str | None
    services: Mapping[str, ServiceSettings]
    _open_client: Callable[[str, str | None, Collection[str]], Any]
    _http: HttpWait

    def client(self, service: str, *, region: str | None = None, allow: Collection[str] = ()) -> Any:
        """Open a boto3 client with the environment's credentials, region and endpoint, that reads and nothing else.

        Operations that are not named like reads (Get, List, Describe, Head, BatchGet, Query, Scan, Select, Search,
        Lookup), and those known to write or to hand out secrets, raise RefusedOperationError before anything is sent.

        Args:
            service: The service, by the name that boto3.client() takes, such as `dynamodb`.
            region: Another region than the environment's.
            allow: Operations that hand out secrets and may be called nevertheless, such as `GetSecretValue`; of
                `GetParameter`, with decryption.

        Raises:
            pytest_deploycheck.errors.ConfigurationError: The service or an operation of `allow` is not known, or
                changes something.
        """
        return self._open_client(service, region, allow)

    def wait_for_http(
        self,
        path: str,
        *,
        status: int | Collection[int] = 200,
        json: Any = None,
        timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Send GET requests to the application until it answers as expected, and return that answer.

        Args:
            path: The path below `base_url`, such as `/health`, or a whole URL.
            status: The expected status, or several of which one is expected. Redirects are followed, unless one is
                expected.
            json: The JSON that the body has to contain: of objects these members, of lists all items in their order.
            timeout: Seconds to wait for such an answer; the wait ends before the time limit of the test.
            headers: Headers to send.

        Raises:
            AssertionError: Answers came, and the last one was not as expected; the message shows it.
            UnprovenError: Nobody answered.
            pytest_deploycheck.errors.ConfigurationError: The environment has no `base_url`.
        """
        return self._http.wait_for(path, status=status, json=json, timeout=timeout, headers=headers or {})

    def __repr__(self) -> str:
        return f"<environment {self.name}: account {self.account}, {self.region}, cluster {self.cluster}>"
