"""Credentials that cannot be fetched: each cause is named for what it is."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.credentials import (
    AssumeRoleWithWebIdentityCredentialFetcher,
    InstanceMetadataProvider,
    SSOCredentialFetcher,
    SSOProvider,
)
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError
from botocore.tokens import SSOTokenProvider
from botocore.utils import ContainerMetadataFetcher

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.credentials.causes import explain
from pytest_deploycheck.observe.problems import CallTimeoutError, problem_of
from pytest_deploycheck.observe.session import Session


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no credentials but those of a test's own profile."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def refusal(
    folder: Path, *lines: str, role_arn: str | None = None, names_profile: bool = True
) -> EnvironmentUnusableError:
    """Return the error of a run with the profile `ci` of these lines."""
    source = ["[profile keys]", "aws_access_key_id = testing", "aws_secret_access_key = testing"]
    (folder / "config").write_text("\n".join([*source, "[profile ci]", "region = us-east-1", *lines]), encoding="utf-8")
    with pytest.raises(EnvironmentUnusableError) as unusable:
        Session(EnvironmentSettings(name="dev", profile="ci", role_arn=role_arn)).identify()
    assert "'ci'" in unusable.value.message or not names_profile
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


CONTAINER = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN, TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"


@pytest.mark.parametrize(
    ("variables", "cause", "named"),
    [
        ({}, "endpoint gave no credentials", CONTAINER),
        ({TOKEN: "hunter2222\n"}, "characters that cannot be sent", TOKEN),
        ({TOKEN_FILE: "/nowhere"}, "token for the container's credentials cannot be read", TOKEN_FILE),
    ],
    ids=["nobody answers", "a line break in the token", "no file with the token"],
)
def test_a_container_without_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], cause: str, named: str
) -> None:
    """The endpoint, its token and the file of the token are told apart, and the token is not shown."""
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    for name, value in {CONTAINER: "http://127.0.0.1:1/credentials", **variables}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "config").write_text("[default]\nregion = us-east-1", encoding="utf-8")
    with pytest.raises(EnvironmentUnusableError, match=cause) as unusable:
        Session(EnvironmentSettings(name="dev")).identify()
    assert named in unusable.value.remedy
    assert "hunter2222" not in str(unusable.value)


def test_an_address_of_the_instance_s_metadata_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_EC2_METADATA_SERVICE_ENDPOINT without a scheme is blamed on this variable, not on the metadata."""
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "metadata of mine")
    (tmp_path / "config").write_text("[default]\nregion = us-east-1", encoding="utf-8")
    with pytest.raises(EnvironmentUnusableError, match=r"address of the instance's metadata is not valid.*of mine"):
        Session(EnvironmentSettings(name="dev")).identify()


def test_metadata_of_an_instance_that_cannot_be_read() -> None:
    """An emulator of the metadata service returns a time that is none: the instance's metadata is named."""
    keys = {"role_name": "ci", "access_key": "A", "secret_key": "b", "token": "c", "expiry_time": "soon"}
    metadata: Any = SimpleNamespace(retrieve_iam_role_credentials=lambda: keys)
    with pytest.raises(ValueError, match="soon") as raised:
        InstanceMetadataProvider(metadata).load()
    message, remedy = explain(raised.value, {}, {})
    assert "instance's metadata gave no credentials" in message
    assert "instance profile" in remedy


def test_a_token_file_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web identity token file is named where it is the cause."""
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/deploy")
    (tmp_path / "config").write_text("[default]\nregion = us-east-1", encoding="utf-8")
    with pytest.raises(EnvironmentUnusableError, match="web identity token file cannot be read"):
        Session(EnvironmentSettings(name="dev")).identify()


ROLE = "role_arn = arn:aws:iam::123456789012:role/deploy"
SSO = (
    "sso_session = corporate",
    "sso_account_id = 123456789012",
    "sso_role_name = reader",
    "[sso-session corporate]",
    "sso_region = us-east-1",
    "sso_start_url = https://example.awsapps.com/start",
    "sso_registration_scopes = sso:account:access",
)
EXPIRED = '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "b", "Expiration": "2020-01-01T00:00:00Z"}'


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["credential_process ="], ["credential_process is empty"]),
        (['credential_process = /bin/echo "a'], ["cannot be parsed", "quotation"]),
        (["credential_process = /bin/echo {}"], ["credential_process failed", "version"]),
        (["credential_process = /bin/echo null"], ["printed no credentials"]),
        ([f"credential_process = /bin/echo '{EXPIRED}'"], ["have expired"]),
        (
            ["""credential_process = /bin/echo '{"Version": 1, "AccessKeyId": 1, "SecretAccessKey": "b"}'"""],
            ["access key id", "is not a text"],
        ),
        ([ROLE, "source_profile = other", "[profile other]", "credential_process = /bin/echo x"], ["printed no cred"]),
        ([ROLE, "source_profile = other", "[profile other]", "credential_process = /nowhere"], ["cannot be run"]),
        ([ROLE, "source_profile = ci"], ["refer to each other"]),
        ([ROLE], ["no credentials with which it can be assumed"]),
        ([ROLE, "credential_source = Ec2InstanceMetadata"], ["from Ec2InstanceMetadata"]),
        ([ROLE, "credential_source = EcsContainer"], ["from EcsContainer"]),
        ([ROLE, "credential_source = Environment"], ["from Environment"]),
        ([ROLE, "web_identity_token_file = /nowhere"], ["web identity token file cannot be read"]),
        (
            [ROLE, "source_profile = other", "[profile other]", ROLE, "web_identity_token_file = /nowhere"],
            ["web identity token file cannot be read"],
        ),
        (["sso_start_url = https://example.awsapps.com/start", "sso_region = us-east-1"], ["lacks sso_account_id"]),
        (["role_arn = reader", "source_profile = keys"], ["is not valid", "RoleArn"]),
        (["a line that is no setting"], ["cannot be parsed"]),
    ],
)
def test_what_a_profile_lacks_is_named(tmp_path: Path, lines: list[str], words: list[str]) -> None:
    """Each cause is named for what it is, in this profile and in those that it leads to."""
    message = refusal(tmp_path, *lines).message
    assert not [word for word in words if word not in message], message


@pytest.mark.parametrize(
    ("token", "word"),
    [
        (None, "never logged in"),
        (b"", "damaged"),
        (b"null", "damaged"),
        (b"[]", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b'{"accessToken": "token"}', "damaged"),
        (b'{"accessToken": "token", "expiresAt": "soon"}', "damaged"),
        (b'{"accessToken": "token", "expiresAt": 1e30}', "damaged"),
        (b'{"accessToken": 1, "expiresAt": "2999-01-01T00:00:00Z"}', "damaged"),
    ],
)
def test_a_token_of_sso_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: bytes | None, word: str
) -> None:
    """A damaged token is not taken for a login that never was; both are cured by a login."""
    for provider in (SSOTokenProvider, SSOProvider):
        monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    if token is not None:
        (tmp_path / f"{hashlib.sha1(b'corporate').hexdigest()}.json").write_bytes(token)  # noqa: S324 - as botocore
    error = refusal(tmp_path, *SSO)
    assert word in error.message
    assert "aws sso login" in error.remedy


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"\xff\xfe", "not a text")])
def test_a_token_file_without_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, words: str
) -> None:
    """A web identity token file that holds no token is named, as before the token was written."""
    (tmp_path / "token").write_bytes(content)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/deploy")
    (tmp_path / "config").write_text("[default]\nregion = us-east-1", encoding="utf-8")
    with pytest.raises(EnvironmentUnusableError, match=f"holds no token: .*{words}"):
        Session(EnvironmentSettings(name="dev")).identify()


def test_a_token_that_aws_does_not_take(tmp_path: Path) -> None:
    """The refusal of a web identity is told apart from that of other credentials."""
    del tmp_path
    refused = ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "Token expired"}}, "AssumeRole")
    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(_raising(refused), lambda: "token", "arn:aws:iam::1:role/a")
    with pytest.raises(ClientError) as raised:
        fetcher.fetch_credentials()
    message, remedy = explain(raised.value, {}, {})
    assert "does not take the web identity token" in message
    assert "sso login" not in remedy


def test_sts_cannot_be_reached_with_a_web_identity() -> None:
    """The network is named, not the token, which nobody has seen."""
    unreachable = EndpointConnectionError(endpoint_url="https://sts.us-east-1.amazonaws.com/")
    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        _raising(unreachable), lambda: "token", "arn:aws:iam::1:role/a"
    )
    with pytest.raises(EndpointConnectionError) as raised:
        fetcher.fetch_credentials()
    message, remedy = explain(raised.value, {}, {})
    assert "https://sts.us-east-1.amazonaws.com/" in message
    assert "token" not in message + remedy


def test_sso_does_not_give_the_role() -> None:
    """The login is good and the role is not the user's: the role's settings are named, and no login is asked for."""
    refused = ClientError({"Error": {"Code": "ForbiddenException", "Message": "No access"}}, "GetRoleCredentials")
    fetcher = SSOCredentialFetcher(
        "https://example.awsapps.com/start", "us-east-1", "reader", "123456789012", _raising(refused)
    )
    with pytest.raises(ClientError) as raised:
        fetcher.fetch_credentials()
    message, remedy = explain(raised.value, {}, {})
    assert "SSO gives no credentials of the role: " in message
    assert "No access" in message
    assert "sso_role_name" in remedy
    assert "sso login" not in remedy


def test_a_provider_that_does_not_answer_in_time() -> None:
    """The message says how long was waited, and which providers to look at."""
    message, remedy = explain(CallTimeoutError(operation="the credentials' provider", seconds=18), {}, {})
    assert message == "The credentials could not be fetched within 18 seconds."
    assert "credential_process" in remedy


def test_an_error_that_no_provider_explains() -> None:
    """It is passed on in its own words, with the profile as the place to look at."""
    message, remedy = explain(ZeroDivisionError("division by zero"), {}, {})
    assert message == "The credentials could not be fetched: ZeroDivisionError: division by zero."
    assert "~/.aws/config" in remedy


def _raising(error: Exception) -> Callable[..., Any]:
    def create(*_: object, **__: object) -> Any:
        raise error

    return create


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_line_break_in_the_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Keys that were read with the end of their line cannot be sent; the message does not show them."""
    (tmp_path / "config").write_text("[default]\nregion = us-east-1", encoding="utf-8")
    for each in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(each, "testing")
    monkeypatch.setenv(name, "hunter2222\n")
    with pytest.raises(EnvironmentUnusableError, match="line break") as unusable:
        Session(EnvironmentSettings(name="dev")).identify()
    assert "hunter2222" not in str(unusable.value)
    assert (
        "hunter" not in problem_of(HTTPClientError(error="Invalid header value b'hunter\\n'"), "ecs:ListTasks").message
    )


def test_a_setting_of_another_type(tmp_path: Path) -> None:
    """A number that is none is not blamed on the endpoint."""
    error = refusal(
        tmp_path, "aws_access_key_id = a", "aws_secret_access_key = b", "max_attempts = foo", names_profile=False
    )
    assert "endpoint" not in error.remedy


def test_no_credentials_at_all(tmp_path: Path) -> None:
    """Nothing was configured, and the message says so."""
    assert "No AWS credentials were found" in refusal(tmp_path).message


def test_no_credentials_with_which_a_role_can_be_assumed(tmp_path: Path) -> None:
    """The configured role is assumed with other credentials: that there are none is said, with the role."""
    role = "arn:aws:iam::123456789012:role/deploy-reader"
    error = refusal(tmp_path, role_arn=role)
    assert "No AWS credentials were found" in error.message
    assert role in error.message


@pytest.mark.parametrize("role_arn", [None, "arn:aws:iam::123456789012:role/deploy-reader"])
def test_a_profile_that_is_missing_and_found_missing_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role_arn: str | None
) -> None:
    """With AWS_DATA_PATH botocore reads the profile for the credentials only: the message is the same."""
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    with pytest.raises(EnvironmentUnusableError, match=r"The AWS profile does not exist: .*nowhere"):
        Session(EnvironmentSettings(name="dev", region="us-east-1", role_arn=role_arn)).identify()
