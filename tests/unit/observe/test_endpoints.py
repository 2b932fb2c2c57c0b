from __future__ import annotations

from pathlib import Path

import pytest
from botocore.session import Session

from pytest_deploycheck.observe.endpoints import configured_endpoint, partition_of

LOCAL = "http://localhost:4566"


@pytest.fixture(autouse=True)
def _no_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no profile but that of a test, and credentials that are never used."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def endpoint() -> str | None:
    """Return the endpoint that is set."""
    return configured_endpoint(Session(), "us-east-1")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECS", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"])
def test_a_variable_sets_the_endpoint(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The variable for all services counts, and that of a single one."""
    monkeypatch.setenv(variable, LOCAL)
    assert endpoint() == LOCAL


def test_several_endpoints_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services that go to different addresses are not told as one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://localhost:5000")
    assert endpoint() == f"{LOCAL}, http://localhost:5000"


@pytest.mark.parametrize(
    "lines",
    [
        ["[default]", f"endpoint_url = {LOCAL}"],
        ["[default]", "services = local", "[services local]", "ecs =", f"  endpoint_url = {LOCAL}"],
    ],
    ids=["for all services", "for one service"],
)
def test_the_profile_sets_the_endpoint(tmp_path: Path, lines: list[str]) -> None:
    """A profile can set it too, for all services or for one."""
    (tmp_path / "config").write_text("\n".join(lines), encoding="utf-8")
    assert endpoint() == LOCAL


def test_an_endpoint_in_a_vpc_is_one_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is AWS, and all the same not the address that is used where nothing is set."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", "https://vpce-1.ecs.us-east-1.vpce.amazonaws.com")
    assert endpoint() == "https://vpce-1.ecs.us-east-1.vpce.amazonaws.com"


def test_without_an_endpoint_there_is_none() -> None:
    """AWS's own addresses are not endpoints that were set."""
    assert endpoint() is None


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_ENDPOINT_URL_S3", LOCAL), ("AWS_ENDPOINT_URL", ""), ("AWS_ENDPOINT_URL", None)]
)
def test_what_sets_no_endpoint_of_ours(monkeypatch: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    """A service that is not asked, an empty variable, and variables that are ignored change nothing."""
    monkeypatch.setenv(name, value or "")
    if value is None:
        monkeypatch.setenv(name, LOCAL)
        monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert endpoint() is None


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-west-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("local", "aws"),
    ],
)
def test_a_region_has_its_partition(region: str, partition: str) -> None:
    """The ARNs of a policy are of the partition of its region; a region that nobody knows is taken for a usual one."""
    assert partition_of(region) == partition
