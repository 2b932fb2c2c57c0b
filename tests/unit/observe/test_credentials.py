"""Credentials that cannot be fetched: each cause is named for what it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.session import Session


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no credentials but those of a test's own profile."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def refusal(folder: Path, *lines: str, role_arn: str | None = None) -> EnvironmentUnusableError:
    """Return the error of a run with the profile `ci` of these lines."""
    source = ["[profile keys]", "aws_access_key_id = testing", "aws_secret_access_key = testing"]
    (folder / "config").write_text("\n".join([*source, "[profile ci]", "region = us-east-1", *lines]), encoding="utf-8")
    with pytest.raises(EnvironmentUnusableError) as unusable:
        Session(EnvironmentSettings(name="dev", profile="ci", role_arn=role_arn)).identify()
    assert "'ci'" in unusable.value.message
    assert unusable.value.remedy
    return unusable.value


def test_a_program_that_prints_no_json(tmp_path: Path) -> None:
    """`credential_process` that prints something else is named, and what it printed is not shown."""
    error = refusal(tmp_path, "credential_process = /bin/echo hello")
    assert "credential_process" in error.message
    assert "hello" not in error.message


def test_a_program_that_is_missing(tmp_path: Path) -> None:
    """`credential_process` that is not installed is named, and not taken for a token file."""
    error = refusal(tmp_path, f"credential_process = {tmp_path / 'missing'}")
    assert "credential_process cannot be run" in error.message
    assert "token" not in error.message


def test_a_program_that_fails(tmp_path: Path) -> None:
    """`credential_process` that exits with an error is named."""
    error = refusal(tmp_path, f"credential_process = {sys.executable} -c 1/0")
    assert "credential" in error.message


def test_a_program_under_a_role_is_named_too(tmp_path: Path) -> None:
    """The credentials that a role is assumed with fail in the same way."""
    role = "arn:aws:iam::123456789012:role/deploy-reader"
    error = refusal(tmp_path, "credential_process = /bin/echo hello", role_arn=role)
    assert "credential_process" in error.message
    assert role in error.message


def test_a_code_that_nobody_can_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile with MFA asks for a code, and without a terminal there is nobody to type it."""

    def ask(*_: object, **__: object) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", ask)
    monkeypatch.setattr("botocore.credentials.getpass.getpass", ask)
    error = refusal(
        tmp_path,
        "role_arn = arn:aws:iam::123456789012:role/deploy",
        "source_profile = keys",
        "mfa_serial = arn:aws:iam::123456789012:mfa/alice",
    )
    assert "MFA" in error.message
    assert "arn:aws:iam::123456789012:mfa/alice" in error.message


def test_an_address_of_the_container_that_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_CONTAINER_CREDENTIALS_FULL_URI on another host is named by its variable."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/credentials")
    (tmp_path / "config").write_text("[default]\nregion = us-east-1", encoding="utf-8")
    with pytest.raises(EnvironmentUnusableError, match="AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        Session(EnvironmentSettings(name="dev")).identify()


def test_a_token_file_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web identity token file is named where it is the cause."""
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/deploy")
    (tmp_path / "config").write_text("[default]\nregion = us-east-1", encoding="utf-8")
    with pytest.raises(EnvironmentUnusableError, match="web identity token file cannot be read"):
        Session(EnvironmentSettings(name="dev")).identify()


def test_no_credentials_at_all(tmp_path: Path) -> None:
    """Nothing was configured, and the message says so."""
    assert "No AWS credentials were found" in refusal(tmp_path).message
