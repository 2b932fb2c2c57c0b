"""The environment, as a test holds it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from pytest_deploycheck.config.settings import ServiceSettings


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
