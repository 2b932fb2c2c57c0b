"""The discovery of services in a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from pytest_deploycheck.config.settings import Discovery, EnvironmentSettings
from pytest_deploycheck.errors import ConfigurationError, EnvironmentUnusableError
from pytest_deploycheck.observe.ecs.discovery import discover


class Cluster:
    """A client of ECS that knows one cluster.

    Attributes:
        tags: The tags of its services, by their names.
        draining: The services that are being deleted.
        described: The names in each call of DescribeServices.
    """

    def __init__(self, tags: dict[str, dict[str, str]], draining: tuple[str, ...] = ()) -> None:
        self.tags = tags
        self.draining = draining
        self.described: list[list[str]] = []

    def list_services(self, *, cluster: str, maxResults: int, nextToken: str = "0") -> dict[str, Any]:  # noqa: N803  # as in boto3
        """List them, two on a page."""
        assert (cluster, maxResults) == ("shop", 100)
        names, start = list(self.tags), int(nextToken)
        arns = [f"arn:aws:ecs:us-east-1:123456789012:service/shop/{name}" for name in names[start : start + 2]]
        return {"serviceArns": arns, **({"nextToken": str(start + 2)} if start + 2 < len(names) else {})}

    def describe_services(self, *, cluster: str, services: list[str], include: list[str]) -> dict[str, Any]:
        """Describe them."""
        assert (cluster, include) == ("shop", ["TAGS"])
        self.described.append(services)
        return {
            "services": [
                {
                    "serviceName": name,
                    "status": "DRAINING" if name in self.draining else "ACTIVE",
                    "tags": [{"key": key, "value": value} for key, value in self.tags[name].items()],
                }
                for name in services
            ]
        }


ENVIRONMENT = EnvironmentSettings("dev", cluster="shop")
SHOP = {
    "shop-web": {"team": "shop", "stage": "dev"},
    "shop-worker": {"team": "shop"},
    "shop-old": {"team": "shop"},
    "billing": {"team": "money", "stage": "dev"},
}


def found(client: Any, discovery: Discovery) -> tuple[str, ...]:
    """Return what is found."""
    return discover(client, replace(ENVIRONMENT, discover=discovery), region="us-east-1")


@pytest.mark.parametrize(
    ("discovery", "names"),
    [
        (Discovery(names="shop-*"), ("shop-web", "shop-worker")),
        (Discovery(names="*"), ("billing", "shop-web", "shop-worker")),
        (Discovery(names="shop-we?"), ("shop-web",)),
        (Discovery(tags={"team": "shop"}), ("shop-web", "shop-worker")),
        (Discovery(tags={"stage": "d*"}), ("billing", "shop-web")),
        (Discovery(tags={"team": "shop", "stage": "dev"}), ("shop-web",)),
    ],
)
def test_what_is_found(discovery: Discovery, names: tuple[str, ...]) -> None:
    """All pages are read; every tag has to match; a service that is being deleted is not found."""
    assert found(Cluster(SHOP, draining=("shop-old",)), discovery) == names


def test_how_much_is_asked() -> None:
    """Only services whose name matches are described, ten at a time."""
    client = Cluster({**{f"shop-{number}": {} for number in range(25)}, "other": {}})
    assert len(found(client, Discovery(names="shop-*"))) == 25
    assert sorted(len(names) for names in client.described) == [5, 10, 10]


@pytest.mark.parametrize(
    ("discovery", "services", "message"),
    [
        (
            Discovery(names="shp-*"),
            SHOP,
            "env.dev.discover: found no service by 'shp-*' in the cluster 'shop' (us-east-1). It has: shop-web,",
        ),
        (Discovery(tags={"team": "x"}), SHOP, "found no service by the tags team = x in the cluster 'shop'"),
        (Discovery(names="*"), {}, "The cluster has no services."),
        (Discovery(names="x"), {f"s{number}": {} for number in range(20)}, "and 8 more."),
    ],
)
def test_nothing_is_found(discovery: Discovery, services: dict[str, dict[str, str]], message: str) -> None:
    """The message names the pattern, the cluster and the services that there are."""
    with pytest.raises(ConfigurationError) as caught:
        found(Cluster(services), discovery)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ClusterNotFoundException", "Check `cluster` and `region`"),
        ("AccessDeniedException", "Allow the action ecs:ListServices"),
    ],
)
def test_a_cluster_that_cannot_be_listed(code: str, remedy: str) -> None:
    """The environment is unusable, with what to do about it."""

    class Refusing(Cluster):
        def list_services(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": code, "Message": "No."}}, "ListServices")

    with pytest.raises(EnvironmentUnusableError) as caught:
        found(Refusing({}), Discovery(names="*"))
    assert "cannot be discovered in the cluster 'shop'" in caught.value.message
    assert remedy in caught.value.remedy


def test_without_discovery_nothing_is_asked() -> None:
    """An environment that names its services needs no permission to list them."""
    assert discover(None, ENVIRONMENT, region="us-east-1") == ()  # type: ignore[arg-type]  # it is not called


class Forgetful(Cluster):
    """A client that lists a service and does not describe it.

    Attributes:
        failures: What it says of it.
    """

    failures: tuple[dict[str, str], ...] = ()

    def describe_services(self, *, cluster: str, services: list[str], include: list[str]) -> dict[str, Any]:
        """Describe all but the workers."""
        answer = super().describe_services(cluster=cluster, services=services, include=include)
        kept = [one for one in answer["services"] if one["serviceName"] != "shop-worker"]
        return {"services": kept, "failures": list(self.failures)}


def test_a_service_that_is_listed_and_not_described_ends_the_discovery() -> None:
    """It is not left out of the run in silence, unless ECS tells that it was deleted meanwhile."""
    client = Forgetful(SHOP)
    with pytest.raises(EnvironmentUnusableError, match="shop-worker"):
        found(client, Discovery(names="shop-*"))
    arn = "arn:aws:ecs:us-east-1:123456789012:service/shop/shop-worker"
    client.failures = ({"arn": arn, "reason": "MISSING"},)
    assert "shop-web" in found(client, Discovery(names="shop-*"))
    client.failures = ({"arn": arn, "reason": "SOMETHING"},)
    with pytest.raises(EnvironmentUnusableError):
        found(client, Discovery(names="shop-*"))
