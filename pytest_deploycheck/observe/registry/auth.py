"""The authentication at a registry: the challenge of its 401, a token server, or a password."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from pytest_deploycheck.observe.registry.credentials import Credentials, Found
from pytest_deploycheck.observe.registry.errors import BlobError, RequestSubject, failed
from pytest_deploycheck.observe.registry.http import Request
from pytest_deploycheck.observe.registry.secrets import Secret
from pytest_deploycheck.observe.registry.web import Web

_CHALLENGE = re.compile(r"\b(Bearer|Basic)\b((?:[\s,]*[a-z_]+=(?:\"[^\"]*\"|[^\s,\"]+))*)", re.IGNORECASE)
_PARAMETER = re.compile(r"([a-z_]+)=(?:\"([^\"]*)\"|([^\s,\"]+))", re.IGNORECASE)
_TOKEN = re.compile(r"[\x21-\x7e]+")
_CLIENT = "pytest-deploycheck"
_LARGEST_ANSWER = 1024 * 1024
_LIFETIME = 60
"""Seconds that a token is valid where its server names none."""
_MARGIN = 10
"""Seconds before its end from which on a token is not used any more."""


class Place(NamedTuple):
    """A repository of a registry, for which a token is valid."""

    host: str
    repository: str


class Authorizer:
    """Provides the Authorization headers for requests to registries.

    Args:
        web: The connections to token servers.
        credentials: Finds the credentials for a host.
        monotonic: Seconds since some fixed moment.
    """

    def __init__(
        self, web: Web, credentials: Callable[[str], Found], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._web = web
        self._find = credentials
        self._monotonic = monotonic
        self._found: dict[str, Found] = {}
        self._headers: dict[Place, tuple[Secret, float]] = {}

    def known(self, place: Place) -> Secret | None:
        """Return a known Authorization header for a repository that is still valid, or None."""
        header, until = self._headers.get(place, (None, 0.0))
        return header if self._monotonic() < until else None

    def answer(self, challenges: Sequence[str], place: Place, subject: RequestSubject) -> Secret | None:
        """Return the Authorization header for a registry's challenge, or None without credentials for it.

        Raises:
            BlobError: The token server refuses, or may not be trusted with credentials.
            PassingError: The error can be temporary.
        """
        offered = {scheme.lower(): _parameters(text) for scheme, text in _CHALLENGE.findall(", ".join(challenges))}
        credentials = self.found(place.host).credentials
        if "bearer" in offered:
            header, lifetime = self._token(offered["bearer"], credentials, place, subject)
        elif "basic" in offered and credentials and credentials.password:
            header, lifetime = credentials.basic, float("inf")
        else:
            return None
        self._headers[place] = (header, self._monotonic() + lifetime)
        return header

    def found(self, host: str) -> Found:
        """The credentials for a registry, looked for once."""
        if host not in self._found:
            self._found[host] = self._find(host)
        return self._found[host]

    def _token(
        self, challenge: dict[str, str], credentials: Credentials | None, place: Place, subject: RequestSubject
    ) -> tuple[Secret, float]:
        request = _token_request(challenge, credentials, place, subject)
        with self._web.ask(request, subject) as reply:
            # A token server's 404 is not about the image.
            is_there = reply.status != HTTPStatus.NOT_FOUND
            if is_there:
                reply.check()
            token, lifetime = _read_token(reply.content(_LARGEST_ANSWER)) if is_there else (Secret(), 0.0)
        if not token:
            message = f"{subject.thing} could not be requested: the token server of {place.host} gave no token"
            raise BlobError(failed(subject, "NoToken", message, "Check which server answers there, and run again."))
        return Secret(f"Bearer {token}"), lifetime - _MARGIN


def _token_request(
    challenge: dict[str, str], credentials: Credentials | None, place: Place, subject: RequestSubject
) -> Request:
    """Return the request for a token.

    Raises:
        BlobError: The registry names a token server that must not be asked.
    """
    realm = challenge.get("realm", "")
    if not _is_safe(realm, place.host):
        message = f"{subject.thing} could not be requested: {place.host} names a token server that is not safe to ask"
        raise BlobError(
            failed(subject, "UnsafeRealm", message, "Check which server answers under the name of the registry.")
        )
    scope = challenge.get("scope") or f"repository:{place.repository}:pull"
    wanted = {"scope": scope, **({"service": challenge["service"]} if challenge.get("service") else {})}
    if credentials and credentials.identity_token:
        form = {"grant_type": "refresh_token", "refresh_token": credentials.identity_token, "client_id": _CLIENT}
        return Request(realm, {"Content-Type": "application/x-www-form-urlencoded"}, {**form, **wanted})
    joined = "&" if "?" in realm else "?"
    authorization = credentials.basic if credentials else None
    return Request(f"{realm}{joined}{urlencode(wanted)}").having(Authorization=authorization)


def _is_safe(realm: str, host: str) -> bool:
    """Return True if a token server may receive credentials for the registry `host`."""
    try:
        parts = urlsplit(realm)
    except ValueError:
        return False
    return bool(parts.netloc) and (parts.scheme == "https" or (parts.scheme == "http" and is_local(host)))


def _read_token(content: bytes) -> tuple[Secret, float]:
    """Return the token of a token server and the seconds it is valid; empty without a token that can be sent."""
    try:
        answer = json.loads(content)
        token = Secret(answer.get("token") or answer.get("access_token") or "")
        lifetime = float(answer.get("expires_in") or _LIFETIME)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Secret(), 0.0
    return token if _TOKEN.fullmatch(token) else Secret(), lifetime


def is_local(host: str) -> bool:
    """Return True if a registry is on this machine, where TLS is not used."""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    return name in {"localhost", "127.0.0.1", "[::1]"}


def _parameters(text: str) -> dict[str, str]:
    return {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(text)}
