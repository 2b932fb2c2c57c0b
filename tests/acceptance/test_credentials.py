from __future__ import annotations

import hashlib
import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider

if TYPE_CHECKING:
    from pathlib import Path

    from acceptance.conftest import Runs, Shop

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
SSO_START_URL = "https://example.awsapps.com/start"
SSO_SESSION = f"""
[profile dev]
sso_session = corporate
sso_account_id = 123456789012
sso_role_name = reader
region = us-east-1

[sso-session corporate]
sso_region = us-east-1
sso_start_url = {SSO_START_URL}
sso_registration_scopes = sso:account:access
"""
SSO_LEGACY = f"""
[profile dev]
sso_start_url = {SSO_START_URL}
sso_region = us-east-1
sso_account_id = 123456789012
sso_role_name = reader
region = us-east-1
"""


class Machine:
    """The machine that the run is on: its variables and its AWS configuration files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self._monkeypatch = monkeypatch
        self._home = home

    def forget(self, *names: str) -> None:
        """Take variables away."""
        for name in names:
            self._monkeypatch.delenv(name)

    def set(self, **variables: str) -> None:
        """Set variables."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def configure(self, text: str) -> None:
        """Write the AWS configuration file; credentials come from nowhere else."""
        path = self._home / "aws-config"
        path.write_text(text, encoding="utf-8")
        self.set(AWS_CONFIG_FILE=str(path))
        self.forget(*KEYS)

    def logged_in(self, session: str, *, expires: str) -> None:
        """Leave behind what `aws sso login` leaves."""
        cache = self._home / "sso-cache"
        cache.mkdir()
        # botocore reads HOME once, when it is loaded.
        for provider in (SSOTokenProvider, SSOProvider):
            self._monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(cache))
        name = hashlib.sha1(session.encode()).hexdigest()  # noqa: S324 - the name the AWS CLI gives the file
        token = {"startUrl": SSO_START_URL, "region": "us-east-1", "accessToken": "token", "expiresAt": expires}
        (cache / f"{name}.json").write_text(json.dumps(token), encoding="utf-8")


@pytest.fixture
def machine(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    """Return the machine, at first with credentials that work."""
    assert shop.aws.endpoint_url
    return Machine(monkeypatch, tmp_path)


def test_no_credentials_at_all(shop: Shop, machine: Machine) -> None:
    """The message says that there are none and where they may come from."""
    machine.forget(*KEYS)
    assert shop.verify().is_usage_error("no AWS credentials", "AWS_ACCESS_KEY_ID", "profile")
    assert shop.asked() == []


def test_a_profile_that_does_not_exist(shop: Shop) -> None:
    """The profile that the configuration names is named."""
    shop.configure(profile="develop")
    assert shop.verify().is_usage_error("profile", "develop", "list-profiles")
    assert shop.asked() == []


def test_a_profile_variable_that_names_nothing(shop: Shop, machine: Machine) -> None:
    """The profile that AWS_PROFILE names is named, with the variable."""
    machine.set(AWS_PROFILE="develop")
    machine.forget(*KEYS)
    assert shop.verify().is_usage_error("profile", "develop", "AWS_PROFILE")


def test_half_a_pair_of_keys(shop: Shop, machine: Machine) -> None:
    """The half that is missing is named."""
    machine.forget("AWS_SECRET_ACCESS_KEY")
    assert shop.verify().is_usage_error("half", "AWS_SECRET_ACCESS_KEY")


def test_no_region(shop: Shop, machine: Machine) -> None:
    """The environment is named, and both places where a region can be set."""
    machine.forget("AWS_REGION", "AWS_DEFAULT_REGION")
    assert shop.verify().is_usage_error("no AWS region", "'dev'", "`region`", "AWS_DEFAULT_REGION")
    assert shop.asked() == []


def test_the_region_of_a_profile_is_enough(shop: Shop, machine: Machine) -> None:
    """A profile with keys and a region needs nothing else."""
    machine.configure("[profile dev]\nregion = us-east-1\naws_access_key_id = AKIA\naws_secret_access_key = secret\n")
    machine.forget("AWS_REGION", "AWS_DEFAULT_REGION")
    shop.configure(profile="dev")
    assert shop.verify().status == 0


def test_an_endpoint_that_cannot_be_reached(shop: Shop, machine: Machine) -> None:
    """The address is named, and what decides it."""
    machine.set(AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_MAX_ATTEMPTS="1")
    assert shop.verify().is_usage_error("cannot be reached", "127.0.0.1:1", "AWS_ENDPOINT_URL")


@pytest.mark.parametrize("config", [SSO_SESSION, SSO_LEGACY], ids=["session", "legacy"])
def test_sso_without_a_login(shop: Shop, machine: Machine, config: str) -> None:
    """The message says that there was no login, and the command for it."""
    machine.configure(config)
    shop.configure(profile="dev")
    assert shop.verify().is_usage_error("'dev'", "logged in", "aws sso login")


def test_sso_whose_login_has_expired(shop: Shop, machine: Machine) -> None:
    """The message says that the session has expired, and the command to renew it."""
    machine.configure(SSO_SESSION)
    machine.logged_in("corporate", expires=f"{shop.aws.now() - timedelta(hours=9):%Y-%m-%dT%H:%M:%SZ}")
    shop.configure(profile="dev")
    assert shop.verify().is_usage_error("'dev'", "expired", "aws sso login")
    assert shop.asked() == []


def test_a_source_profile_that_is_not_defined(shop: Shop, machine: Machine) -> None:
    """The profile that is missing is named, and the file to fix."""
    machine.configure("[profile dev]\nrole_arn = arn:aws:iam::123456789012:role/reader\nsource_profile = base\n")
    shop.configure(profile="dev")
    assert shop.verify().is_usage_error("base", "source_profile", "~/.aws/config")


def test_a_credential_process_that_fails(shop: Shop, machine: Machine) -> None:
    """The output of the process is shown."""
    machine.configure(f"[profile dev]\ncredential_process = {sys.executable} -c \"raise SystemExit('no badge')\"\n")
    shop.configure(profile="dev")
    assert shop.verify().is_usage_error("no badge", "credential_process")


def test_a_web_identity_file_that_is_missing(shop: Shop, machine: Machine) -> None:
    """The file is named, and the variable that names it."""
    machine.forget(*KEYS)
    machine.set(
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/reader", AWS_WEB_IDENTITY_TOKEN_FILE="/nowhere/identity-token"
    )
    assert shop.verify().is_usage_error("/nowhere/identity-token", "AWS_WEB_IDENTITY_TOKEN_FILE")


REFUSALS = {
    "expired": ("ExpiredToken", "The security token included in the request is expired", ("expired", "sso login")),
    "unknown key": (
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
        ("access key", "AWS_ACCESS_KEY_ID"),
    ),
    "clock": (
        "SignatureDoesNotMatch",
        "Signature expired: 20251126T100000Z is now earlier than 20251126T110000Z",
        ("clock", "20251126T100000Z", "NTP"),
    ),
    "clock ahead": (
        "SignatureDoesNotMatch",
        "Signature not yet current: 20251126T120000Z is still later than 20251126T110000Z",
        ("clock", "20251126T120000Z"),
    ),
    "secret": (
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
        ("secret access key", "AWS_SECRET_ACCESS_KEY"),
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_credentials_that_are_refused_at_the_start(shop: Shop, refusal: str) -> None:
    """Each refusal ends the run once, in words of its own; the first listing was made meanwhile, and nothing more."""
    code, message, words = REFUSALS[refusal]
    shop.aws.fail("sts:GetCallerIdentity", code=code, message=message, status=403)
    run = shop.verify()
    assert run.is_usage_error(*words)
    assert ("clock" in run.text) == refusal.startswith("clock")
    asked = shop.asked()
    assert asked.count("sts:GetCallerIdentity") == 1
    listing = {f"ecs:{one}" for one in ("DescribeServices", "DescribeTaskDefinition", "ListTasks", "DescribeTasks")}
    assert set(asked) <= {"sts:GetCallerIdentity", *listing}


def test_the_reason_of_the_identity_comes_before_that_of_the_services(shop: Shop) -> None:
    """Expired credentials are reported as such, also where ECS was asked meanwhile and refused for another reason."""
    shop.aws.fail("sts:GetCallerIdentity", code="ExpiredToken", message="The token has expired", status=403)
    shop.aws.fail("ecs:DescribeServices", code="ClusterNotFoundException", message="Cluster not found.", status=400)
    run = shop.verify()
    assert run.is_usage_error("expired")
    assert "Cluster not found" not in run.text


def test_a_caller_that_is_denied_at_the_start(shop: Shop) -> None:
    """The action that is denied is named, and that it is to be allowed."""
    shop.aws.deny("sts:GetCallerIdentity")
    assert shop.verify().is_usage_error("sts:GetCallerIdentity", "denied", "allow")


def test_a_role_that_may_not_be_assumed(shop: Shop) -> None:
    """The denied action is the assuming of the role: it is to be allowed, and the role is named."""
    role = "arn:aws:iam::123456789012:role/deploy-reader"
    shop.aws.deny("sts:AssumeRole")
    shop.configure(role_arn=role)
    run = shop.verify()
    assert run.is_usage_error("sts:AssumeRole")
    assert "deploy-reader" in run.text
    assert "Allow the action sts:GetCallerIdentity" not in run.text


def test_workers_of_xdist_do_not_repeat_the_message(shop: Shop, machine: Machine, runs: Runs) -> None:
    """With two workers there is still one message, and no worker is started."""
    machine.forget(*KEYS)
    assert runs("--deploy-env=dev", "-n", "2").is_usage_error("no AWS credentials")
    assert shop.asked() == []


def test_credentials_that_expire_in_the_middle(shop: Shop) -> None:
    """Facts that could still be read are judged; the others are in error, which names the expired credentials."""
    shop.aws.fail("logs:FilterLogEvents", code="ExpiredTokenException", message="The security token is expired")
    run = shop.verify()
    assert (run.status, run.verdict) == (7, ("UNPROVEN", "logs"))
    assert run.with_status("error") == {"logs-1"}
    assert "expired" in run.checks["logs-1"]["reason"]


def test_an_endpoint_that_is_no_url(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint without its scheme is a usage error that says what a whole URL looks like."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:1")
    assert shop.verify().is_usage_error("localhost:1", "http://localhost:4566")
