from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox, SandboxService
    from sandbox.conftest import Clients

_NUMBERS = count(1)


@pytest.fixture(params=["CODE_DEPLOY", "EXTERNAL"])
def service(aws: Sandbox, request: pytest.FixtureRequest) -> SandboxService:
    """Return a service of two tasks with another deployment controller than ECS, and two target groups."""
    aws.push_image("sets:1", {"a": "1"}, tags=("latest",))
    name = f"sets-{next(_NUMBERS)}"
    return aws.create_service(
        name,
        cluster=name,
        image="sets:latest",
        desired=2,
        controller=request.param,
        target_groups=[f"{name}-blue"],
        alternate_target_groups=[f"{name}-green"],
        at=aws.now() - timedelta(hours=1),
    )


def described(client: Clients, service: SandboxService) -> dict[str, Any]:
    """Return the service as DescribeServices returns it."""
    (found,) = client("ecs").describe_services(cluster=service.cluster, services=[service.name])["services"]
    return dict(found)


def sets(client: Clients, service: SandboxService) -> dict[str, tuple[str, str, int, int]]:
    """Return status, stability, desired and running count of each task set by its id."""
    return {
        one["id"]: (one["status"], one["stabilityStatus"], one["computedDesiredCount"], one["runningCount"])
        for one in described(client, service)["taskSets"]
    }


def test_services_with_task_sets_have_no_deployments(client: Clients, service: SandboxService) -> None:
    """They have task sets instead, and no service deployments."""
    found = described(client, service)
    assert found["deployments"] == []
    assert "currentServiceDeployment" not in found
    assert "strategy" not in found["deploymentConfiguration"]
    (first,) = found["taskSets"]
    assert first["startedBy" if service.controller == "CODE_DEPLOY" else "status"] in {"CODE_DEPLOY", "PRIMARY"}
    assert ("startedBy" in first) is ("externalId" in first) is (service.controller == "CODE_DEPLOY")
    ecs = client("ecs")
    assert ecs.list_service_deployments(cluster=service.cluster, service=service.name)["serviceDeployments"] == []
    answer = ecs.describe_service_deployments(serviceDeploymentArns=[service.rollout.deployment_arn])
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]
    answer = ecs.describe_service_revisions(serviceRevisionArns=[service.rollout.revision_arn])
    assert answer["serviceRevisions"] == []


def test_traffic_shifts_from_the_old_to_the_new(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """The new task set is ACTIVE, then PRIMARY; once complete, it is the only one, and the old tasks have stopped."""
    aws.push_image("sets:2", {"a": "2"})
    old = service.rollout
    new = service.roll_out("sets:2", status="IN_PROGRESS", new_running=1, new_pending=1)
    assert sets(client, service) == {
        new.id: ("ACTIVE", "STABILIZING", 2, 1),
        old.id: ("PRIMARY", "STEADY_STATE", 2, 2),
    }
    assert described(client, service)["taskDefinition"] == old.definition.arn
    new.tasks[1].start(aws.now())
    assert sets(client, service)[new.id] == ("ACTIVE", "STEADY_STATE", 2, 2)
    assert service.production is old
    new.shift_traffic()
    assert {each: shown[0] for each, shown in sets(client, service).items()} == {new.id: "PRIMARY", old.id: "ACTIVE"}
    assert described(client, service)["taskDefinition"] == new.definition.arn
    assert service.production is new
    new.complete()
    assert sets(client, service) == {new.id: ("PRIMARY", "STEADY_STATE", 2, 2)}
    assert {task.last_status for task in old.tasks} == {"STOPPED"}
    assert "has reached a steady state." in described(client, service)["events"][0]["message"]


def test_tasks_name_their_task_set(client: Clients, service: SandboxService) -> None:
    """A task is started by the id of its task set."""
    new = service.roll_out(status="IN_PROGRESS", new_running=1)
    ecs = client("ecs")
    arns = ecs.list_tasks(cluster=service.cluster, startedBy=new.id)["taskArns"]
    (task,) = ecs.describe_tasks(cluster=service.cluster, tasks=arns)["tasks"]
    assert task["startedBy"] == new.id
    assert task["group"] == f"service:{service.name}"


def test_a_failed_task_set_is_deleted(client: Clients, service: SandboxService) -> None:
    """The old task set keeps serving; the stopped tasks are still listed."""
    old = service.rollout
    failed = service.roll_out(status="FAILED")
    assert sets(client, service) == {old.id: ("PRIMARY", "STEADY_STATE", 2, 2)}
    ecs = client("ecs")
    stopped = ecs.list_tasks(cluster=service.cluster, serviceName=service.name, desiredStatus="STOPPED")["taskArns"]
    assert set(stopped) == {task.arn for task in failed.tasks}


def test_a_failure_after_the_shift_returns_the_traffic(client: Clients, service: SandboxService) -> None:
    """The old task set is PRIMARY again, after a crash of the new tasks and after a rollback."""
    old = service.rollout
    for take_back in (False, True):
        new = service.roll_out(status="IN_PROGRESS", new_running=2)
        new.shift_traffic()
        if take_back:
            assert service.roll_back() is old
        else:
            new.fail()
        assert sets(client, service) == {old.id: ("PRIMARY", "STEADY_STATE", 2, 2)}
        assert {task.last_status for task in new.tasks} == {"STOPPED"}


def test_each_task_set_has_its_own_target_group(client: Clients, service: SandboxService) -> None:
    """The service has the target groups of the task set that serves users; only CodeDeploy alternates by itself."""
    new = service.roll_out(status="IN_PROGRESS", new_running=2)
    if service.controller == "EXTERNAL":
        service.shift_targets()
    found = described(client, service)
    groups = {one["id"]: one["loadBalancers"][0]["targetGroupArn"] for one in found["taskSets"]}
    (blue,), (green,) = service.target_groups, service.alternate_target_groups
    assert groups == {new.id: green, service.rollouts[0].id: blue}
    assert [one["targetGroupArn"] for one in found["loadBalancers"]] == [blue]
    assert "advancedConfiguration" not in found["loadBalancers"][0]
    health = client("elbv2").describe_target_health(TargetGroupArn=green)["TargetHealthDescriptions"]
    assert {one["Target"]["Id"] for one in health} == {task.private_ip for task in new.tasks}
    new.shift_traffic()
    assert [one["targetGroupArn"] for one in described(client, service)["loadBalancers"]] == [green]


def test_an_unhealthy_task_set_is_not_steady(client: Clients, service: SandboxService) -> None:
    """All its tasks must be healthy for the load balancer."""
    service.running_tasks[0].target_health = "unhealthy"
    assert sets(client, service)[service.rollout.id] == ("PRIMARY", "STABILIZING", 2, 2)


def test_a_service_that_ecs_deploys_has_no_task_sets(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """It has deployments in their place, and no traffic to shift."""
    plain = aws.create_service(f"{service.name}-ecs", cluster=service.cluster, image="sets:latest")
    assert "taskSets" not in described(client, plain)
    with pytest.raises(ValueError, match="no task sets"):
        plain.rollout.shift_traffic()
