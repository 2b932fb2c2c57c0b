"""The observation of an environment in which not everything can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError
from support.runs import IDENTITY
from support.worlds import completed, denied, deployment, service

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.facts.service import Service
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.ecs.listing import ListedServices
from pytest_deploycheck.observe.ecs.services import FoundServices
from pytest_deploycheck.observe.observer import Observer
from pytest_deploycheck.oci.registry_hosts import KNOWN_HOSTS

NAMES = ("shop", "jobs")
UNREACHABLE = Problem("ecs:DescribeServices", "EndpointConnectionError", "AWS cannot be reached.", "Check the network.")


class Unreachable:
    """A client of ECS without a network."""

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="https://ecs.us-east-1.amazonaws.com/")

        return call


def observer(
    found: FoundServices | None, problem: Problem | None = None, tasks: Mapping[str, Any] | None = None
) -> Observer:
    """Return the observer of two services, of which DescribeServices and ListTasks told this."""
    listed = ListedServices((found, problem), tasks or dict.fromkeys(NAMES, ((), None)))
    return Observer(
        cast("Any", SimpleNamespace(registry_hosts=lambda _: KNOWN_HOSTS, ecs=Unreachable)),
        IDENTITY,
        EnvironmentSettings("dev", cluster="main", services={name: ServiceSettings(name, name) for name in NAMES}),
        Options(NAMES),
        cast("Any", None),
        with_health=False,
        early=cast("Any", SimpleNamespace(take=lambda _: listed)),
    )


SHOP: Mapping[str, Service] = {"shop": service(deployment())}


def test_two_services_of_one_name() -> None:
    """Neither is taken for the one to verify: its ARN is asked for."""
    with pytest.raises(EnvironmentUnusableError, match="Two services match 'jobs' in cluster 'main'") as unusable:
        observer(FoundServices(SHOP, missing=(), ambiguous=("jobs",))).observe()
    assert "ARN" in unusable.value.remedy


def test_several_services_that_do_not_exist() -> None:
    """All of them are named, and no near name is looked for, as the cluster or the region is probably another one."""
    with pytest.raises(EnvironmentUnusableError) as unusable:
        observer(FoundServices({}, missing=NAMES, ambiguous=())).observe()
    where = "cluster 'main' (account 123456789012, us-east-1)"
    assert unusable.value.message == f"There is no service 'shop', 'jobs' in {where}."


def test_nothing_can_be_observed_and_nothing_is_denied() -> None:
    """The first problem is the reason; permissions are not blamed for a network that fails."""
    problems = dict.fromkeys(NAMES, (None, UNREACHABLE))
    with pytest.raises(EnvironmentUnusableError) as unusable:
        observer(None, UNREACHABLE, problems).observe()
    assert "Nothing in the environment 'dev' can be observed: AWS cannot be reached" in unusable.value.message
    assert "permission" not in unusable.value.message
    assert "network" in unusable.value.remedy


def test_the_history_of_a_service_that_cannot_be_described() -> None:
    """Nothing is asked of earlier rollouts, as it is not known whose they would be; known history is not read again."""
    watching = observer(FoundServices(SHOP, missing=(), ambiguous=()))
    unknown = completed(service=None, problems={"service": denied("ecs:DescribeServices")})
    assert watching.with_history(unknown) is unknown
