from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from support.verifying import verify_settings

from pytest_deploycheck.config.settings import EnvironmentRun
from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe.read_only import READS, iam_action
from pytest_deploycheck.run.policy.actions import ACTIONS
from pytest_deploycheck.run.policy.documents import document
from pytest_deploycheck.run.policy.environment_policy import policy_of, policy_of_all
from pytest_deploycheck.sandbox import SandboxContainer
from verification.policies import prepared, statuses, with_health

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox


@pytest.fixture
def everything(aws: Sandbox) -> dict[str, Any]:
    """Return the table of a service that asks for nearly every action."""
    return with_health(aws)


def test_every_read_is_an_action_of_the_policy() -> None:
    """The table of actions has each operation that the clients let through, and no other."""
    reads = {iam_action(service, name) for service, names in READS.items() for name in names}
    assert {one.name for one in ACTIONS} == reads - {"sts:GetCallerIdentity"}
    assert len({one.name for one in ACTIONS}) == len(ACTIONS)


def test_the_policy_is_bound_to_the_service_and_its_cluster(aws: Sandbox, everything: dict[str, Any]) -> None:
    """Another cluster, and another service of the same cluster, are denied."""
    aws.create_service("other", cluster="shop", image="shop:1")
    aws.create_service("shop", cluster="elsewhere", image="shop:1")
    environment, options = prepared(everything)
    aws.enforce_policy(document(policy_of(environment, options).statements))
    with pytest.raises(EnvironmentUnusableError, match="denied"):
        verify_settings(*prepared({**everything, "cluster": "elsewhere"}))
    other = verify_settings(*prepared({**everything, "services": {"other": {}}}))
    assert "ecs:DescribeServices" in other.services[0].analysis.facts.problems["service"].operation
    assert statuses(other)["tasks-running"] == "error"


def test_the_log_group_of_a_service_without_tasks_is_known(aws: Sandbox) -> None:
    """The policy names the group of the task definition where no task runs."""
    aws.push_image("shop:1", {"a": "1"})
    container = SandboxContainer(name="app", image="shop:1", log_group="/ecs/shop")
    aws.create_service("shop", cluster="shop", containers=[container], desired=0)
    policy = policy_of(*prepared({"cluster": "shop", "services": {"shop": {}}}))
    (logs,) = [one.resources for one in policy.statements if one.sid == "Logs"]
    assert logs == ("arn:aws:logs:us-east-1:123456789012:log-group:/ecs/shop:*",)
    assert not any("log group" in note and "allowed" in note for note in policy.notes)


def test_several_environments_have_statements_of_their_own(aws: Sandbox, everything: dict[str, Any]) -> None:
    """A policy for two environments allows in each what that environment needs, and nothing of the other there."""
    aws.create_service("shop", cluster="stage", image="shop:1")
    other, options = prepared({"cluster": "stage", "services": {"shop": {"image": "shop:1"}}})
    runs = [EnvironmentRun(*prepared(everything)), EnvironmentRun(replace(other, name="pre-prod"), options)]
    policy = policy_of_all(runs)
    services = {one.sid: one.resources for one in policy.statements if one.sid.startswith("Services")}
    assert services == {
        "ServicesDev": ("arn:aws:ecs:us-east-1:123456789012:service/shop/shop",),
        "ServicesPreProd": ("arn:aws:ecs:us-east-1:123456789012:service/stage/shop",),
    }
    assert any(note.startswith("dev: ") for note in policy.notes)


def test_what_cannot_be_seen_is_reported(aws: Sandbox, everything: dict[str, Any]) -> None:
    """The policy is wider where the credentials at hand may read nothing, and a note names each width."""
    environment, options = prepared({**everything, "services": {"shop": {"service": "shop"}}})
    aws.deny("ec*")
    aws.deny("logs:*")
    policy = policy_of(environment, options)
    assert "arn:aws:ecr:us-east-1:123456789012:repository/*" in json.dumps(document(policy.statements))
    assert any("could not be read" in note for note in policy.notes)
    assert any("repositories" in note for note in policy.notes)
    aws.deny("sts:GetCallerIdentity")
    policy = policy_of(environment, options)
    assert "arn:aws:ecs:us-east-1:ACCOUNT:service/shop/shop" in json.dumps(document(policy.statements))
    assert any("ACCOUNT" in note for note in policy.notes)
