"""The endpoints of AWS that botocore knows, and those that variables or a profile set in their place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.session import Session

from pytest_deploycheck.facts.image import Registry
from pytest_deploycheck.oci.registry_hosts import RegistryHosts

_SERVICES = ("sts", "ecs", "ecr", "logs", "elbv2", "cloudwatch")
"""The services that are asked, by botocore's names for them."""

_VARIABLES = "AWS_ENDPOINT_URL"
"""The beginning of the names of the variables that set an endpoint, for all services or for one."""

_KEYS = frozenset({"endpoint_url", "services"})
"""The keys of a profile that may set one."""


def configured_endpoint(core: Session, region: str) -> str | None:
    """Return the endpoint that variables or the profile set: of several, all of them; None where none is set.

    Args:
        core: The session of botocore, which alone knows what is set for which service.
        region: The region of the environment.
    """
    names = [name for name in os.environ if name.startswith(_VARIABLES)]
    is_in_profile = bool(_KEYS.intersection(core.get_scoped_config()))
    if not names and not is_in_profile:
        return None
    if names == [_VARIABLES] and not is_in_profile and not core.get_config_variable("ignore_configured_endpoint_urls"):
        # One endpoint for all services needs no client of each to know it.
        return os.environ[_VARIABLES] or None
    endpoints: dict[str, None] = {}
    for service in _SERVICES:
        used, own = (
            str(core.create_client(service, region_name=region, config=config).meta.endpoint_url)
            for config in (Config(), Config(ignore_configured_endpoint_urls=True))  # type: ignore[call-arg]  # the stubs lack it
        )
        if used != own:
            endpoints[used] = None
    return ", ".join(endpoints) or None


def known_regions(core: Session) -> list[str]:
    """Return the regions of AWS that botocore knows."""
    return [region for one in _partitions(core) for region in one["regions"] if "global" not in region]


def partition_of(region: str) -> str:
    """Return the partition of AWS that a region is in by its name; `aws` where botocore knows none."""
    partitions = _partitions(Session())
    return next((one["id"] for one in partitions if re.match(one["regionRegex"], region)), "aws")


def registry_hosts(core: Session, home: Registry, ecr_endpoint: str) -> RegistryHosts:
    """Return the hosts that stand for ECR registries.

    Args:
        core: The session of botocore, which has the data of AWS's endpoints.
        home: The registry of the environment's own account and region.
        ecr_endpoint: The endpoint of ECR's API there.
    """
    outputs = [(one["regionRegex"], one["outputs"]) for one in _partitions(core)]
    # The hosts of dual-stack registries have a domain of their own beside that of the API.
    dual = [one["dualStackDnsSuffix"] for _, one in outputs]
    dual += [f"on.{suffix.removeprefix('api.')}" for suffix in dual]
    suffixes = tuple(dict.fromkeys([*(one["dnsSuffix"] for _, one in outputs), *dual]))
    endpoint = urlsplit(ecr_endpoint).hostname or ""
    is_aws = any(endpoint == suffix or endpoint.endswith(f".{suffix}") for suffix in suffixes)
    return RegistryHosts(
        suffixes=suffixes,
        suffix=next((one["dnsSuffix"] for regions, one in outputs if re.match(regions, home.region)), ""),
        home=home,
        emulator="" if is_aws else endpoint,
    )


def _partitions(core: Session) -> Sequence[Mapping[str, Any]]:
    partitions: Sequence[Mapping[str, Any]] = core.get_component("data_loader").load_data("partitions")["partitions"]
    return partitions
