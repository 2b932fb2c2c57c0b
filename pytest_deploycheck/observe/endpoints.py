"""The endpoints that variables or a profile set in place of AWS's own."""

from __future__ import annotations

import os

from botocore.config import Config
from botocore.session import Session

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
