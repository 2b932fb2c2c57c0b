"""The policy of an environment by what was observed, beside what verification/test_policy.py promises against AWS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from support.runs import IDENTITY
from support.worlds import NOW, completed, reference, unread

from pytest_deploycheck.config.settings import EnvironmentSettings, Options, ServiceSettings
from pytest_deploycheck.facts.snapshot import Observation, ServiceFacts
from pytest_deploycheck.run.policy.environment_policy import EnvironmentPolicy, policy_from
from pytest_deploycheck.run.policy.resources import configured

ROLE = "arn:aws:iam::123456789012:role/verify"


def environment(*, role_arn: str | None = None, **service: Any) -> EnvironmentSettings:
    """Return an environment with one service."""
    backend = ServiceSettings("backend", "shop", **service)
    return EnvironmentSettings("dev", cluster="shop-cluster", role_arn=role_arn, services={"backend": backend})


def policy(facts: ServiceFacts, settings: EnvironmentSettings) -> EnvironmentPolicy:
    """Return the policy for an environment in which this was observed."""
    return policy_from(settings, Options(("backend",)), Observation(IDENTITY, NOW, NOW, (facts,)))


def resources(of: EnvironmentPolicy, action: str) -> Sequence[str]:
    """Return the resources on which an action is allowed."""
    return [arn for one in of.statements if action in one.actions for arn in one.resources]


def test_the_role_is_the_one_that_gets_the_policy() -> None:
    """With a role in the configuration a reader learns whose policy it is, and what the caller needs."""
    note = f"It is for the role {ROLE}; the caller needs sts:AssumeRole on that role."
    assert note in policy(completed(), environment(role_arn=ROLE)).notes
    assert not any("sts:AssumeRole" in text for text in policy(completed(), environment()).notes)


def test_the_log_group_of_the_configuration_is_among_those_of_the_tasks() -> None:
    """The logs of a log router are read where the configuration says, beside those of the task definition."""
    settings = environment(log_group="/ecs/routed")
    groups = resources(policy(completed(), settings), "logs:FilterLogEvents")
    assert [arn.split(":log-group:")[1] for arn in groups] == ["/ecs/shop:*", "/ecs/routed:*"]
    known = configured(settings, Options(("backend",)), account="123456789012", region="us-east-1")
    assert not any("log groups" in note for note in known.notes)


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("shop:v2", ("123456789012", "us-east-1", "shop")),
        (str(reference(account="999999999999", region="eu-west-1")), ("999999999999", "eu-west-1", "shop")),
        ("v2", ("123456789012", "us-east-1", "*")),
    ],
)
def test_the_repository_is_where_the_image_says(image: str, repository: tuple[str, str, str]) -> None:
    """A whole reference leads to its own account and region, a bare tag to no repository that is known."""
    known = configured(environment(image=image), Options(("backend",)), account="123456789012", region="us-east-1")
    assert [(one.account, one.region, one.name) for one in known.repositories] == [repository]


def test_a_service_that_could_not_be_read_may_have_a_load_balancer() -> None:
    """Access that may be needed is allowed: without it the first run with the policy would end in an error."""
    action = "elasticloadbalancing:DescribeTargetHealth"
    assert resources(policy(unread(), environment()), action)
    assert not resources(policy(completed(), environment()), action)
