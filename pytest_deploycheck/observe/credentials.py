"""The credentials of a session: they are fetched before the first call, and what keeps them away is named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from pytest_deploycheck.observe.api_calls import within
from pytest_deploycheck.observe.problems import CallTimeoutError, problem_of
from pytest_deploycheck.polling import Overtime
from pytest_deploycheck.redaction import clean

if TYPE_CHECKING:
    from botocore.session import Session as CoreSession

FETCH_LIMIT = 18.0
"""Seconds that fetching credentials may take."""

_ACTION = "sts:GetCallerIdentity"


class CredentialsError(Exception):
    """Credentials could not be fetched; `message` names the cause, `remedy` the way out."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def fetch(session: CoreSession, overtime: Overtime) -> None:
    """Fetch the credentials of `session`, so that what fails here is not taken for a failure of a call.

    Args:
        session: The session.
        overtime: The time that calls may take.

    Raises:
        CredentialsError: They could not be fetched.
    """

    def frozen() -> None:
        credentials = session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        credentials.get_frozen_credentials()

    with explained(session):
        if "mfa_serial" in _profile(session):
            # A user may have to type a code.
            frozen()
        else:
            with overtime.step():
                within(FETCH_LIMIT, frozen, "the credentials' provider")


@contextmanager
def explained(session: CoreSession) -> Iterator[None]:
    """Turn whatever the providers of credentials raise inside the block into a `CredentialsError`."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # providers raise whatever their programs, files and addresses cause
        raise CredentialsError(*explain(error, _profile(session), os.environ)) from None


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
    if isinstance(error, BotoCoreError | ClientError):
        problem = problem_of(error, _ACTION)
        return problem.message, problem.remedy
    said = clean(str(error).strip().rstrip("."), 200)
    program = profile.get("credential_process")
    token_file = profile.get("web_identity_token_file") or environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    address = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if isinstance(error, OSError) and token_file and error.filename == token_file:
        return (
            f"The web identity token file cannot be read: {said}.",
            "Check AWS_WEB_IDENTITY_TOKEN_FILE; in Kubernetes and CI it is mounted for the job's service account.",
        )
    if "mfa_serial" in profile and isinstance(error, EOFError | OSError | Warning):
        return (
            f"The profile asks for an MFA code (mfa_serial = {profile['mfa_serial']}), and there is no terminal to "
            "type it in.",
            "Use credentials that need no MFA here, or get a session first (aws sts get-session-token) and give its "
            "keys in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.",
        )
    if program and isinstance(error, OSError):
        return (
            f"The program of credential_process cannot be run: {said}.",
            "Install it on this machine, or fix credential_process in ~/.aws/config.",
        )
    if program:
        # What it printed may be a credential.
        return (
            "The program of credential_process printed no credentials in the JSON form that AWS defines "
            f"({type(error).__name__}).",
            "Run the command of credential_process by hand; it must print Version, AccessKeyId and SecretAccessKey.",
        )
    if address and isinstance(error, ValueError):
        return (
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI ({clean(address, 200)}) is not an address that credentials are "
            f"fetched from: {said}.",
            "Unset it, or use https, the loopback address or the address of the container's agent.",
        )
    return (
        f"The credentials could not be fetched: {type(error).__name__}: {said}.",
        "Check the profile in ~/.aws/config, and the variables that begin with AWS_.",
    )


def _profile(session: CoreSession) -> Mapping[str, Any]:
    """Return the profile that is in force, or an empty one where there is none."""
    try:
        return session.get_scoped_config()
    except BotoCoreError:
        return {}
