"""The session of botocore whose credentials are used: those of a profile, or of a role that they assume."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import NoCredentialsError
from botocore.session import Session as CoreSession

from pytest_deploycheck.observe.read_only import guard

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import EnvironmentSettings

_CREDENTIALS_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
"""The settings of the clients that botocore itself makes to fetch credentials: its own would wait for minutes."""


def core_session(environment: EnvironmentSettings) -> CoreSession:
    """Return the session of botocore for an environment, which lets no operation pass that is not a read."""
    core = CoreSession(profile=environment.profile)
    core.set_default_client_config(_CREDENTIALS_CONFIG)
    if environment.region:
        core.set_config_variable("region", environment.region)
    guard(core)
    return core


def assume(core: CoreSession, role_arn: str, environment: EnvironmentSettings) -> None:
    """Let `core` act as `role_arn`; botocore renews the role's credentials before they expire.

    Raises:
        NoCredentialsError: There are no credentials with which the role could be assumed.
    """
    source = core.get_credentials()
    if source is None:
        raise NoCredentialsError
    extra = {"RoleSessionName": "pytest-deploycheck"}
    if environment.external_id:
        extra["ExternalId"] = environment.external_id
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(core.create_client, endpoint_url=environment.endpoint_url),
        source_credentials=source,
        role_arn=role_arn,
        extra_args=extra,
    )
    # botocore has no public way to set credentials that renew themselves; the AWS CLI's own plugins do it so.
    core._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
