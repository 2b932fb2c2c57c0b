"""The credentials of a session: they are fetched before the first call, and what keeps them away is named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, NoCredentialsError

from pytest_deploycheck.observe.api_calls import within
from pytest_deploycheck.observe.credentials.causes import FETCH_LIMIT, explain, flaw
from pytest_deploycheck.polling import Overtime

if TYPE_CHECKING:
    from botocore.session import Session as CoreSession


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
        found = credentials.get_frozen_credentials()
        parts = {"access key id": found.access_key, "secret access key": found.secret_key}
        if found.token is not None:
            parts["session token"] = found.token
        flaws = [reason for name, value in parts.items() if (reason := flaw(name, value))]
        if flaws:
            raise CredentialsError(*flaws[0])

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
    except CredentialsError:
        raise
    except Exception as error:  # noqa: BLE001  # providers raise whatever their programs, files and addresses cause
        raise CredentialsError(*explain(error, _profile(session), os.environ)) from None


def _profile(session: CoreSession) -> Mapping[str, Any]:
    """Return the profile that is in force, or an empty one where there is none."""
    try:
        return session.get_scoped_config()
    except BotoCoreError:
        return {}
