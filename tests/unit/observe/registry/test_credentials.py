from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_deploycheck.observe.registry.credentials import Credentials, find
from pytest_deploycheck.observe.registry.secrets import Secret

ANN = {"auth": base64.b64encode(b"ann:p:w").decode()}
SECRETS = Credentials("ann", Secret("p:w"))


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's folder, and nothing else of this machine's."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def write(docker: Path, **config: Any) -> None:
    """Write docker's configuration."""
    (docker / "config.json").write_text(json.dumps(config), encoding="utf-8")


def helper(docker: Path, name: str, code: str) -> None:
    """Make a credential helper that runs some Python."""
    file = docker / f"docker-credential-{name}"
    file.write_text(f"#!{sys.executable}\nimport sys, time\nasked = sys.argv[1:] + [sys.stdin.read()]\n{code}\n")
    file.chmod(0o755)


def says(username: str, secret: str) -> str:
    """Code that answers with a secret."""
    return f"print({json.dumps(json.dumps({'Username': username, 'Secret': secret}))})"


@pytest.mark.parametrize("key", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v1/", "http://ghcr.io/v2/", "ghcr.io/"])
def test_a_login_is_found_by_its_host(docker: Path, key: str) -> None:
    """However docker wrote the name of the registry; a password may have colons."""
    write(docker, auths={"other.io": {}, key: ANN})
    assert find("ghcr.io").credentials == SECRETS
    assert find("quay.io").credentials is None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"])
def test_docker_hub_has_many_names(docker: Path, key: str) -> None:
    """A login to Docker Hub holds for it by whichever name."""
    write(docker, auths={key: ANN})
    for host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert find(host).credentials == SECRETS


def test_the_home_folder_is_where_docker_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without DOCKER_CONFIG it is the folder `.docker` there."""
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert "docker has no configuration" in find("ghcr.io").note
    (tmp_path / ".docker").mkdir()
    write(tmp_path / ".docker", auths={"ghcr.io": ANN})
    assert find("ghcr.io").credentials == SECRETS


@pytest.mark.parametrize(
    ("entry", "credentials"),
    [
        ({"username": "ann", "password": "p:w"}, SECRETS),
        ({"identitytoken": "t"}, Credentials(identity_token=Secret("t"))),
        ({**ANN, "identitytoken": "t"}, Credentials("ann", Secret("p:w"), Secret("t"))),
        ({"auth": base64.b64encode(b"ann:p:w\0\0").decode()}, SECRETS),
        ({}, None),
        ({"auth": ""}, None),
        ({"auth": "?"}, None),
        ({"auth": base64.b64encode(b"\xff\xff:x").decode()}, None),
        ({"auth": base64.b64encode(b"no colon").decode()}, None),
        ({"username": "ann"}, None),
        ("text", None),
        (None, None),
    ],
)
def test_the_ways_to_write_a_login(docker: Path, entry: Any, credentials: Credentials | None) -> None:
    """An unreadable configuration counts as no login."""
    write(docker, auths={"ghcr.io": entry})
    assert find("ghcr.io").credentials == credentials


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[" * 100_000, '"x"', '{"auths": [], "credHelpers": 3, "credsStore": 4}']
)
def test_an_unreadable_configuration(docker: Path, text: str) -> None:
    """Then it is asked anonymously, and the note says so."""
    (docker / "config.json").write_text(text, encoding="utf-8")
    found = find("ghcr.io")
    assert found.credentials is None
    assert "anonymously" in found.note


def test_a_configuration_that_may_not_be_read(docker: Path) -> None:
    """A folder in its place is as good as none."""
    (docker / "config.json").mkdir()
    assert "cannot be read" in find("ghcr.io").note


def test_a_helper_is_asked_first(docker: Path) -> None:
    """The registry's own helper comes before the store, and both before what is in the file."""
    helper(docker, "own", says("own", "1"))
    helper(docker, "store", says("<token>", "identity"))
    write(docker, auths={"ghcr.io": ANN, "quay.io": ANN}, credHelpers={"ghcr.io": "own"}, credsStore="store")
    own, store = find("ghcr.io"), find("quay.io")
    assert own.credentials == Credentials("own", Secret("1"))
    assert own.note == "with the credentials of docker-credential-own"
    assert store.credentials == Credentials(identity_token=Secret("identity"))


@pytest.mark.parametrize(("host", "server"), [("docker.io", "https://index.docker.io/v1/"), ("ghcr.io", "ghcr.io")])
def test_a_helper_gets_the_registry(docker: Path, host: str, server: str) -> None:
    """It gets `get` and the name that docker stores logins by."""
    helper(docker, "own", f"assert asked == ['get', {server!r}], asked\n{says('own', '1')}")
    write(docker, credsStore="own")
    assert find(host).credentials


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("print('credentials not found in native keychain'); sys.exit(1)", "has no credentials for ghcr.io"),
        ("print('{')", "unreadable"),
        ("print('{}')", "unreadable"),
        ("print('[]')", "unreadable"),
        (says("", ""), "has no credentials"),
        ("time.sleep(60)", "no answer within 0.3 s"),
    ],
)
def test_a_helper_without_an_answer(docker: Path, code: str, why: str) -> None:
    """The file counts if the helper fails; without an entry in it, the note has the helper's error."""
    helper(docker, "own", code)
    write(docker, credsStore="own")
    seconds = 0.3 if "0.3" in why else 30.0
    found = find("ghcr.io", timeout=seconds)
    assert found.credentials is None
    assert why in found.note
    write(docker, credsStore="own", auths={"ghcr.io": ANN})
    assert find("ghcr.io", timeout=seconds).credentials == SECRETS


@pytest.mark.parametrize("name", ["missing", "../../bin/sh", "a b", "x" * 100])
def test_a_helper_that_is_not_there(docker: Path, name: str) -> None:
    """Only a program of docker's naming, on the PATH, is started."""
    write(docker, credsStore=name)
    assert "not on the PATH" in find("ghcr.io").note


def test_a_helper_that_cannot_be_started(docker: Path) -> None:
    """A file that is no program is no helper."""
    (docker / "docker-credential-own").write_bytes(b"\0")
    (docker / "docker-credential-own").chmod(0o755)
    write(docker, credsStore="own")
    assert "could not be started" in find("ghcr.io").note


def test_nothing_shows_a_password(docker: Path) -> None:
    """Neither the credentials nor what holds them show a secret."""
    write(docker, auths={"ghcr.io": {"username": "ann", "password": "hidden-1", "identitytoken": "hidden-2"}})
    found = find("ghcr.io")
    assert found.credentials
    assert "hidden" not in repr(found)
    assert "hidden" not in repr(found.credentials.password)
    assert repr(found.credentials.basic) == "'[masked]'"
