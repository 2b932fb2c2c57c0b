"""The credentials that `docker login` left on this machine."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from pytest_deploycheck.observe.registry.secrets import Secret

HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
"""The names of Docker Hub."""

_HUB_KEY = "https://index.docker.io/v1/"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HELPER_SECONDS = 10.0
_LARGEST_CONFIG = 1024 * 1024
_TOKEN_USER = "<token>"


class Credentials(Struct, frozen=True):
    """The credentials for a registry.

    Attributes:
        username: The user, or an empty string.
        password: The password, or an empty string.
        identity_token: A token to get other tokens with, instead of a password; or an empty string.
    """

    username: str = ""
    password: Secret = Secret()
    identity_token: Secret = Secret()

    @property
    def basic(self) -> Secret:
        """The value of an Authorization header with user and password."""
        pair = f"{self.username}:{self.password}".encode()
        return Secret(f"Basic {base64.b64encode(pair).decode()}")


class Found(Struct, frozen=True):
    """The credentials for a registry in docker's configuration.

    Attributes:
        credentials: The credentials, or None where there are none: then the registry is asked anonymously.
        note: Where they come from, or why there are none; for messages.
    """

    credentials: Credentials | None
    note: str


def find(host: str, *, timeout: float = _HELPER_SECONDS) -> Found:
    """Find the credentials for a registry in the order of docker.

    A credential helper of the registry comes first, then the credential store, then the file itself. What
    cannot be read counts as missing, and the note names it.

    Args:
        host: Host (and port) of the registry.
        timeout: Seconds that a credential helper may take.
    """
    file = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        config = _read(file)
    except FileNotFoundError:
        return Found(None, "anonymously, as docker has no configuration")
    except (OSError, ValueError, RecursionError):
        return Found(None, "anonymously, as docker's configuration cannot be read")
    helper = _entry(config.get("credHelpers"), host) or config.get("credsStore")
    failure = ""
    if isinstance(helper, str) and helper:
        found = _ask_helper(helper, _HUB_KEY if host in HUB_HOSTS else host, timeout)
        if isinstance(found, Credentials):
            return Found(found, f"with the credentials of docker-credential-{helper}")
        failure = found
    credentials = _decoded(_entry(config.get("auths"), host))
    if credentials:
        return Found(credentials, "with the credentials of docker's configuration")
    return Found(None, f"anonymously, as {failure or f'docker has no credentials for {host}'}")


def _read(file: Path) -> Mapping[str, Any]:
    with file.open("rb") as opened:
        config = json.loads(opened.read(_LARGEST_CONFIG))
    if not isinstance(config, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - as any other file that is not understood
    return config


def _entry(table: object, host: str) -> Any:
    """Return the entry for a host in a table of docker's configuration, however its key is written."""
    if not isinstance(table, dict):
        return None
    names = HUB_HOSTS if host in HUB_HOSTS else {host}
    return next((value for key, value in table.items() if _host_of(str(key)) in names), None)


def _host_of(key: str) -> str:
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]


def _decoded(entry: Any) -> Credentials | None:
    if not isinstance(entry, dict):
        return None
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        try:
            pair = base64.b64decode(str(entry["auth"])).decode()
        except ValueError:
            return None
        # Docker itself pads what it encodes with zero bytes.
        username, _, password = pair.rstrip("\0").partition(":")
    token = str(entry.get("identitytoken") or "")
    if not token and not (username and password):
        return None
    return Credentials(username, Secret(password), Secret(token))


def _ask_helper(helper: str, server: str, timeout: float) -> Credentials | str:
    """Return the credentials of a credential helper for a registry, or the reason why it has none."""
    name = f"docker-credential-{helper}"
    program = shutil.which(name) if _HELPER.fullmatch(helper) else None
    if program is None:
        return f"the credential helper {name!r} is not on the PATH"
    try:
        finished = subprocess.run(  # noqa: S603 - the user's own docker configuration names it
            [program, "get"], input=server.encode(), capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{name} gave no answer within {timeout:g} s"
    except OSError as error:
        return f"{name} could not be started ({type(error).__name__})"
    if finished.returncode != 0:
        # Its output names the error; "not found" is the usual case, and others can contain secrets.
        return f"{name} has no credentials for {server}"
    try:
        answer = json.loads(finished.stdout)
        username, secret = str(answer["Username"]), Secret(answer["Secret"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"{name} gave an unreadable answer"
    if username == _TOKEN_USER:
        return Credentials(identity_token=secret)
    return Credentials(username, secret) if username and secret else f"{name} has no credentials for {server}"
