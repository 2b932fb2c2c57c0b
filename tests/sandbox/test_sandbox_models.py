from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from pytest_deploycheck.sandbox import Sandbox, SandboxContainer, SandboxService, stops
from pytest_deploycheck.sandbox.api import elbv2
from pytest_deploycheck.sandbox.api.logs.live_tail import start_live_tail
from pytest_deploycheck.sandbox.api.server import OPERATIONS

if TYPE_CHECKING:
    from sandbox.conftest import Clients

TYPES: dict[str, Any] = {
    "boolean": bool,
    "double": (float, int),
    "integer": int,
    "list": list,
    "long": int,
    "map": dict,
    "string": str,
    "structure": dict,
    "timestamp": datetime,
}
"""The Python types of the values of a shape."""

SESSION = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1")
BOTO_NAMES = {"elasticloadbalancing": "elbv2"}


def output_shape(operation: str) -> Any:
    """Return the shape of the answers of an operation, given as `service:Operation`."""
    service, _, name = operation.partition(":")
    model = SESSION.client(BOTO_NAMES.get(service, service)).meta.service_model  # type: ignore[call-overload]
    return model.operation_model(name).output_shape


def deviations(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Yield the places where a value is not of a shape."""
    kind = shape.type_name
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{path}: {value!r} is not of type {kind}"
    elif kind == "structure":
        yield from (f"{path}.{name}: unknown member" for name in value.keys() - shape.members.keys())
        for name in value.keys() & shape.members.keys():
            yield from deviations(value[name], shape.members[name], f"{path}.{name}")
    elif kind == "list":
        for item in value:
            yield from deviations(item, shape.member, f"{path}[]")
    elif kind == "map":
        for key, item in value.items():
            yield from deviations(item, shape.value, f"{path}[{key}]")
    elif kind == "string" and shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is not one of {shape.enum}"


def staged(aws: Sandbox) -> SandboxService:
    """Create a service with a blue/green rollout that pauses, and with all that a container can have."""
    container = SandboxContainer(
        name="app",
        image="models:1",
        health="HEALTHY",
        environment={"MODE": "dev"},
        secrets={"KEY": "arn:aws:secretsmanager:us-east-1:123456789012:secret:key"},
        mounts={"/data": "data"},
        memory=256,
    )
    router = SandboxContainer(name="router", image="models:1", firelens="fluentbit", log_driver="")
    service = aws.create_service(
        "staged",
        cluster="models",
        containers=[container, router],
        desired=2,
        strategy="BLUE_GREEN",
        bake_minutes=5,
        alarms=["models-5xx"],
        hooks=["POST_TEST_TRAFFIC_SHIFT"],
        target_groups=["models-blue"],
        alternate_target_groups=["models-green"],
        volumes={"data": {"efsVolumeConfiguration": {"fileSystemId": "fs-1"}}},
        proxy="router",
        tags={"team": "shop"},
        at=aws.now() - timedelta(hours=1),
    )
    rollout = service.roll_out(status="IN_PROGRESS", new_running=1, at=aws.now() - timedelta(minutes=5))
    rollout.stage = "POST_TEST_TRAFFIC_SHIFT"
    return service


def rolled_back(aws: Sandbox) -> SandboxService:
    """Create a service whose rollout crashed and was rolled back."""
    service = aws.create_service("rolled-back", cluster="models", image="models:1", at=aws.now() - timedelta(hours=1))
    rollout = service.roll_out("models:2", status="IN_PROGRESS", new_running=1)
    rollout.crash(**stops.OUT_OF_MEMORY)
    rollout.fail()
    service.roll_back()
    return service


@pytest.fixture(scope="module")
def services(aws: Sandbox) -> list[SandboxService]:
    """Return services of every kind, on a cluster with standalone tasks, alarms, metrics and logs."""
    for tag in "12":
        aws.push_image(f"models:{tag}", {"a": tag}, at=aws.now() - timedelta(hours=2))
    aws.run_task("migration", cluster="models", image="models:1", started_by="ci").stop()
    aws.create_alarm("models-5xx", state="ALARM")
    aws.create_alarm("models-all", composite=True)
    made = [
        staged(aws),
        rolled_back(aws),
        aws.create_service(
            "instances", cluster="models", image="models:1", launch_type="EC2", network_mode="bridge", desired=2
        ),
        aws.create_service(
            "sets", cluster="models", image="models:1", controller="CODE_DEPLOY", target_groups=["models-sets"]
        ),
    ]
    for service in made:
        service.log("hello")
    made[0].serve(10, errors=1)
    return made


def make_calls(aws: Sandbox, client: Clients, services: list[SandboxService]) -> None:
    """Call all operations that the sandbox answers itself."""
    ecs, ecr, logs, elb, cloudwatch = map(client, ("ecs", "ecr", "logs", "elbv2", "cloudwatch"))
    cluster, names = "models", [service.name for service in services]
    ecs.list_clusters()
    ecs.list_services(cluster=cluster)
    ecs.describe_services(cluster=cluster, services=[*names, "x"], include=["TAGS"])
    for service in services:
        ecs.describe_task_definition(taskDefinition=service.definition.arn)
        listed = ecs.list_service_deployments(cluster=cluster, service=service.name)["serviceDeployments"]
        arns = [one["serviceDeploymentArn"] for one in listed]
        ecs.describe_service_deployments(serviceDeploymentArns=[*arns, "x"])
        revisions = [one["targetServiceRevisionArn"] for one in listed]
        ecs.describe_service_revisions(serviceRevisionArns=[*revisions, "x"])
    for desired in ("RUNNING", "STOPPED"):
        arns = ecs.list_tasks(cluster=cluster, desiredStatus=desired)["taskArns"]
        tasks = ecs.describe_tasks(cluster=cluster, tasks=[*arns, "x"])["tasks"]
        instances = {task["containerInstanceArn"] for task in tasks if "containerInstanceArn" in task}
        ecs.describe_container_instances(cluster=cluster, containerInstances=[*instances, "x"])
    ecr.describe_repositories()
    ecr.describe_images(repositoryName="models")
    ecr.batch_get_image(repositoryName="models", imageIds=[{"imageTag": "1"}, {"imageTag": "x"}])
    layer = aws.push_image("models:3", {"a": "3"}).layers[0].digest
    ecr.get_download_url_for_layer(repositoryName="models", layerDigest=layer)
    log_calls(aws, logs, services[1])
    groups = elb.describe_target_groups()["TargetGroups"]
    for group in groups:
        elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    elb.describe_load_balancers()
    (balancer,) = ecs.describe_services(cluster=cluster, services=["staged"])["services"][0]["loadBalancers"]
    rule = balancer["advancedConfiguration"]["productionListenerRule"]
    elb.describe_rules(RuleArns=[rule])
    elb.describe_listeners(ListenerArns=[rule.replace(":listener-rule/", ":listener/").rpartition("/")[0]])
    metric_calls(aws, cloudwatch)


def log_calls(aws: Sandbox, logs: Any, service: SandboxService) -> None:
    """Call the operations of CloudWatch Logs."""
    (task, *_) = service.running_tasks
    group, now = f"/ecs/{service.name}", int(aws.now().timestamp())
    events = [{"timestamp": now * 1000, "message": "put"}]
    logs.put_log_events(logGroupName=group, logStreamName=f"ecs/app/{task.id}", logEvents=events)
    logs.filter_log_events(logGroupName=group)
    asked = {"startTime": now - 3600, "endTime": now + 60, "queryString": "fields @message"}
    query = logs.start_query(logGroupName=group, **asked)["queryId"]
    for _ in range(2):
        logs.get_query_results(queryId=query)


def metric_calls(aws: Sandbox, cloudwatch: Any) -> None:
    """Call the operations of CloudWatch."""
    alarm = {"Namespace": "shop", "MetricName": "errors", "Statistic": "Sum", "Period": 60, "Threshold": 1.0}
    cloudwatch.put_metric_alarm(
        AlarmName="put", EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", **alarm
    )
    cloudwatch.set_alarm_state(AlarmName="put", StateValue="OK", StateReason="test")
    kinds = ["MetricAlarm", "CompositeAlarm"]
    cloudwatch.describe_alarms(AlarmTypes=kinds)
    cloudwatch.describe_alarm_history(AlarmTypes=kinds)
    cloudwatch.put_metric_data(Namespace="shop", MetricData=[{"MetricName": "errors", "Value": 1.0}])
    stat = {"Metric": {"Namespace": "shop", "MetricName": "errors"}, "Period": 60, "Stat": "Sum"}
    cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "errors", "MetricStat": stat}],
        StartTime=aws.now() - timedelta(hours=1),
        EndTime=aws.now() + timedelta(minutes=1),
    )


def test_answers_are_of_the_shapes_of_the_service_models(
    aws: Sandbox, client: Clients, services: list[SandboxService]
) -> None:
    """Each operation that the sandbox answers itself has the members and types of the operation's output shape."""
    answers: dict[str, list[Any]] = {}

    def keep(answer: dict[str, Any]) -> dict[str, Any]:
        answers.setdefault(aws.calls[-1].operation, []).append(answer)
        return answer

    aws.corrupt("*", keep)
    make_calls(aws, client, services)
    own = {f"{service}:{name}" for service, operations in OPERATIONS.items() for name in operations}
    assert answers.keys() == own | {f"elasticloadbalancing:{name}" for name in elbv2.OPERATIONS}
    for operation, given in answers.items():
        shape = output_shape(operation)
        for answer in given:
            found = list(deviations(answer, shape, operation)) if shape else list(answer)
            assert found == []


def test_events_of_live_tails_are_of_the_shapes_of_the_service_model(aws: Sandbox) -> None:
    """The events of a live tail have the members and types of its event stream, as they bypass the other answers."""
    aws.log("/tail", "one", "hello", arrives_in=0.0)
    arn = f"arn:aws:logs:us-east-1:{aws.account}:log-group:/tail"
    asked = {"logGroupIdentifiers": [arn], "logStreamNames": ["one"], "logEventFilterPattern": "hello"}
    tail = start_live_tail(aws._world, "us-east-1", asked)
    aws.log("/tail", "one", "hello again")
    events = {"sessionStart": tail.start(), "sessionUpdate": tail.update()}
    assert len(events["sessionUpdate"]["sessionResults"]) == 1
    shape = output_shape("logs:StartLiveTail").members["responseStream"]
    assert list(deviations(events, shape, "logs:StartLiveTail")) == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"clusters": [{"clusterName": "a", "runningTasksCount": 1}]}, []),
        ({"cluster": []}, ["x.cluster: unknown member"]),
        ({"clusters": [{"name": "a"}]}, ["x.clusters[].name: unknown member"]),
        ({"clusters": {}}, ["x.clusters: {} is not of type list"]),
        ({"clusters": ["a"]}, ["x.clusters[]: 'a' is not of type structure"]),
        ({"clusters": [{"clusterName": None}]}, ["x.clusters[].clusterName: None is not of type string"]),
        ({"clusters": [{"runningTasksCount": True}]}, ["x.clusters[].runningTasksCount: True is not of type integer"]),
    ],
)
def test_deviations_from_a_shape_are_found(answer: dict[str, Any], expected: list[str]) -> None:
    """Unknown members and values of another type are found at any depth; members may be missing."""
    assert list(deviations(answer, output_shape("ecs:DescribeClusters"), "x")) == expected
