"""The errors of an environment that cannot be observed, as its credentials are missing or do not work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.problems import problem_of

if TYPE_CHECKING:
    from botocore.session import Session as CoreSession

    from pytest_deploycheck.config.settings import EnvironmentSettings
    from pytest_deploycheck.observe.credentials.fetching import CredentialsError


def unusable(error: Exception, environment: EnvironmentSettings, about: str = "") -> EnvironmentUnusableError:
    """Return the error of an environment whose caller cannot be identified.

    Args:
        error: The error of the call.
        environment: The environment.
        about: A sentence on what else may be wrong, with a blank before it.
    """
    problem = problem_of(error, "sts:GetCallerIdentity")
    return EnvironmentUnusableError(
        f"The environment {_described(environment)} cannot be observed: {problem.message}{about}", problem.remedy
    )


def without_credentials(
    error: CredentialsError, environment: EnvironmentSettings, core: CoreSession
) -> EnvironmentUnusableError:
    """Return the error of an environment whose credentials could not be fetched."""
    return EnvironmentUnusableError(
        f"The environment {_described(environment, core)} cannot be observed: {error.message}", error.remedy
    )


def _described(environment: EnvironmentSettings, core: CoreSession | None = None) -> str:
    """Return the name of the environment with the profile and role whose credentials are used."""
    name = environment.profile or (core.get_config_variable("profile") if core else None)
    profile = f" with profile {name!r}" if name else ""
    role = f" as role {environment.role_arn}" if environment.role_arn else ""
    return f"{environment.name!r}{profile}{role}"
