from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from verification.conftest import Room


def refused(room: Room, **environment: object) -> str:
    """Return the message of a run that cannot start."""
    with pytest.raises(EnvironmentUnusableError) as unusable:
        room.verify(environment=environment)
    return unusable.value.message


def test_a_misspelt_service_finds_its_name(room: Room) -> None:
    """The nearest name of the cluster's services is shown; a caller that may not list them is told as much."""
    room.shop()
    misspelt = {"backend": {"service": "shopp"}}
    assert "did you mean 'shop'?" in refused(room, services=misspelt)
    room.aws.deny("ecs:ListServices")
    assert refused(room, services=misspelt).endswith("us-east-1).")


def test_the_names_of_many_services_are_one_call(room: Room) -> None:
    """A page holds a hundred services, of which AWS returns ten where it is not asked for more."""
    room.aws.push_image("shop:1", {"app": "1"})
    for number in range(12):
        room.aws.create_service(f"shop-{number}", cluster="shop", image="shop:1", desired=0)
    room.aws.calls.clear()
    assert "did you mean 'shop-11'?" in refused(room, services={"backend": {"service": "shop-111"}})
    assert [call.operation for call in room.aws.calls].count("ecs:ListServices") == 1


def test_a_service_that_is_listed_and_not_described_is_not_called_misspelt(room: Room) -> None:
    """Its own name is no other name to try: the message names the two answers that contradict each other."""
    room.shop()
    room.aws.corrupt("ecs:DescribeServices", lambda answer: {**answer, "services": []})
    message = refused(room)
    assert "did you mean" not in message
    assert "ecs:ListServices lists it" in message


def test_a_misspelt_cluster_finds_its_name(room: Room) -> None:
    """The nearest name of the account's clusters is shown."""
    room.shop()
    assert "Did you mean 'shop'?" in refused(room, cluster="shpo")


def test_a_misspelt_region_finds_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody answers and botocore does not know the region, the nearest one is shown."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    nobody = "http://127.0.0.1:1"
    with pytest.raises(EnvironmentUnusableError, match="did you mean 'us-east-1'"):
        Session(EnvironmentSettings("dev", region="us-east1", endpoint_url=nobody)).identify()
    with pytest.raises(EnvironmentUnusableError) as unusable:
        Session(EnvironmentSettings("dev", region="us-east-1", endpoint_url=nobody)).identify()
    assert "did you mean" not in unusable.value.message


def test_a_misspelt_tag_finds_its_name(room: Room) -> None:
    """A tag that is not in the repository is shown with the most similar one."""
    room.shop()
    found = room.verify(image="shop:latestt").finding("image-exists")
    assert (found.status, "the most similar tag there is latest" in found.summary) == ("fail", True)


def test_a_profile_leads_to_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that names a profile is tried offline where the sandbox knows that profile."""
    with Sandbox(profiles=["dev"]) as aws:
        for name, value in aws.environ.items():
            monkeypatch.setenv(name, value)
        assert Session(EnvironmentSettings("dev", profile="dev")).identify().account == aws.account
        with pytest.raises(EnvironmentUnusableError, match="profile does not exist"):
            Session(EnvironmentSettings("dev", profile="prod"))
