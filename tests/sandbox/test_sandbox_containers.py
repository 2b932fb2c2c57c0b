"""The containers of tasks and their definitions, read with boto3."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox import SandboxContainer

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox, SandboxService, SandboxTask

    from .conftest import Clients

ROUTER = "906394416424.dkr.ecr.us-east-1.amazonaws.com/aws-for-fluent-bit:stable"


def described(client: Clients, task: SandboxTask) -> dict[str, Any]:
    """Return a task as DescribeTasks shows it."""
    (found,) = client("ecs").describe_tasks(cluster=task.cluster, tasks=[task.arn])["tasks"]
    return dict(found)


def containers(client: Clients, task: SandboxTask) -> dict[str, dict[str, Any]]:
    """Return the containers of a task by name."""
    return {each["name"]: each for each in described(client, task)["containers"]}


def definition(client: Clients, service: SandboxService) -> dict[str, Any]:
    """Return the task definition of a service."""
    answer = client("ecs").describe_task_definition(taskDefinition=service.definition.arn)
    return dict(answer["taskDefinition"])


def with_helper(aws: Sandbox, name: str, **settings: Any) -> SandboxService:
    """Create a service whose tasks have an application and a helper container."""
    aws.push_image(f"{name}:1", {"a": name})
    both = [SandboxContainer(name="app", image=f"{name}:1"), SandboxContainer(name="helper", image=f"{name}:1")]
    return aws.create_service(name, cluster=name, containers=both, at=aws.now() - timedelta(hours=1), **settings)


def test_a_container_may_have_stopped_while_its_task_runs(aws: Sandbox, client: Clients) -> None:
    """A container that exited keeps its exit code and reason, beside a task and containers that are RUNNING."""
    (task,) = with_helper(aws, "exited").running_tasks
    task.set_container("app", "STOPPED", exit_code=0, reason="done")
    app, helper = containers(client, task).values()
    assert (app["lastStatus"], app["exitCode"], app["reason"]) == ("STOPPED", 0, "done")
    assert helper["lastStatus"] == described(client, task)["lastStatus"] == "RUNNING"
    assert "exitCode" not in helper
    task.stop(exit_code=3)
    assert containers(client, task)["app"]["exitCode"] == 3


def test_a_container_may_be_pending_while_its_task_runs(aws: Sandbox, client: Clients) -> None:
    """A container that has not started has neither runtime id nor exit code."""
    (task,) = with_helper(aws, "waiting").running_tasks
    task.set_container("helper", "PENDING")
    helper = containers(client, task)["helper"]
    assert helper["lastStatus"] == "PENDING"
    assert {"runtimeId", "exitCode"}.isdisjoint(helper)
    with pytest.raises(LookupError, match="app, helper"):
        task.set_container("nope", "STOPPED")


def test_a_task_may_be_counted_without_being_listed(aws: Sandbox, client: Clients) -> None:
    """ListTasks can leave a task out that the service counts and DescribeTasks describes."""
    service = with_helper(aws, "unlisted", desired=2)
    hidden, shown = service.running_tasks
    hidden.is_listed = False
    assert client("ecs").list_tasks(cluster="unlisted")["taskArns"] == [shown.arn]
    (found,) = client("ecs").describe_services(cluster="unlisted", services=["unlisted"])["services"]
    assert found["runningCount"] == 2
    assert described(client, hidden)["lastStatus"] == "RUNNING"


def test_a_task_may_have_an_unknown_status(aws: Sandbox, client: Clients) -> None:
    """An unknown status is shown for task and container, while the service counts the task."""
    (task,) = with_helper(aws, "hibernating").running_tasks
    task.shown_status = "HIBERNATING"
    task.set_container("app", "HIBERNATING")
    assert described(client, task)["lastStatus"] == "HIBERNATING"
    assert containers(client, task)["app"]["lastStatus"] == "HIBERNATING"
    (found,) = client("ecs").describe_services(cluster="hibernating", services=["hibernating"])["services"]
    assert found["runningCount"] == 1


def test_a_container_pinned_by_digest_may_show_no_digest(aws: Sandbox, client: Clients) -> None:
    """The image keeps the digest it is pinned to where `imageDigest` is missing."""
    image = aws.push_image("pinned:1", {"a": "1"})
    app = SandboxContainer(name="app", image=image.uri_by_digest, shows_digest=False)
    (task,) = aws.create_service("pinned", cluster="pinned", containers=[app]).running_tasks
    shown = containers(client, task)["app"]
    assert shown["image"] == image.uri_by_digest
    assert "imageDigest" not in shown


def test_a_task_definition_has_the_settings_of_containers(aws: Sandbox, client: Clients) -> None:
    """Environment, secrets, mounts, volumes, sizes and the roles of helper containers are described."""
    aws.push_image("whole:1", {"a": "1"})
    aws.push_image(ROUTER, {"fluent-bit": "1"})
    app = SandboxContainer(
        name="app",
        image="whole:1",
        cpu=128,
        memory=256,
        environment={"STAGE": "dev"},
        secrets={"TOKEN": "arn:aws:ssm:us-east-1:123456789012:parameter/token"},
        mounts={"/app/data": "data", "/scratch": "scratch"},
        log_driver="awsfirelens",
        log_options={"Name": "cloudwatch_logs", "log_group_name": "/whole", "log_stream_prefix": "out-"},
    )
    router = SandboxContainer(name="log_router", image=ROUTER, firelens="fluentbit")
    service = aws.create_service(
        "whole",
        cluster="whole",
        containers=[app, router, SandboxContainer(name="envoy", image="whole:1")],
        cpu=1024,
        memory=2048,
        volumes={"data": {"efsVolumeConfiguration": {"fileSystemId": "fs-1"}}},
        proxy="envoy",
    )
    found = definition(client, service)
    first, second, _ = found["containerDefinitions"]
    assert (found["cpu"], found["memory"], first["cpu"], first["memory"]) == ("1024", "2048", 128, 256)
    assert first["environment"] == [{"name": "STAGE", "value": "dev"}]
    assert first["secrets"] == [{"name": "TOKEN", "valueFrom": app.secrets["TOKEN"]}]
    assert first["mountPoints"] == [
        {"sourceVolume": "data", "containerPath": "/app/data", "readOnly": False},
        {"sourceVolume": "scratch", "containerPath": "/scratch", "readOnly": False},
    ]
    assert {volume["name"]: volume for volume in found["volumes"]} == {
        "data": {"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}},
        "scratch": {"name": "scratch", "host": {}},
    }
    assert first["logConfiguration"]["options"] == app.log_options
    assert second["firelensConfiguration"] == {"type": "fluentbit"}
    assert second["image"] == ROUTER
    assert found["proxyConfiguration"]["containerName"] == "envoy"
    (task,) = service.running_tasks
    assert described(client, task)["cpu"] == "1024"
    assert containers(client, task)["app"]["memory"] == "256"


def test_a_log_router_wraps_lines_in_json(aws: Sandbox, client: Clients) -> None:
    """A routed line is an envelope with the line in `log`, in the stream that the options of the driver name."""
    aws.push_image("routed:1", {"a": "1"})
    options = {"log_stream_prefix": "out-"}
    app = SandboxContainer(name="app", image="routed:1", log_driver="awsfirelens", log_options=options)
    service = aws.create_service("routed", cluster="routed", containers=[app])
    service.log('key "platform"', router=True)
    (task,) = service.running_tasks
    (event,) = client("logs").filter_log_events(logGroupName="/ecs/routed")["events"]
    assert event["logStreamName"] == f"out-app-firelens-{task.id}"
    wrapped = json.loads(event["message"])
    assert (wrapped["log"], wrapped["container_name"], wrapped["source"]) == ('key "platform"', "app", "stdout")
