"""The errors that services of AWS answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class AwsError(Exception):
    """An error as a service answers it.

    Attributes:
        code: The error code, such as `ClusterNotFoundException`.
        message: The message for people.
        status: The HTTP status.
        details: Further members of the error, as its shape in the service model has them.
    """

    def __init__(self, code: str, message: str, status: int = 400, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}


class DeniedError(AwsError):
    """The error for a call that IAM does not allow. Its code and status depend on the protocol."""
