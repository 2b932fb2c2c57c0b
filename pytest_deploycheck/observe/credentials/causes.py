"""The causes why credentials cannot be fetched, each named for what it is, and their remedies."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from pytest_deploycheck.observe.problems import CallTimeoutError, problem_of
from pytest_deploycheck.redaction import one_line

FETCH_LIMIT = 18.0
"""Seconds that fetching credentials may take."""

_ACTION = "sts:GetCallerIdentity"

_PROCESS_PRINTS = (
    "Run the command of credential_process by hand; it must print Version, AccessKeyId and SecretAccessKey as JSON."
)
_LOGIN = "Run: aws sso login"
_CHECK_PROFILE = "Check the profile in ~/.aws/config, and the variables that begin with AWS_."


class _Source(Enum):
    """A provider of credentials."""

    PROCESS = "credential_process"
    SSO = "SSO"
    TOKEN_FILE = "web identity"
    CONTAINER = "the container's endpoint"
    INSTANCE = "the instance's metadata"


_CLASSES = {
    "ProcessProvider": _Source.PROCESS,
    "SSOTokenLoader": _Source.SSO,
    "SSOTokenProvider": _Source.SSO,
    "SSOProvider": _Source.SSO,
    "SSOCredentialFetcher": _Source.SSO,
    "FileWebIdentityTokenLoader": _Source.TOKEN_FILE,
    "AssumeRoleWithWebIdentityCredentialFetcher": _Source.TOKEN_FILE,
    "ContainerProvider": _Source.CONTAINER,
    "ContainerMetadataFetcher": _Source.CONTAINER,
    "InstanceMetadataProvider": _Source.INSTANCE,
    "InstanceMetadataFetcher": _Source.INSTANCE,
    "IMDSFetcher": _Source.INSTANCE,
}
"""The classes of botocore in which an error is raised, also where another profile leads to them."""

_NO_CREDENTIALS_IN = {
    "Ec2InstanceMetadata": "It works on an EC2 instance with an instance profile, without AWS_EC2_METADATA_DISABLED.",
    "EcsContainer": "It works in a container that ECS or EKS gives a role, by AWS_CONTAINER_CREDENTIALS_RELATIVE_URI.",
    "Environment": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
}
"""The remedies by the name of a `credential_source`."""


def explain(error: Exception, profile: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the cause why credentials could not be fetched, and its remedy.

    Args:
        error: The error that botocore, or a provider of credentials, raised.
        profile: The profile of ~/.aws/config that is in force.
        environ: The environment variables.
    """
    if isinstance(error, CallTimeoutError):
        return (
            f"The credentials could not be fetched within {FETCH_LIMIT:g} seconds.",
            "Check the network of this machine and the provider of the credentials (credential_process, SSO, sts or "
            "the metadata endpoint).",
        )
    if "mfa_serial" in profile and (isinstance(error, EOFError | Warning) or _is_of_files(error)):
        return (
            f"The profile asks for an MFA code (mfa_serial = {profile['mfa_serial']}), and there is no terminal to "
            "type it in.",
            "Use credentials that need no MFA here, or get a session first (aws sts get-session-token) and give its "
            "keys in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.",
        )
    if isinstance(error, RuntimeError) and "expired" in str(error):
        return (
            "The provider of the credentials returned credentials that have expired.",
            "Check the clock of this machine, and the provider: credential_process, the role or the metadata endpoint.",
        )
    found = _of_profile(error, profile) or _of_source(error, environ)
    if found:
        return found
    if isinstance(error, BotoCoreError | ClientError):
        problem = problem_of(error, _ACTION)
        return problem.message, problem.remedy
    return f"The credentials could not be fetched: {type(error).__name__}: {_said(error)}.", _CHECK_PROFILE


def flaw(name: str, value: object) -> tuple[str, str] | None:
    """Return the reason why a part of the credentials cannot be sent, and the remedy; None where it can.

    Args:
        name: The part, such as "session token".
        value: Its value, which is not shown.
    """
    if isinstance(value, str) and value and not any(one.isspace() or not one.isprintable() for one in value):
        return None
    what = "holds a blank or a line break" if isinstance(value, str) and value else "is not a text"
    return (
        f"The {name} of the credentials {what}.",
        "Check the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and the provider of the "
        "credentials: a line break at the end is the usual cause.",
    )


def _of_profile(error: Exception, profile: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return cause and remedy where the profile itself lacks something."""
    if isinstance(error, boto.PartialCredentialsError) and error.kwargs.get("provider") == "assume-role":
        return (
            "The profile names a role (role_arn), and no credentials with which it can be assumed.",
            "Add source_profile or credential_source to the profile in ~/.aws/config.",
        )
    source = error.kwargs.get("provider") if isinstance(error, boto.CredentialRetrievalError) else None
    if source in _NO_CREDENTIALS_IN and "credential_source" in str(error):
        return (
            f"The profile takes the credentials for its role from {source} (credential_source), and there are none.",
            _NO_CREDENTIALS_IN[source],
        )
    lacking = [name for name in ("sso_account_id", "sso_role_name") if name not in profile]
    if isinstance(error, boto.NoCredentialsError) and lacking and {"sso_session", "sso_start_url"} & set(profile):
        return (
            f"The profile signs in by SSO, and lacks {' and '.join(lacking)}.",
            "Add what is missing to the profile in ~/.aws/config (aws configure sso).",
        )
    return None


def _of_source(error: Exception, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return cause and remedy by the provider of credentials in which an error was raised."""
    match _source_of(error):
        case _Source.PROCESS:
            return _of_process(error)
        case _Source.SSO:
            return _of_sso(error)
        case _Source.TOKEN_FILE:
            return _of_token_file(error)
        case _Source.CONTAINER:
            return _of_container(error, environ)
        case _Source.INSTANCE if isinstance(error, boto.InvalidIMDSEndpointError | boto.InvalidIMDSEndpointModeError):
            return f"The address of the instance's metadata is not valid: {_said(error)}.", _CHECK_PROFILE
        case _Source.INSTANCE:
            return (
                f"The instance's metadata gave no credentials: {_said(error)}.",
                "Check the instance profile, and that the metadata service answers (its hop limit, in a container).",
            )
    return None


def _source_of(error: Exception) -> _Source | None:
    """Return the provider in which an error was raised: the innermost of those that led to it."""
    provider = error.kwargs.get("provider") if isinstance(error, boto.CredentialRetrievalError) else None
    found = {"custom-process": _Source.PROCESS, "container-role": _Source.CONTAINER}.get(str(provider))
    traceback = error.__traceback__
    while traceback:
        name = traceback.tb_frame.f_code.co_qualname.partition(".")[0]
        found = _CLASSES.get(name, found)
        traceback = traceback.tb_next
    return found


def _of_process(error: Exception) -> tuple[str, str] | None:
    if isinstance(error, boto.CredentialRetrievalError):
        said = _said(error).partition("custom-process: ")[2] or _said(error)
        return f"The program of credential_process failed: {said}.", _PROCESS_PRINTS
    if _is_of_files(error):
        return (
            f"The program of credential_process cannot be run: {_said(error)}.",
            "Install it on this machine, or fix credential_process in ~/.aws/config.",
        )
    if isinstance(error, IndexError):
        return "credential_process is empty.", "Name a program in ~/.aws/config, or remove the key."
    if "quotation" in str(error):
        return (
            f"The command of credential_process cannot be parsed: {_said(error)}.",
            "Close its quotation marks in ~/.aws/config.",
        )
    # What it printed may be a credential.
    return (
        "The program of credential_process printed no credentials in the JSON form that AWS defines "
        f"({type(error).__name__}).",
        _PROCESS_PRINTS,
    )


def _of_sso(error: Exception) -> tuple[str, str] | None:
    if isinstance(error, ClientError):
        problem = problem_of(error, "sso:GetRoleCredentials")
        return (
            f"SSO gives no credentials of the role: {problem.message}",
            "Check sso_account_id and sso_role_name of the profile, and that the user may take on this role.",
        )
    is_missing = isinstance(error, boto.SSOTokenLoadError) and "does not exist" in str(error)
    if is_missing or (isinstance(error, BotoCoreError) and not _is_of_cache(error)):
        return None
    if isinstance(error, KeyError | FileNotFoundError):
        return "The token that a login to SSO left on this machine is missing or damaged (~/.aws/sso/cache).", _LOGIN
    return (
        f"The token that a login to SSO left on this machine is damaged (~/.aws/sso/cache, {type(error).__name__}).",
        _LOGIN,
    )


def _is_of_cache(error: BotoCoreError) -> bool:
    return isinstance(error, boto.SSOTokenLoadError | boto.ParamValidationError)


def _of_token_file(error: Exception) -> tuple[str, str] | None:
    remedy = "Check AWS_WEB_IDENTITY_TOKEN_FILE; in Kubernetes and CI it is mounted for the job's service account."
    if _is_of_files(error):
        return f"The web identity token file cannot be read: {_said(error)}.", remedy
    if isinstance(error, UnicodeDecodeError):
        return "The web identity token file holds no token: it is not a text.", remedy
    if isinstance(error, boto.ParamValidationError) and "WebIdentityToken" in str(error):
        return "The web identity token file holds no token: it is empty or too short.", remedy
    if isinstance(error, ClientError):
        problem = problem_of(error, "sts:AssumeRoleWithWebIdentity")
        return (
            f"AWS does not take the web identity token: {problem.message}",
            "Check the age and the audience of the token, and that the role (role_arn, AWS_ROLE_ARN) trusts its issuer "
            "and subject.",
        )
    return None


def _of_container(error: Exception, environ: Mapping[str, str]) -> tuple[str, str] | None:
    address = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if _is_of_files(error):
        return (
            f"The token for the container's credentials cannot be read: {_said(error)}.",
            "Check AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.",
        )
    if isinstance(error, ValueError) and "token" in str(error).lower():
        # Which of its characters is wrong is not shown: it is a credential.
        return (
            "The token for the container's credentials holds characters that cannot be sent, such as a line break.",
            "Check AWS_CONTAINER_AUTHORIZATION_TOKEN and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.",
        )
    if isinstance(error, ValueError) and address:
        return (
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI ({one_line(address, 200)}) is not an address that credentials are "
            f"fetched from: {_said(error)}.",
            "Unset it, or use https, the loopback address or the address of the container's agent.",
        )
    said = _said(error).partition("container-role: ")[2] or _said(error)
    return (
        f"The container's endpoint gave no credentials: {said}.",
        "Check the role of the task or pod, and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or "
        "AWS_CONTAINER_CREDENTIALS_FULL_URI: outside of such a container they must not be set.",
    )


def _is_of_files(error: Exception) -> bool:
    """Return True for an error of the operating system: botocore's of the network are derived from those as well."""
    return isinstance(error, OSError) and not isinstance(error, BotoCoreError)


def _said(error: Exception) -> str:
    """Return the message of an error, fit to be shown in a sentence."""
    return one_line(str(error).strip().rstrip("."), 300)
