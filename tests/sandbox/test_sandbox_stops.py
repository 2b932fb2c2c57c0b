from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox import SandboxContainer, stops

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.sandbox import Sandbox, SandboxService
    from pytest_deploycheck.sandbox.stops import Stop
    from sandbox.conftest import Clients

_NUMBERS = count(1)
_GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/1"


@pytest.fixture
def make(aws: Sandbox) -> Callable[..., SandboxService]:
    """Return a factory of services of two tasks, an hour old, whose application has a health check."""
    aws.push_image("stopping:1", {"a": "1"}, tags=("latest",))

    def create(**more: Any) -> SandboxService:
        name = f"stopping-{next(_NUMBERS)}"
        container = SandboxContainer(name="app", image="stopping:latest", health="HEALTHY")
        asked = {"containers": [container], "desired": 2, "at": aws.now() - timedelta(hours=1), **more}
        return aws.create_service(name, cluster=name, **asked)

    return create


@pytest.fixture
def service(make: Callable[..., SandboxService]) -> SandboxService:
    """Return a service whose application has a health check."""
    return make()


def tasks_of(client: Clients, service: SandboxService, status: str = "RUNNING") -> list[dict[str, Any]]:
    """Return the tasks of a service as DescribeTasks returns them."""
    ecs = client("ecs")
    arns = ecs.list_tasks(cluster=service.cluster, serviceName=service.name, desiredStatus=status)["taskArns"]
    return list(ecs.describe_tasks(cluster=service.cluster, tasks=arns)["tasks"]) if arns else []


def described(client: Clients, service: SandboxService) -> dict[str, Any]:
    """Return the service as DescribeServices returns it."""
    (found,) = client("ecs").describe_services(cluster=service.cluster, services=[service.name])["services"]
    return dict(found)


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (stops.CRASHED, ("EssentialContainerExited", "Essential container in task exited", 1)),
        (stops.OUT_OF_MEMORY, ("EssentialContainerExited", "Essential container in task exited", 137)),
        (stops.UNHEALTHY_CONTAINER, ("ServiceSchedulerInitiated", "Task failed container health checks", 137)),
        (
            stops.unhealthy_target(_GROUP),
            ("ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {_GROUP})", 137),
        ),
        (stops.NO_SECRETS, ("TaskFailedToStart", "ResourceInitializationError: unable to pull secrets", None)),
        (stops.NO_LOG_GROUP, ("TaskFailedToStart", "ResourceInitializationError: failed to validate", None)),
        (stops.cannot_pull("shop:1"), ("TaskFailedToStart", "CannotPullContainerError: pull image manifest", None)),
        (stops.CANNOT_START, ("TaskFailedToStart", "Task failed to start", None)),
    ],
)
def test_tasks_stop_with_the_reasons_of_ecs(
    client: Clients, service: SandboxService, stop: Stop, expected: tuple[str, str, int | None]
) -> None:
    """Code, reason and exit code are described; a task that never ran has no start; each counts as failed."""
    code, reason, exit_code = expected
    rollout = service.roll_out(status="IN_PROGRESS", new_running=0)
    stopped = rollout.crash(2, **stop)
    found = tasks_of(client, service, "STOPPED")
    assert {task["taskArn"] for task in found} == {task.arn for task in stopped}
    ran = exit_code is not None
    for task in found:
        (container,) = task["containers"]
        assert task["stopCode"] == code
        assert task["stoppedReason"].startswith(reason)
        assert task["startedBy"] == rollout.id
        assert container.get("exitCode") == exit_code
        assert container.get("reason", "") == stop.get("container_reason", "")
        assert ("startedAt" in task) is ("runtimeId" in container) is ("imageDigest" in container) is ran
        assert task["createdAt"] <= task.get("startedAt", task["createdAt"]) <= task["stoppedAt"]
    assert described(client, service)["deployments"][0]["failedTasks"] == 2


def test_failures_count_until_a_task_runs(client: Clients, service: SandboxService) -> None:
    """Failures add up, except stops that are not failures, and are reset once a task of the rollout runs."""
    rollout = service.roll_out(status="IN_PROGRESS", new_running=0)
    rollout.crash()
    rollout.crash(2, **stops.NO_SECRETS)
    rollout.crash(**stops.BY_USER)
    rollout.crash(**stops.SPOT)
    rollout.crash(**stops.MAINTENANCE)
    assert described(client, service)["deployments"][0]["failedTasks"] == 3
    rollout.complete()
    assert described(client, service)["deployments"][0]["failedTasks"] == 0


def test_a_crash_has_its_time(aws: Sandbox, service: SandboxService) -> None:
    """The task stops at the given time, and started within its rollout."""
    began = aws.now() - timedelta(minutes=10)
    rollout = service.roll_out(at=began, status="IN_PROGRESS", new_running=0)
    (early,) = rollout.crash(at=began + timedelta(seconds=5))
    (late,) = rollout.crash(at=began + timedelta(minutes=5))
    assert early.created_at == began
    assert early.started_at == early.stopped_at == began + timedelta(seconds=5)
    assert late.started_at
    assert late.stopped_at
    assert late.stopped_at - late.started_at == timedelta(seconds=15)


def test_stops_by_ecs_have_a_service_event(client: Clients, service: SandboxService) -> None:
    """A service event names the stopped task."""
    (task,) = service.roll_out(status="IN_PROGRESS", new_running=0).crash(**stops.unhealthy_target(_GROUP))
    events = [event["message"] for event in described(client, service)["events"]]
    assert f"(service {service.name}) has stopped 1 running tasks: (task {task.id})." in events


def test_a_deleted_service_drains(client: Clients, service: SandboxService) -> None:
    """It is not listed and its desired count is 0, while its tasks run; then it is INACTIVE and they have stopped."""
    ecs = client("ecs")
    service.delete()
    found = described(client, service)
    assert (found["status"], found["desiredCount"]) == ("DRAINING", 0)
    assert ecs.list_services(cluster=service.cluster)["serviceArns"] == []
    assert tasks_of(client, service) == []
    assert {task["lastStatus"] for task in tasks_of(client, service, "STOPPED")} == {"DEACTIVATING"}
    service.vanish()
    found = described(client, service)
    assert (found["status"], found["runningCount"], found["deployments"]) == ("INACTIVE", 0, [])
    assert {task["lastStatus"] for task in tasks_of(client, service, "STOPPED")} == {"STOPPED"}
    assert ecs.list_services(cluster=service.cluster)["serviceArns"] == []


def test_a_deletion_may_be_immediate(client: Clients, service: SandboxService) -> None:
    """With force the service is INACTIVE at once."""
    service.delete(force=True)
    assert described(client, service)["status"] == "INACTIVE"
    assert service.tasks == []


def test_the_name_of_a_deleted_service_is_free(
    aws: Sandbox, client: Clients, make: Callable[..., SandboxService]
) -> None:
    """It is not free while the service drains, as in AWS."""
    service = make()
    service.delete()
    with pytest.raises(ValueError, match="already"):
        aws.create_service(service.name, cluster=service.cluster, image="stopping:latest")
    service.vanish()
    aws.create_service(service.name, cluster=service.cluster, image="stopping:latest")
    assert described(client, service)["status"] == "ACTIVE"
    assert len(tasks_of(client, service, "STOPPED")) == 2


@pytest.mark.parametrize("deleted", [False, True])
def test_a_service_is_recreated(
    aws: Sandbox, client: Clients, make: Callable[..., SandboxService], *, deleted: bool
) -> None:
    """ARN and target groups stay; its time, deployment and tasks are new; the old tasks are listed as stopped."""
    old = make(target_groups=["recreated"], strategy="BLUE_GREEN")
    before = described(client, old)
    if deleted:
        old.delete()
    new = aws.replace_service(old)
    after = described(client, new)
    for same in ("serviceArn", "loadBalancers", "desiredCount", "deploymentConfiguration", "taskDefinition"):
        assert after[same] == before[same], same
    assert after["createdAt"] > before["createdAt"]
    assert after["status"] == "ACTIVE"
    assert after["deployments"][0]["id"] != before["deployments"][0]["id"]
    assert {task["taskArn"] for task in tasks_of(client, new)} == {task.arn for task in new.running_tasks}
    assert {task["taskArn"] for task in tasks_of(client, new, "STOPPED")} == {task.arn for task in old.all_tasks}
    records = client("ecs").list_service_deployments(cluster=new.cluster, service=new.name)["serviceDeployments"]
    assert [record["serviceDeploymentArn"] for record in records] == [new.rollout.deployment_arn]
    aws.push_image("stopping:2", {"a": "2"})
    newer = new.recreate("stopping:2", desired=1)
    assert len(newer.running_tasks) == 1
    assert newer.running_tasks[0].image_digest != new.all_tasks[0].image_digest


def test_one_task_may_be_unhealthy(client: Clients, service: SandboxService) -> None:
    """A task has the health that is set, in place of that of its container, until it is removed."""
    ill, well = service.running_tasks
    shown = {}
    for health in ("UNHEALTHY", "UNKNOWN", None):
        ill.health = health
        assert ill.health == health
        shown[health] = {task["taskArn"]: task["healthStatus"] for task in tasks_of(client, service)}
    assert shown == {
        "UNHEALTHY": {ill.arn: "UNHEALTHY", well.arn: "HEALTHY"},
        "UNKNOWN": {ill.arn: "UNKNOWN", well.arn: "HEALTHY"},
        None: {ill.arn: "HEALTHY", well.arn: "HEALTHY"},
    }


def test_the_worst_essential_container_decides(client: Clients, make: Callable[..., SandboxService]) -> None:
    """UNHEALTHY precedes UNKNOWN precedes HEALTHY; containers that are not essential do not count."""
    service = make(
        containers=[
            SandboxContainer(name="app", image="stopping:latest", health="HEALTHY"),
            SandboxContainer(name="unchecked", image="stopping:latest"),
            SandboxContainer(name="ill", image="stopping:latest", health="UNHEALTHY", essential=False),
        ],
        desired=1,
    )
    (task,) = tasks_of(client, service)
    assert task["healthStatus"] == "UNKNOWN"
    service.running_tasks[0].health = "UNHEALTHY"
    (task,) = tasks_of(client, service)
    assert task["healthStatus"] == "UNHEALTHY"
    assert [each["healthStatus"] for each in task["containers"]] == ["UNHEALTHY", "UNKNOWN", "UNHEALTHY"]


def test_only_checked_containers_have_a_health(make: Callable[..., SandboxService]) -> None:
    """A container without a health check has no health to set."""
    service = make(containers=[SandboxContainer(name="app", image="stopping:latest")])
    with pytest.raises(ValueError, match="health check"):
        service.running_tasks[0].health = "UNHEALTHY"
    service.running_tasks[0].health = None
