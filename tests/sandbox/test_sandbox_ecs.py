from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox, SandboxService
    from sandbox.conftest import Clients

_NUMBERS = count(1)


@pytest.fixture
def service(aws: Sandbox) -> SandboxService:
    """Return a service of two tasks that runs `NAME:latest`, two hours old, in a cluster of its own."""
    name = f"shop-{next(_NUMBERS)}"
    aws.push_image(f"{name}:1", {"app/main.py": "1"}, tags=("latest",), at=aws.now() - timedelta(hours=3))
    return aws.create_service(name, cluster=name, image=f"{name}:latest", desired=2, at=aws.now() - timedelta(hours=2))


def push_next(aws: Sandbox, service: SandboxService) -> str:
    """Push another image to the tag the service uses and return its digest."""
    return aws.push_image(f"{service.name}:2", {"app/main.py": "2"}, tags=("latest",)).digest


def described(client: Clients, service: SandboxService) -> dict[str, Any]:
    """Return the service as DescribeServices returns it."""
    answer = client("ecs").describe_services(cluster=service.cluster, services=[service.name])
    found: dict[str, Any] = answer["services"][0]
    return found


def tasks_of(client: Clients, service: SandboxService, **asked: Any) -> list[dict[str, Any]]:
    """Return the tasks of a service as ListTasks and DescribeTasks return them."""
    ecs = client("ecs")
    arns = ecs.list_tasks(cluster=service.cluster, serviceName=service.name, **asked)["taskArns"]
    found: list[dict[str, Any]] = []
    if arns:
        found = ecs.describe_tasks(cluster=service.cluster, tasks=arns)["tasks"]
    return found


def digests(tasks: list[dict[str, Any]]) -> list[str]:
    """Return the digests of all containers."""
    return [container["imageDigest"] for task in tasks for container in task["containers"]]


def test_a_new_service_is_stable(client: Clients, service: SandboxService) -> None:
    """One completed PRIMARY deployment, its tasks running the digest the tag had."""
    found = described(client, service)
    assert (found["desiredCount"], found["runningCount"], found["pendingCount"]) == (2, 2, 0)
    assert found["schedulingStrategy"] == "REPLICA"
    assert found["deploymentController"] == {"type": "ECS"}
    (deployment,) = found["deployments"]
    assert deployment["id"] == service.rollout.id
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "COMPLETED")
    assert deployment["taskDefinition"] == found["taskDefinition"]
    assert "has reached a steady state." in found["events"][0]["message"]
    tasks = tasks_of(client, service)
    assert len(tasks) == 2
    for task in tasks:
        assert task["startedBy"] == deployment["id"]
        assert task["group"] == f"service:{service.name}"
        assert task["launchType"] == "FARGATE"
        assert {"name": "ecs.cpu-architecture", "value": "x86_64"} in task["attributes"]
        assert task["attachments"][0]["details"][1]["name"] == "privateIPv4Address"
        assert task["createdAt"] < task["startedAt"]
        (container,) = task["containers"]
        assert container["image"].endswith(f"/{service.name}:latest")
        assert container["runtimeId"]
        assert container["healthStatus"] == "UNKNOWN"
    image = client("ecr").describe_images(repositoryName=service.name, imageIds=[{"imageTag": "latest"}])
    assert set(digests(tasks)) == {image["imageDetails"][0]["imageDigest"]}


def test_a_tag_is_resolved_once_per_rollout(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """After a push, restarts and scale-outs stay on the old digest; a rollout brings the new one."""
    (old,) = set(digests(tasks_of(client, service)))
    new = push_next(aws, service)
    before = {task.id for task in service.running_tasks}
    service.restart_tasks()
    assert before.isdisjoint({task.id for task in service.running_tasks})
    service.scale(3)
    assert digests(tasks_of(client, service)) == [old] * 3
    rollout = service.roll_out()
    assert digests(tasks_of(client, service)) == [new] * 3
    assert described(client, service)["deployments"][0]["id"] == rollout.id
    stopped = tasks_of(client, service, desiredStatus="STOPPED")
    assert {task["stopCode"] for task in stopped} == {"ServiceSchedulerInitiated"}
    assert all(task["stoppedAt"] and task["containers"][0]["exitCode"] == 0 for task in stopped)
    service.scale(1)
    assert len(tasks_of(client, service)) == 1


def test_a_stopped_task_is_replaced(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """The new task has the same rollout and digest; a stopped task cannot be replaced again."""
    (old,) = set(digests(tasks_of(client, service)))
    push_next(aws, service)
    dead, alive = service.running_tasks
    new = service.replace_task(dead, exit_code=137, container_reason="OutOfMemoryError")
    assert service.running_tasks == [alive, new]
    running = tasks_of(client, service)
    assert {task["taskArn"] for task in running} == {alive.arn, new.arn}
    assert digests(running) == [old] * 2
    assert {task["startedBy"] for task in running} == {service.rollout.id}
    (stopped,) = tasks_of(client, service, desiredStatus="STOPPED")
    assert (stopped["taskArn"], stopped["stopCode"]) == (dead.arn, "EssentialContainerExited")
    assert stopped["containers"][0]["exitCode"] == 137
    (deployment,) = described(client, service)["deployments"]
    assert (deployment["id"], deployment["rolloutState"]) == (service.rollout.id, "COMPLETED")
    new.log("I am new")
    with pytest.raises(ValueError, match="stopped already"):
        service.replace_task(dead)


def test_a_container_may_disable_version_consistency(aws: Sandbox, client: Clients) -> None:
    """Without version consistency, tasks of one rollout may differ."""
    aws.push_image("optout:1", {"a": "1"}, tags=("latest",))
    container = SandboxContainer(name="app", image="optout:latest", resolve_once=False)
    service = aws.create_service("optout", cluster="optout", containers=[container])
    aws.push_image("optout:2", {"a": "2"}, tags=("latest",))
    service.scale(2)
    assert len(set(digests(tasks_of(client, service)))) == 2


def test_a_rollout_in_progress_has_old_and_new_tasks(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Old and new tasks run, pending ones have no digest; only the new ones remain when it completes."""
    new = push_next(aws, service)
    rollout = service.roll_out(status="IN_PROGRESS", new_running=1, new_pending=1)
    tasks = tasks_of(client, service)
    assert sorted(task["lastStatus"] for task in tasks) == ["PENDING", "RUNNING", "RUNNING", "RUNNING"]
    (pending,) = (task for task in tasks if task["lastStatus"] == "PENDING")
    assert "imageDigest" not in pending["containers"][0]
    assert "startedAt" not in pending
    primary, active = described(client, service)["deployments"]
    assert (primary["status"], primary["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")
    assert (primary["desiredCount"], primary["runningCount"], primary["pendingCount"]) == (2, 1, 1)
    assert (active["status"], active["runningCount"]) == ("ACTIVE", 2)
    rollout.complete()
    assert digests(tasks_of(client, service)) == [new] * 2
    assert len(described(client, service)["deployments"]) == 1


def test_a_failed_rollout_leaves_the_old_tasks(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """The new tasks crashed with an exit code; the deployment is FAILED; the old tasks run."""
    (old,) = set(digests(tasks_of(client, service)))
    push_next(aws, service)
    service.roll_out(status="FAILED")
    assert digests(tasks_of(client, service)) == [old] * 2
    primary = described(client, service)["deployments"][0]
    assert (primary["rolloutState"], primary["failedTasks"]) == ("FAILED", 3)
    crashed = tasks_of(client, service, desiredStatus="STOPPED")
    assert {task["stopCode"] for task in crashed} == {"EssentialContainerExited"}
    assert {task["containers"][0]["exitCode"] for task in crashed} == {1}
    assert all(task["stoppedReason"] == "Essential container in task exited" for task in crashed)


def test_an_unknown_image_cannot_be_pulled(client: Clients, service: SandboxService) -> None:
    """The tasks of the rollout failed to start; a rollout that should succeed is refused."""
    with pytest.raises(LookupError, match="Tags of"):
        service.roll_out(f"{service.name}:nope")
    service.roll_out(f"{service.name}:nope", status="FAILED")
    stopped = tasks_of(client, service, desiredStatus="STOPPED")
    assert {task["stopCode"] for task in stopped} == {"TaskFailedToStart"}
    assert all(task["stoppedReason"].startswith("CannotPullContainerError") for task in stopped)
    assert all("startedAt" not in task for task in stopped)


@pytest.mark.parametrize("reason", ["circuit breaker", "alarm"])
def test_a_rollback_shows_as_ecs_shows_it(
    aws: Sandbox,
    client: Clients,
    service: SandboxService,
    reason: Any,
) -> None:
    """A new PRIMARY deployment has the old digest; the service deployment has the rollback."""
    (old,) = set(digests(tasks_of(client, service)))
    push_next(aws, service)
    first, failed = service.rollout, service.roll_out(status="FAILED")
    alarms = ["backend-5xx"] if reason == "alarm" else []
    back = service.roll_back(reason=reason, alarms=alarms)
    (primary,) = described(client, service)["deployments"]
    assert primary["id"] == back.id not in {first.id, failed.id}
    assert f"rolling back to deploymentId {first.id}" in primary["rolloutStateReason"]
    assert digests(tasks_of(client, service)) == [old] * 2
    newest, oldest = client("ecs").list_service_deployments(cluster=service.cluster, service=service.name)[
        "serviceDeployments"
    ]
    assert (newest["status"], oldest["status"]) == ("ROLLBACK_SUCCESSFUL", "SUCCESSFUL")
    answer = client("ecs").describe_service_deployments(
        serviceDeploymentArns=[newest["serviceDeploymentArn"], "arn:aws:ecs:us-east-1:1:x"]
    )
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]
    (whole,) = answer["serviceDeployments"]
    assert whole["rollback"]["serviceRevisionArn"] == first.revision_arn
    assert whole["targetServiceRevision"]["arn"] == failed.revision_arn
    assert whole.get("alarms", {}).get("triggeredAlarmNames", []) == alarms
    assert whole["deploymentCircuitBreaker"]["failureCount"] == 3


def test_a_rollback_in_progress(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """The service deployment is ROLLBACK_IN_PROGRESS until the rollback is over."""
    push_next(aws, service)
    service.roll_out(status="IN_PROGRESS")
    service.roll_back(status="IN_PROGRESS")
    newest = client("ecs").list_service_deployments(cluster=service.cluster, service=service.name)
    assert newest["serviceDeployments"][0]["status"] == "ROLLBACK_IN_PROGRESS"
    with pytest.raises(ValueError, match="no unfinished rollout"):
        aws.create_service("fresh", cluster="fresh", image=f"{service.name}:1").roll_back()


def test_service_revisions_name_the_digests(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """A revision has the digest to which each image was resolved."""
    new = push_next(aws, service)
    rollout = service.roll_out()
    answer = client("ecs").describe_service_revisions(serviceRevisionArns=[rollout.revision_arn])
    (revision,) = answer["serviceRevisions"]
    assert revision["containerImages"][0]["imageDigest"] == new
    assert revision["containerImages"][0]["containerName"] == "app"


def test_service_deployments_may_be_unknown(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """The sandbox can refuse the operations that simple emulators lack."""
    ecs = client("ecs")
    assert aws.service_deployments
    aws.service_deployments = False
    try:
        with pytest.raises(ecs.exceptions.ClientError, match="UnknownOperationException"):
            ecs.list_service_deployments(cluster=service.cluster, service=service.name)
    finally:
        aws.service_deployments = True
    since = {"after": aws.now() - timedelta(hours=1), "before": aws.now()}
    listed = ecs.list_service_deployments(
        cluster=service.cluster, service=service.name, createdAt=since, status=["SUCCESSFUL"]
    )
    assert listed["serviceDeployments"] == []


def test_records_of_unknown_services_and_too_many_are_refused(client: Clients, service: SandboxService) -> None:
    """The errors are those of ECS: a service that does not exist, and more ARNs than a call takes."""
    ecs = client("ecs")
    with pytest.raises(ecs.exceptions.ServiceNotFoundException):
        ecs.list_service_deployments(cluster=service.cluster, service="nowhere")
    for arns in ([], [f"{service.arn}/{number}" for number in range(21)]):
        with pytest.raises(ecs.exceptions.InvalidParameterException, match="Between 1 and 20"):
            ecs.describe_service_deployments(serviceDeploymentArns=arns)
        with pytest.raises(ecs.exceptions.InvalidParameterException, match="Between 1 and 20"):
            ecs.describe_service_revisions(serviceRevisionArns=arns)


def test_all_containers_are_described(aws: Sandbox, client: Clients) -> None:
    """Definition and tasks have every container, with its own log configuration and health."""
    aws.push_image("many:1", {"a": "1"})
    aws.create_service(
        "many",
        cluster="many",
        containers=[
            SandboxContainer(name="app", image="many:1", health="HEALTHY", mode="non-blocking"),
            SandboxContainer(
                name="proxy", image="public.ecr.aws/nginx/nginx:1", essential=False, log_region="eu-west-1"
            ),
            SandboxContainer(name="router", image="many:1", log_driver="awsfirelens"),
            SandboxContainer(name="quiet", image="many:1", log_driver=""),
        ],
    )
    ecs = client("ecs")
    definition = ecs.describe_task_definition(taskDefinition="many")["taskDefinition"]
    app, proxy, router, quiet = definition["containerDefinitions"]
    assert app["logConfiguration"]["options"] == {
        "awslogs-group": "/ecs/many",
        "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "ecs",
        "mode": "non-blocking",
    }
    assert proxy["logConfiguration"]["options"]["awslogs-region"] == "eu-west-1"
    assert proxy["essential"] is False
    assert router["logConfiguration"] == {"logDriver": "awsfirelens", "options": {}}
    assert "logConfiguration" not in quiet
    arns = ecs.list_tasks(cluster="many", family="many")["taskArns"]
    (task,) = ecs.describe_tasks(cluster="many", tasks=arns)["tasks"]
    assert [each["name"] for each in task["containers"]] == ["app", "proxy", "router", "quiet"]
    assert [each["healthStatus"] for each in task["containers"]] == ["HEALTHY", *["UNKNOWN"] * 3]
    assert task["healthStatus"] == "UNKNOWN", "an essential container without health check leaves it unknown"
    assert len({each["imageDigest"] for each in task["containers"]}) == 2


def test_a_new_image_registers_a_new_definition(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Another reference registers a revision; the same reference does not."""
    aws.push_image(f"{service.name}:3", {"a": "3"})
    service.roll_out()
    assert service.definition.revision == 1
    service.roll_out(f"{service.name}:3")
    found = client("ecs").describe_task_definition(taskDefinition=f"{service.name}:2")["taskDefinition"]
    assert found["containerDefinitions"][0]["image"].endswith(":3")
    with pytest.raises(client("ecs").exceptions.ClientException):
        client("ecs").describe_task_definition(taskDefinition="unknown")


def test_tasks_are_listed_in_pages(client: Clients, service: SandboxService) -> None:
    """ListTasks returns maxResults tasks in a page, with a token for the next."""
    service.scale(5)
    pages = list(
        client("ecs").get_paginator("list_tasks").paginate(cluster=service.cluster, PaginationConfig={"PageSize": 2})
    )
    assert [len(page["taskArns"]) for page in pages] == [2, 2, 1]
    with pytest.raises(client("ecs").exceptions.InvalidParameterException):
        client("ecs").list_tasks(cluster=service.cluster, nextToken="?")


def test_a_draining_task_is_not_listed_as_running(client: Clients, service: SandboxService) -> None:
    """A task that is being stopped is listed among the STOPPED while it still runs."""
    task = service.running_tasks[0]
    task.drain()
    assert task.arn not in {each["taskArn"] for each in tasks_of(client, service)}
    (draining,) = tasks_of(client, service, desiredStatus="STOPPED")
    assert draining["taskArn"] == task.arn
    assert draining["containers"][0]["lastStatus"] == "RUNNING"
    assert "stoppedAt" not in draining


def test_stopped_tasks_are_listed_for_an_hour(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Tasks that stopped more than an hour ago are not listed."""
    service.running_tasks[0].stop(exit_code=137, at=aws.now() - timedelta(minutes=61))
    service.running_tasks[0].stop("SpotInterruption", "Your Spot Task was interrupted.", exit_code=137)
    (seen,) = tasks_of(client, service, desiredStatus="STOPPED")
    assert (seen["stopCode"], seen["containers"][0]["exitCode"]) == ("SpotInterruption", 137)


def test_a_standalone_task_belongs_to_no_service(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """A task of the same family that no service started is listed by family only."""
    task = aws.run_task(service.name, cluster=service.cluster, image=f"{service.name}:1", started_by="me")
    assert task.arn not in {each["taskArn"] for each in tasks_of(client, service)}
    listed = client("ecs").list_tasks(cluster=service.cluster, family=service.name, startedBy="me")
    assert listed["taskArns"] == [task.arn]


def test_unknown_resources_are_reported_as_in_ecs(client: Clients, service: SandboxService) -> None:
    """Unknown clusters raise; unknown services and tasks are failures; too many names are refused."""
    ecs = client("ecs")
    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.describe_services(cluster="nowhere", services=["x"])
    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        client("ecs", "eu-west-1").list_tasks(cluster=service.cluster)
    with pytest.raises(ecs.exceptions.ServiceNotFoundException):
        ecs.list_tasks(cluster=service.cluster, serviceName="nope")
    answer = ecs.describe_services(cluster=service.cluster, services=["nope", service.name])
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]
    assert len(answer["services"]) == 1
    with pytest.raises(ecs.exceptions.InvalidParameterException):
        ecs.describe_services(cluster=service.cluster, services=[str(number) for number in range(11)])
    missing = ecs.describe_tasks(cluster=service.cluster, tasks=["0" * 32])
    assert [failure["reason"] for failure in missing["failures"]] == ["MISSING"]
    with pytest.raises(ecs.exceptions.InvalidParameterException):
        ecs.describe_tasks(cluster=service.cluster, tasks=[str(number) for number in range(101)])
    assert ecs.list_services(cluster=service.cluster)["serviceArns"] == [service.arn]


def test_code_deploy_has_task_sets(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """With another deployment controller a service has task sets in place of deployments."""
    aws.create_service("blue", cluster="blue", image=f"{service.name}:1", controller="CODE_DEPLOY")
    (found,) = client("ecs").describe_services(cluster="blue", services=["blue"])["services"]
    assert found["deployments"] == []
    assert [(each["status"], each["stabilityStatus"]) for each in found["taskSets"]] == [("PRIMARY", "STEADY_STATE")]


def test_a_service_is_created_once(aws: Sandbox, service: SandboxService) -> None:
    """A second service of the same name is refused."""
    with pytest.raises(ValueError, match="already"):
        aws.create_service(service.name, cluster=service.cluster, image=f"{service.name}:1")
    with pytest.raises(ValueError, match="either image or containers"):
        aws.create_service("neither", cluster="neither")
    with pytest.raises(LookupError, match="nothing was pushed"):
        aws.create_service("unpushed", cluster="unpushed", image="unpushed:1")


def test_services_are_found_by_cluster_and_tags(aws: Sandbox, client: Clients) -> None:
    """Clusters and services are listed in pages; tags are described on request."""
    aws.push_image("tagged:1", {"a": "1"})
    names = [f"tagged-{number:02}" for number in range(12)]
    for name in names:
        aws.create_service(name, cluster="tagged", image="tagged:1", tags={"team": name})
    ecs = client("ecs")
    pages = [page["serviceArns"] for page in ecs.get_paginator("list_services").paginate(cluster="tagged")]
    assert [len(page) for page in pages] == [10, 2]
    arns = [arn for page in pages for arn in page]
    found = ecs.describe_services(cluster="tagged", services=arns[:2], include=["TAGS"])["services"]
    assert [service["tags"] for service in found] == [[{"key": "team", "value": name}] for name in names[:2]]
    assert "tags" not in ecs.describe_services(cluster="tagged", services=arns[:1])["services"][0]
    assert [arn for arn in ecs.list_clusters()["clusterArns"] if arn.endswith(":cluster/tagged")]
