from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_deploycheck.observe.read_only import READS, iam_action

if TYPE_CHECKING:
    from acceptance.conftest import Run, Shop


class Without(NamedTuple):
    """The checks that a role that lacks one action can still prove.

    Attributes:
        error: The checks that no other permitted read answers.
        noted: The checks that another read answers, and that say so.
    """

    error: set[str]
    noted: set[str]


DENIALS = {
    "ecs:DescribeServices": Without({"tasks-running", "targets-healthy"}, set()),
    "ecs:ListTasks": Without({"tasks-run-image", "logs-1"}, {"tasks-running"}),
    "ecs:DescribeTasks": Without({"tasks-run-image", "logs-1"}, {"tasks-running"}),
    "ecs:DescribeTaskDefinition": Without({"logs-1", "containers-healthy"}, set()),
    "ecs:ListServiceDeployments": Without(set(), set()),
    "ecs:DescribeServiceDeployments": Without(set(), {"rollout-complete"}),
    "ecs:DescribeServiceRevisions": Without(set(), set()),
    "ecr:DescribeImages": Without(set(), {"image-exists"}),
    "ecr:BatchGetImage": Without(set(), set()),
    "ecr:DescribeRepositories": Without(set(), set()),
    "ecr:GetDownloadUrlForLayer": Without(set(), set()),
    "logs:FilterLogEvents": Without({"logs-1"}, set()),
}


ONLY_WHERE_ASKED_FOR = {
    "cloudwatch:DescribeAlarmHistory",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "ecs:DescribeContainerInstances",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "ecs:ListServices",
}
"""Reads that a run makes only where a setting, a load balancer or a test asks for them."""

ONLY_FOR_HISTORY = {"ecs:ListServiceDeployments"}
"""Reads that a run makes only where the newest rollout is not all there is to tell."""


WITH_HEALTH = {
    "cloudwatch:DescribeAlarmHistory": Without({"alarms-ok"}, set()),
    "cloudwatch:DescribeAlarms": Without({"alarms-ok"}, set()),
    "cloudwatch:GetMetricData": Without({"error-rate"}, set()),
    "ecs:DescribeContainerInstances": Without({"targets-healthy"}, set()),
    "elasticloadbalancing:DescribeTargetGroups": Without({"error-rate"}, set()),
    "elasticloadbalancing:DescribeTargetHealth": Without({"targets-healthy"}, set()),
    # The same as above, and what of the health cannot be told then.
    "ecs:DescribeServices": Without({"tasks-running", "targets-healthy", "error-rate"}, set()),
    "ecs:ListTasks": Without({"tasks-run-image", "logs-1", "targets-healthy", "error-rate"}, {"tasks-running"}),
    "ecs:DescribeTasks": Without({"tasks-run-image", "logs-1", "targets-healthy", "error-rate"}, {"tasks-running"}),
    "ecs:DescribeServiceDeployments": Without(set(), {"rollout-complete"}),
}
"""What a role lacks that verifies a service with a load balancer on instances, an alarm and a limit of errors."""


def test_every_read_is_denied_once_below() -> None:
    """No operation is left out."""
    reads = {iam_action(service, operation) for service, names in READS.items() for operation in names}
    assert set(DENIALS) == reads - {"sts:GetCallerIdentity"} - ONLY_WHERE_ASKED_FOR
    elsewhere = {action for action in ONLY_WHERE_ASKED_FOR if action.startswith("logs:")}
    # Only blue/green deployments are asked for these.
    elsewhere |= {"elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeRules", "ecs:ListServices"}
    assert elsewhere | WITH_HEALTH.keys() >= ONLY_WHERE_ASKED_FOR


@pytest.mark.parametrize("action", DENIALS)
def test_one_action_that_is_denied(shop: Shop, action: str) -> None:
    """Only what no other permitted read answers is in error and names the action; a degraded answer says that it is."""
    # A version that is fixed by what it looks like, not only by what the repository says of its tags.
    shop.aws.tag_image("shop:2", "2.0")
    shop.configure({"shop": shop.settings(image="shop:2.0")})
    shop.aws.deny(action)
    is_told(shop, shop.verify(), action, *DENIALS[action])


@pytest.fixture
def web(shop: Shop) -> Shop:
    """Return an environment that verifies a service with a load balancer on instances, alarms and a limit of errors."""
    shop.add_web(launch_type="EC2", network_mode="bridge")
    quieted = shop.aws.create_alarm("latency", state="ALARM")
    quieted.set_state("OK", at=shop.aws.now())
    settings = shop.settings(service="web", alarms=["5xx", "latency"], error_rate={"max": 0.01})
    shop.configure({"web": settings})
    return shop


def test_nothing_about_health_that_is_denied(web: Shop) -> None:
    """With each action it is verified: the denials below make the difference."""
    assert web.verify().status == 0


@pytest.mark.parametrize("action", WITH_HEALTH)
def test_one_action_about_health_that_is_denied(web: Shop, action: str) -> None:
    """The checks of load balancers, alarms and metrics are in error; all else of the chain is judged."""
    web.aws.deny(action)
    is_told(web, web.verify(), action, *WITH_HEALTH[action])


def is_told(shop: Shop, run: Run, action: str, error: set[str], noted: set[str]) -> None:
    """See that these checks, and no others, are in error or noted, and name the action."""
    assert run.with_status("error") == error
    assert run.with_status("fail", "unproven") == set()
    for name in error:
        assert action in run.checks[name]["reason"]
        assert action in run.checks[name]["remedy"]
        assert action in run.text
    for name in noted:
        assert action in json.dumps(run.checks[name].get("notes")), run.checks[name]
    assert (run.status, run.document["verdict"]) == ((7, "UNPROVEN") if error else (0, "VERIFIED"))
    assert "Traceback" not in run.text
    assert shop.asked(action) or action in ONLY_FOR_HISTORY


def test_where_the_service_pulls_from_is_then_told_by_its_tasks(shop: Shop) -> None:
    """Without the task definition the tasks tell which repository is pulled from, and a note says so."""
    shop.aws.deny("ecs:DescribeTaskDefinition")
    check = shop.verify().checks["image-repository"]
    assert check["status"] == "pass"
    assert "ecs:DescribeTaskDefinition" in json.dumps(check.get("notes"))


@pytest.mark.parametrize("action", ["ecr:DescribeImages", "ecr:BatchGetImage"])
def test_a_repository_that_may_be_pulled_from_or_described_only(shop: Shop, action: str) -> None:
    """Either of ECR's two reads finds the digest; only one of them tells when it was pushed."""
    shop.aws.deny(action)
    run = shop.verify("--deploy-pushed-after=1h")
    assert run.checks["image-exists"]["status"] == "pass"
    assert run.checks["tasks-run-image"]["status"] == "pass"
    expected = "pass" if action == "ecr:BatchGetImage" else "error unproven"
    assert run.checks["image-pushed"]["status"] in expected


def test_no_access_to_the_registry(shop: Shop) -> None:
    """The checks on the image, and of what runs against it, are in error; the others go on."""
    shop.aws.deny("ecr:*")
    run = shop.verify()
    assert (run.status, run.verdict) == (7, ("UNPROVEN", "image"))
    assert {"image-exists", "tasks-run-image"} <= run.with_status("error")
    assert "ecr:" in run.checks["image-exists"]["reason"]
    assert run.with_status("fail") == set()
    assert run.checks["tasks-running"]["status"] == "pass"


def test_no_access_to_the_registry_but_a_digest_that_was_named(shop: Shop) -> None:
    """The running image can still be compared with a digest; its presence in the registry cannot be known."""
    digest = shop.service.running_tasks[0].image_digest
    shop.aws.deny("ecr:*")
    run = shop.verify(f"--deploy-image={digest}")
    assert run.checks["image-exists"]["status"] == "error"
    assert run.checks["tasks-run-image"]["status"] == "pass"
    assert (run.status, run.verdict) == (7, ("UNPROVEN", "image"))


def test_no_access_at_all(shop: Shop) -> None:
    """A caller that may look at nothing is told once, with the actions, and no report says anything."""
    shop.aws.deny("ec*")
    shop.aws.deny("logs:*")
    assert shop.verify().is_usage_error("ecs:DescribeServices", "denied", "allow", "'dev'")
