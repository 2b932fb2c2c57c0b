from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.sandbox import Sandbox, SandboxService
    from sandbox.conftest import Clients

_NUMBERS = count(1)


@pytest.fixture
def make(aws: Sandbox) -> Callable[..., SandboxService]:
    """Return a factory of services of two tasks, an hour old."""
    aws.push_image("staged:1", {"a": "1"}, tags=("latest",))

    def create(**more: Any) -> SandboxService:
        name = f"staged-{next(_NUMBERS)}"
        asked = {"desired": 2, "at": aws.now() - timedelta(hours=1), **more}
        return aws.create_service(name, cluster=name, image="staged:latest", **asked)

    return create


def described(client: Clients, service: SandboxService) -> dict[str, Any]:
    """Return the service as DescribeServices returns it."""
    (found,) = client("ecs").describe_services(cluster=service.cluster, services=[service.name])["services"]
    return dict(found)


def newest(client: Clients, service: SandboxService) -> dict[str, Any]:
    """Return the whole record of the newest service deployment."""
    ecs = client("ecs")
    brief = ecs.list_service_deployments(cluster=service.cluster, service=service.name)["serviceDeployments"][0]
    (found,) = ecs.describe_service_deployments(serviceDeploymentArns=[brief["serviceDeploymentArn"]])[
        "serviceDeployments"
    ]
    return dict(found)


@pytest.mark.parametrize(
    ("strategy", "more"),
    [
        ("ROLLING", {}),
        ("BLUE_GREEN", {}),
        ("LINEAR", {"linearConfiguration": {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}}),
        ("CANARY", {"canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10}}),
    ],
)
def test_the_deployment_configuration_is_described(
    client: Clients, make: Callable[..., SandboxService], strategy: str, more: dict[str, Any]
) -> None:
    """Service and service deployment have the same strategy, bake time, alarms and circuit breaker."""
    service = make(strategy=strategy, bake_minutes=5, alarms=["5xx", "slow"], circuit_breaker=False)
    configuration = described(client, service)["deploymentConfiguration"]
    assert configuration == {
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "alarms": {"alarmNames": ["5xx", "slow"], "enable": True, "rollback": True},
        "strategy": strategy,
        "bakeTimeInMinutes": 5,
        **more,
    }
    record = newest(client, service)
    assert record["deploymentConfiguration"] == configuration
    assert record["deploymentCircuitBreaker"]["status"] == "DISABLED"
    assert record["alarms"] == {"status": "MONITORING_COMPLETE", "alarmNames": ["5xx", "slow"]}


def test_a_rolling_update_has_no_stages(client: Clients, make: Callable[..., SandboxService]) -> None:
    """It has a rollout state, but neither stage nor weights."""
    service = make()
    rollout = service.roll_out(status="IN_PROGRESS")
    rollout.stage = "BAKE_TIME"
    assert described(client, service)["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    record = newest(client, service)
    assert "lifecycleStage" not in record
    assert "requestedProductionTrafficWeight" not in record["targetServiceRevision"]
    assert record["alarms"] == {"status": "DISABLED"}
    with pytest.raises(ValueError, match="no hooks"):
        make(hooks=["POST_SCALE_UP"])


def test_a_bake_runs_beside_the_old_tasks(client: Clients, make: Callable[..., SandboxService]) -> None:
    """It has stage and weights, but no state; afterwards the new tasks get all traffic."""
    service = make(strategy="BLUE_GREEN", bake_minutes=10)
    first = service.rollout
    rollout = service.roll_out(status="IN_PROGRESS", new_running=2)
    assert newest(client, service)["lifecycleStage"] == "SCALE_UP"
    assert newest(client, service)["targetServiceRevision"]["requestedProductionTrafficWeight"] == 0.0
    rollout.stage = "BAKE_TIME"
    record = newest(client, service)
    assert (record["status"], record["lifecycleStage"]) == ("IN_PROGRESS", "BAKE_TIME")
    assert record["targetServiceRevision"] == {
        "arn": rollout.revision_arn,
        "requestedTaskCount": 2,
        "runningTaskCount": 2,
        "pendingTaskCount": 0,
        "requestedTestTrafficWeight": 100.0,
        "requestedProductionTrafficWeight": 100.0,
    }
    (source,) = record["sourceServiceRevisions"]
    assert (source["arn"], source["runningTaskCount"]) == (first.revision_arn, 2)
    assert source["requestedProductionTrafficWeight"] == 0.0
    found = described(client, service)
    assert [each["status"] for each in found["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert all("rolloutState" not in each for each in found["deployments"])
    assert service.production is rollout
    rollout.complete()
    record = newest(client, service)
    assert (record["status"], record.get("lifecycleStage")) == ("SUCCESSFUL", None)
    assert record["targetServiceRevision"]["requestedProductionTrafficWeight"] == 100.0


def test_a_canary_has_its_share(client: Clients, make: Callable[..., SandboxService]) -> None:
    """A weight is shown for both revisions, and the old tasks still serve users."""
    service = make(strategy="CANARY")
    rollout = service.roll_out(status="IN_PROGRESS", new_running=2)
    rollout.stage, rollout.production_weight = "PRODUCTION_TRAFFIC_SHIFT", 5.0
    record = newest(client, service)
    assert record["targetServiceRevision"]["requestedProductionTrafficWeight"] == 5.0
    assert record["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"] == 95.0
    assert service.production is not rollout


def test_a_pause_waits_for_an_action(client: Clients, make: Callable[..., SandboxService]) -> None:
    """The hook that awaits an action has its id and its expiry."""
    service = make(strategy="BLUE_GREEN", hooks=["POST_TEST_TRAFFIC_SHIFT"])
    (hook,) = described(client, service)["deploymentConfiguration"]["lifecycleHooks"]
    assert (hook["targetType"], hook["lifecycleStages"]) == ("PAUSE", ["POST_TEST_TRAFFIC_SHIFT"])
    rollout = service.roll_out(status="IN_PROGRESS", new_running=2)
    assert "lifecycleHookDetails" not in newest(client, service)
    rollout.paused_at = "POST_TEST_TRAFFIC_SHIFT"
    record = newest(client, service)
    assert record["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    (detail,) = record["lifecycleHookDetails"]
    assert detail["hookId"].startswith("ecs-pause-")
    assert (detail["targetType"], detail["status"], detail["timeoutAction"]) == ("PAUSE", "AWAITING_ACTION", "ROLLBACK")
    assert detail["expiresAt"] - record["updatedAt"] == timedelta(days=1)
    assert record["targetServiceRevision"]["requestedTestTrafficWeight"] == 100.0
    assert record["targetServiceRevision"]["requestedProductionTrafficWeight"] == 0.0
    assert len(described(client, service)["deploymentConfiguration"]["lifecycleHooks"]) == 1
    rollout.paused_at = ""
    assert "lifecycleHookDetails" not in newest(client, service)


def test_hooks_may_be_given_as_the_model_has_them(client: Clients, make: Callable[..., SandboxService]) -> None:
    """A Lambda hook is described as it is given, and a pause without a hook gets one."""
    hook = {"hookTargetArn": "arn:aws:lambda:us-east-1:1:function:f", "lifecycleStages": ["POST_SCALE_UP"]}
    service = make(strategy="BLUE_GREEN", hooks=[hook])
    service.roll_out(status="IN_PROGRESS").paused_at = "PRE_SCALE_UP"
    first, second = described(client, service)["deploymentConfiguration"]["lifecycleHooks"]
    assert first == hook
    assert (second["targetType"], second["lifecycleStages"]) == ("PAUSE", ["PRE_SCALE_UP"])


def test_blue_and_green_alternate(client: Clients, make: Callable[..., SandboxService]) -> None:
    """The tasks of each blue/green rollout register in the other target group."""
    service = make(strategy="BLUE_GREEN", target_groups=["turns-blue"], alternate_target_groups=["turns-green"])
    blue, green = service.target_groups, service.alternate_target_groups
    assert service.rollout.target_groups == blue
    rollout = service.roll_out(status="IN_PROGRESS", new_running=2)
    service.shift_targets()
    assert rollout.target_groups == green
    back = service.roll_back(reason="alarm", alarms=["5xx"])
    assert back.target_groups == blue
    assert service.roll_out().target_groups == green
    assert service.roll_out().target_groups == blue
    answer = client("ecs").describe_service_revisions(serviceRevisionArns=[rollout.revision_arn])
    (resolved,) = answer["serviceRevisions"][0]["resolvedConfiguration"]["loadBalancers"]
    assert resolved["targetGroupArn"] == green[0]
    assert ":listener-rule/" in resolved["productionListenerRule"]


def test_an_alarm_rolls_healthy_tasks_back(client: Clients, make: Callable[..., SandboxService]) -> None:
    """ECS stopped the tasks without a failure, and the alarm is named."""
    service = make(alarms=["5xx"])
    failed = service.roll_out(status="IN_PROGRESS", new_running=2)
    service.roll_back(reason="alarm", alarms=["5xx"])
    assert {task.stop_code for task in failed.tasks} == {"ServiceSchedulerInitiated"}
    record = newest(client, service)
    assert record["status"] == "ROLLBACK_SUCCESSFUL"
    assert record["alarms"] == {"status": "TRIGGERED", "alarmNames": ["5xx"], "triggeredAlarmNames": ["5xx"]}
    assert record["deploymentCircuitBreaker"]["failureCount"] == 0
    events = [event["message"] for event in described(client, service)["events"]]
    assert any("deployment failed: alarm detected." in event for event in events)


def test_the_service_names_its_current_deployment(
    aws: Sandbox, client: Clients, make: Callable[..., SandboxService]
) -> None:
    """The newest record and the revisions with tasks; none where ECS has no service deployments."""
    service = make()
    first = service.rollout
    found = described(client, service)
    assert found["currentServiceDeployment"] == first.deployment_arn
    rollout = service.roll_out(status="IN_PROGRESS", new_running=1, new_pending=1)
    found = described(client, service)
    assert found["currentServiceDeployment"] == rollout.deployment_arn
    assert found["currentServiceRevisions"] == [
        {"arn": first.revision_arn, "requestedTaskCount": 2, "runningTaskCount": 2, "pendingTaskCount": 0},
        {"arn": rollout.revision_arn, "requestedTaskCount": 2, "runningTaskCount": 1, "pendingTaskCount": 1},
    ]
    back = service.roll_back()
    (revision,) = described(client, service)["currentServiceRevisions"]
    assert revision["arn"] == back.revision_arn == first.revision_arn
    aws.service_deployments = False
    try:
        assert "currentServiceDeployment" not in described(client, service)
    finally:
        aws.service_deployments = True


@pytest.mark.parametrize(("desired", "threshold"), [(1, 3), (6, 3), (9, 5), (1000, 200)])
def test_the_circuit_breaker_has_aws_threshold(
    client: Clients, make: Callable[..., SandboxService], desired: int, threshold: int
) -> None:
    """The threshold is half of the desired count, at least 3 and at most 200."""
    service = make()
    service.desired = desired
    assert newest(client, service)["deploymentCircuitBreaker"]["threshold"] == threshold


def test_without_circuit_breaker_ecs_does_not_give_up(make: Callable[..., SandboxService]) -> None:
    """A rollout of such a service cannot fail; one with a circuit breaker stops."""
    with pytest.raises(ValueError, match="no circuit breaker"):
        make(circuit_breaker=False).roll_out(status="FAILED")


def test_a_failed_rollout_has_stopped(client: Clients, make: Callable[..., SandboxService]) -> None:
    """The record of a rollout that was not rolled back has the time at which it stopped."""
    service = make()
    service.roll_out(status="FAILED")
    record = newest(client, service)
    assert record["status"] == "STOPPED"
    assert record["stoppedAt"] == record["finishedAt"]


def test_only_ecs_has_strategies(make: Callable[..., SandboxService]) -> None:
    """Strategies are refused with other deployment controllers."""
    with pytest.raises(ValueError, match="Only ECS"):
        make(strategy="CANARY", controller="CODE_DEPLOY")


def test_a_rollback_may_return_to_the_earlier_deployment_itself(
    aws: Sandbox, client: Clients, make: Callable[..., SandboxService]
) -> None:
    """As in simple emulators the old deployment is PRIMARY again, older than the push, beside a later FAILED one."""
    service = make()
    good = service.rollout
    image = aws.push_image("staged:2", {"a": "2"}, tags=("latest",), at=aws.now() - timedelta(minutes=1))
    failed = service.roll_out(status="FAILED")
    assert service.roll_back(same_deployment=True) is good
    shown = {each["id"]: each for each in described(client, service)["deployments"]}
    assert [(each["status"], each["rolloutState"]) for each in shown.values()] == [
        ("ACTIVE", "FAILED"),
        ("PRIMARY", "COMPLETED"),
    ]
    assert shown[good.id]["createdAt"] < image.pushed_at < shown[failed.id]["createdAt"]
    assert shown[failed.id]["failedTasks"] == 3
    stopped = client("ecs").list_tasks(cluster=service.cluster, desiredStatus="STOPPED")["taskArns"]
    assert set(stopped) == {task.arn for task in failed.tasks}
    assert [task.started_by for task in service.running_tasks] == [good.id, good.id]
    assert described(client, service)["taskDefinition"] == good.definition.arn
