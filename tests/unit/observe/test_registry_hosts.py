from __future__ import annotations

import pytest

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.facts.image import Registry
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.oci.registry_hosts import RegistryHosts


def hosts(region: str = "us-east-1", *, endpoint: str | None = None) -> RegistryHosts:
    """Return the hosts of an environment in a region."""
    session = Session(EnvironmentSettings("dev", region=region, endpoint_url=endpoint))
    return session.registry_hosts(Registry("123456789012", region))


@pytest.fixture(autouse=True)
def _plain_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no endpoint or profile of this machine in the way."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("us-east-1", "amazonaws.com"),
        ("us-gov-west-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("eusc-de-east-1", "amazonaws.eu"),
        ("us-iso-east-1", "c2s.ic.gov"),
        ("us-isob-east-1", "sc2s.sgov.gov"),
        ("eu-isoe-west-1", "cloud.adc-e.uk"),
        ("us-isof-south-1", "csp.hci.ic.gov"),
    ],
)
def test_each_partition_has_its_hosts(region: str, suffix: str) -> None:
    """The environment's own registry has the host of its partition, and is read off it in every partition."""
    registry = Registry("123456789012", region)
    host = f"123456789012.dkr.ecr.{region}.{suffix}"
    assert hosts(region).usual_host(registry) == host
    assert hosts(region).registry(host) == hosts().registry(host) == registry
    assert not hosts(region).emulator


def test_dual_stack_hosts() -> None:
    """Dual-stack hosts of all partitions are those of the same registry."""
    known = hosts()
    assert known.registry("123456789012.dkr-ecr.us-east-1.on.aws") == Registry("123456789012", "us-east-1")
    assert known.registry("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn") == Registry(
        "123456789012", "cn-north-1"
    )


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR", None])
def test_the_endpoint_of_an_emulator(variable: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint counts, from the configuration and from the variables alike."""
    if variable:
        monkeypatch.setenv(variable, "http://localhost:4566")
    known = hosts(endpoint=None if variable else "http://localhost:4566")
    assert known.emulator == "localhost"
    assert known.registry("localhost.localstack.cloud:4510") == Registry("123456789012", "us-east-1")


def test_an_endpoint_of_aws_is_not_an_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interface endpoint in a VPC is still AWS: a registry with a port is another registry."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://vpce-1.api.ecr.us-east-1.vpce.amazonaws.com")
    assert hosts().registry("registry.internal:5000") is None
