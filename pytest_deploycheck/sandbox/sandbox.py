"""The sandbox: its controls, its state and the endpoint that serves it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.sandbox.api.faults import Call, Faults
from pytest_deploycheck.sandbox.api.policy import parse_policy
from pytest_deploycheck.sandbox.api.rates import RateLimits
from pytest_deploycheck.sandbox.api.server import Application, Server
from pytest_deploycheck.sandbox.controls.faults import FaultControls
from pytest_deploycheck.sandbox.controls.logs import LogControls
from pytest_deploycheck.sandbox.controls.monitoring import MonitoringControls
from pytest_deploycheck.sandbox.controls.registries import RegistryControls
from pytest_deploycheck.sandbox.controls.services import ServiceControls
from pytest_deploycheck.sandbox.controls.targets import TargetControls
from pytest_deploycheck.sandbox.profiles import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Profiles
from pytest_deploycheck.sandbox.world.account import Account
from pytest_deploycheck.sandbox.world.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Self


class Sandbox(FaultControls, LogControls, MonitoringControls, RegistryControls, ServiceControls, TargetControls):
    """AWS in this process: ECR, ECS, CloudWatch and load balancers with the answers of AWS, on a loopback port.

    The methods below create its resources, which boto3 reads over HTTP. moto answers for STS and for the other
    operations of load balancers. Only one sandbox runs at a time in a process.

    Example:
        ```python
        with Sandbox() as aws:
            aws.push_image("shop-backend:latest", {"app/main.py": "print('hello')"})
            service = aws.create_service("shop", cluster="shop-cluster", image="shop-backend:latest")
            service.log("hello")
            ecs = boto3.client("ecs", region_name="us-east-1", endpoint_url=aws.endpoint_url)
        ```

    Attributes:
        account: The account of the callers.
        region: The region in which resources are created unless another is given.
    """

    def __init__(
        self,
        *,
        account: str = "123456789012",
        region: str = "us-east-1",
        clock_offset: timedelta = timedelta(0),
        profiles: Sequence[str] = (),
    ) -> None:
        """Create an empty sandbox, which serves nothing yet.

        Args:
            account: The account of the callers.
            region: The region in which resources are created unless another is given.
            clock_offset: The time by which AWS's clock is ahead of this machine's.
            profiles: The profiles that a configuration names with `profile`; each leads to the sandbox.
        """
        self._world = World(Account(account, region, clock_offset))
        self.account = account
        self.region = region
        self._faults = Faults(account)
        self._limits = RateLimits()
        self._application = Application(self._world, self._faults, self._limits, lambda: self.latency)
        self._server: Server | None = None
        self._profiles = Profiles(profiles, region)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, port: int = 0) -> None:
        """Start to serve, with everything that was created before.

        Args:
            port: The port of the loopback interface; 0 is a free one.

        Raises:
            OSError: If the port is in use.
        """
        if self._server is None:
            self._server = Server(self._application, port)
            self._world.endpoint_url = self._server.url
            self._server.start()

    def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._profiles.remove()

    @property
    def endpoint_url(self) -> str:
        """The URL of the sandbox.

        Raises:
            ValueError: If the sandbox is not started.
        """
        if self._server is None:
            raise ValueError("The sandbox is not started: use it in a with statement, or call start()")
        return self._server.url

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which boto3, also in a subprocess, uses the sandbox and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_CONFIG_FILE": self._profiles.file,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Live Tail puts `stream-` before the host, which does not work with a loopback address.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def enforce_policy(self, policy: Mapping[str, Any] | None) -> None:
        """Refuse the calls that an IAM policy does not allow, by their actions, resources and clusters.

        Args:
            policy: The policy as a document of IAM, with a `Statement`; None allows every call again.

        Raises:
            ValueError: If it has an element that is not evaluated, such as `NotAction` or a Deny statement.
        """
        self._application.policy = parse_policy(policy) if policy is not None else None
        self._application.refused.clear()

    @property
    def refused_calls(self) -> list[Call]:
        """The calls that the enforced policy has refused, oldest first."""
        return self._application.refused

    def now(self) -> datetime:
        """Return the time of the sandbox, in UTC."""
        return self._world.account.now()

    @property
    def service_deployments(self) -> bool:
        """True if ECS has service deployments and revisions; set it to False to resemble simple emulators."""
        return self._world.service_deployments

    @service_deployments.setter
    def service_deployments(self, known: bool) -> None:
        self._world.service_deployments = known

    @property
    def calls(self) -> list[Call]:
        """The calls that arrived, oldest first; clear the list to count from zero."""
        return self._application.calls
