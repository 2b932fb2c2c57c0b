"""The errors of failed connections to registries."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, cast

import pytest
from urllib3.exceptions import NewConnectionError

from pytest_deploycheck.observe.registry.errors import BlobError, PassingError, RequestSubject, broken

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

SUBJECT = RequestSubject("registry:GetBlob", "The blob of registry.example/app", "digest", "Log in.")


def unresolved(code: int) -> Exception:
    """Return the error of urllib3 for a name that was not resolved."""
    cause = socket.gaierror(code, "no address")
    with pytest.raises(NewConnectionError) as caught:
        raise NewConnectionError(cast("HTTPConnection", None), "Failed to resolve 'registry.example'") from cause
    return caught.value


def test_a_host_that_does_not_exist_is_not_tried_again() -> None:
    """No later attempt finds it; a name server that did not answer may answer later."""
    error = broken(SUBJECT, unresolved(socket.EAI_NONAME))
    assert isinstance(error, BlobError)
    assert "registry.example" in error.problem.message
    assert "emulator" in error.problem.remedy
    assert isinstance(broken(SUBJECT, unresolved(socket.EAI_AGAIN)), PassingError)
