"""Telling services apart in what ECS answers."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_ecs import ECSClient

from pytest_deploycheck.observe.ecs import services as ecs
from pytest_deploycheck.observe.ecs import tasks
from pytest_deploycheck.observe.ecs.records import RolloutRecords
from pytest_deploycheck.observe.problems import IncompleteAnswerError
from pytest_deploycheck.observe.session import Session


def client(*described: dict[str, Any]) -> ECSClient:
    """A client whose one answer is fixed: no emulator gives such answers."""
    return cast("ECSClient", SimpleNamespace(describe_services=lambda **_: {"services": list(described)}))


def service(number: int, status: str = "ACTIVE") -> dict[str, Any]:
    """A service named shop, as ECS describes it."""
    arn = f"arn:aws:ecs:us-east-1:123456789012:service/shop-{number}/shop"
    counts = {"desiredCount": 1, "runningCount": 1, "pendingCount": 0}
    return {"serviceArn": arn, "serviceName": "shop", "status": status, **counts}


def test_two_services_of_one_name_are_not_guessed_between() -> None:
    """If two living services answer to a name, neither is taken for the expected one."""
    found = ecs.services(client(service(1), service(2)), "default", ["shop"])

    assert found.ambiguous == ("shop",)
    assert not found.services


def test_a_deleted_service_does_not_stand_in_the_way() -> None:
    """A service that was deleted and made again is the living one."""
    found = ecs.services(client(service(1, "INACTIVE"), service(2)), "default", ["shop"])

    assert found.services["shop"].arn.endswith("shop-2/shop")


def test_a_service_that_is_only_remembered_is_missing() -> None:
    """A deleted service is not one to verify."""
    found = ecs.services(client(service(1, "INACTIVE")), "default", ["shop"])

    assert found.missing == ("shop",)


def test_an_answer_that_was_cut_short_is_no_answer() -> None:
    """Botocore makes an empty answer of a truncated one; it does not mean that there is no service."""
    empty = cast("ECSClient", SimpleNamespace(describe_services=lambda **_: {}))

    found = ecs.services(empty, "default", ["shop"])

    assert "services" in found.problems["shop"].message
    assert not found.missing


def test_a_task_that_could_not_be_described_is_not_left_out() -> None:
    """A running task that ECS lists and does not describe may run anything: the answer is not whole."""
    pages = [{"taskArns": ["task/one", "task/two"]}, {"taskArns": []}]
    one = {
        "taskArn": "task/one",
        "taskDefinitionArn": "task-definition/shop:1",
        "lastStatus": "RUNNING",
        "desiredStatus": "RUNNING",
    }
    answering = SimpleNamespace(
        list_tasks=lambda **_: pages.pop(0),
        describe_tasks=lambda **_: {"tasks": [one], "failures": [{"arn": "task/two", "reason": "MISSING"}]},
    )

    with pytest.raises(IncompleteAnswerError, match="task/two"):
        tasks.tasks(cast("ECSClient", answering), "default", "shop")


@pytest.mark.parametrize("service", ["shop", "arn:aws:ecs:us-east-1:123456789012:service/default/shop"])
def test_a_task_of_another_service_is_not_one_of_this(service: str) -> None:
    """ECS lists it among those of the service, and its group names another one; without a group it counts."""
    groups = {"one": "service:shop", "two": "service:shop-worker", "three": "family:shop", "four": None}
    described = [
        {
            "taskArn": f"task/{name}",
            "taskDefinitionArn": "task-definition/shop:1",
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            **({"group": group} if group else {}),
        }
        for name, group in groups.items()
    ]
    answering = cast(
        "ECSClient",
        SimpleNamespace(
            list_tasks=lambda **_: {"taskArns": [one["taskArn"] for one in described]},
            describe_tasks=lambda **_: {"tasks": described},
        ),
    )
    own = ["task/one", "task/three", "task/four"]
    assert [one.arn for one in tasks.tasks(answering, "default", service)] == own
    found, problem = tasks.tasks_by_service(answering, "default", [service])[service]
    assert [one.arn for one in found or ()] == own
    assert problem is None


def test_a_rollout_that_could_not_be_described_is_not_left_out() -> None:
    """Without the newest record the one before it would be taken for the newest."""
    moment = datetime(2025, 11, 26, tzinfo=UTC)
    answering = SimpleNamespace(
        list_service_deployments=lambda **_: {
            "serviceDeployments": [{"serviceDeploymentArn": "rollout/2", "createdAt": moment}]
        },
        describe_service_deployments=lambda **_: {"serviceDeployments": [], "failures": [{"arn": "rollout/2"}]},
    )

    session = cast("Session", SimpleNamespace(ecs=lambda: answering))

    records, problem = RolloutRecords(session, "default").service_deployments("shop", None)

    assert records is None
    assert problem
    assert "rollout/2" in problem.message


def balanced(number: int, *groups: str) -> dict[str, Any]:
    """A task set behind target groups, one for each place in its list."""
    moment = datetime(2025, 11, 26, 11, number, tzinfo=UTC)
    return {
        "id": f"ecs-svc/{number}",
        "status": "ACTIVE",
        "taskDefinition": "shop:1",
        "createdAt": moment,
        "loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 80} for group in groups],
    }


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ([balanced(1, "public", "admin")], [("public",), ("admin",)]),
        ([balanced(1, "blue"), balanced(2, "green")], [("blue", "green")]),
        ([balanced(1, "blue", "admin"), balanced(2, "green", "admin")], [("blue", "green"), ("admin",)]),
    ],
    ids=["one set, two groups", "two sets take turns", "two sets take turns in one of two places"],
)
def test_which_target_groups_take_turns(sets: list[dict[str, Any]], expected: list[tuple[str, ...]]) -> None:
    """Task sets take turns place by place; the groups of one set are never each other's stand-in."""
    found = ecs.services(client({**service(1), "taskSets": sets}), "default", ["shop"]).services["shop"]
    assert [one.target_groups for one in found.load_balancers] == expected


@pytest.mark.parametrize("serving", ["blue", "green"])
def test_the_task_set_that_is_primary_serves_production(serving: str) -> None:
    """With CodeDeploy no listener rule is named: the PRIMARY task set tells which target group serves."""
    sets = [{**balanced(1, "blue"), "status": "ACTIVE"}, {**balanced(2, "green"), "status": "ACTIVE"}]
    sets[["blue", "green"].index(serving)]["status"] = "PRIMARY"
    found = ecs.services(client({**service(1), "taskSets": sets}), "default", ["shop"]).services["shop"]
    (balancer,) = found.load_balancers
    assert balancer.target_groups == ("blue", "green")
    assert balancer.production_group == serving


def test_the_production_listener_rule_of_a_service() -> None:
    """The rule, or of a Network Load Balancer the listener, tells which of two target groups serves."""
    advanced = {"alternateTargetGroupArn": "green", "productionListenerRule": "rule"}
    own = {"targetGroupArn": "blue", "containerName": "app", "containerPort": 80, "advancedConfiguration": advanced}
    found = ecs.services(client({**service(1), "loadBalancers": [own]}), "default", ["shop"]).services["shop"]
    (balancer,) = found.load_balancers
    assert (balancer.target_groups, balancer.production_rule) == (("blue", "green"), "rule")


def test_the_roles_of_containers_in_a_task_definition() -> None:
    """A container with firelensConfiguration and the one of proxyConfiguration serve the others."""
    containers: list[dict[str, Any]] = [
        {"name": "app", "image": "app:1"},
        {"name": "log_router", "image": "router:1", "firelensConfiguration": {"type": "fluentbit"}},
        {"name": "envoy", "image": "envoy:1"},
    ]
    answer: dict[str, Any] = {"taskDefinitionArn": "arn", "containerDefinitions": containers}
    answer["proxyConfiguration"] = {"type": "APPMESH", "containerName": "envoy"}
    ecs_client = cast("ECSClient", SimpleNamespace(describe_task_definition=lambda **_: {"taskDefinition": answer}))

    definition = ecs.task_definition(ecs_client, "arn")

    assert [one.name for one in definition.containers if one.serves_others] == ["log_router", "envoy"]


def test_a_cluster_that_does_not_exist_is_not_asked_for_service_after_service() -> None:
    """Each service has the problem after as many calls as it takes to ask for all of them once."""
    calls: list[list[str]] = []

    def describe_services(*, services: list[str], **_: Any) -> dict[str, Any]:
        calls.append(services)
        raise ClientError({"Error": {"Code": "ClusterNotFoundException", "Message": "No."}}, "DescribeServices")

    missing = cast("ECSClient", SimpleNamespace(describe_services=describe_services))
    names = [f"shop-{number}" for number in range(25)]

    found = ecs.services(missing, "nowhere", names)

    assert {name: problem.code for name, problem in found.problems.items()} == dict.fromkeys(
        names, "ClusterNotFoundException"
    )
    assert len(calls) <= 3


def test_the_paths_at_which_a_container_mounts_something() -> None:
    """Files below them are not those of the image: volumes of its own, of other containers and in memory count."""
    app: dict[str, Any] = {
        "name": "app",
        "image": "app:1",
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
        "volumesFrom": [{"sourceContainer": "lender"}],
        "linuxParameters": {"tmpfs": [{"containerPath": "/run", "size": 64}]},
    }
    lender = {"name": "lender", "image": "app:1", "mountPoints": [{"sourceVolume": "lent", "containerPath": "/lent"}]}
    answer = {"taskDefinitionArn": "arn", "containerDefinitions": [app, lender]}
    ecs_client = cast("ECSClient", SimpleNamespace(describe_task_definition=lambda **_: {"taskDefinition": answer}))

    mounts = [one.mounts for one in ecs.task_definition(ecs_client, "arn").containers]

    assert mounts == [("/data", "/lent", "/run"), ("/lent",)]
