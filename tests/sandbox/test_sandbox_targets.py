from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_deploycheck.sandbox import Sandbox, SandboxService
    from sandbox.conftest import Clients

_NUMBERS = count(1)


@pytest.fixture
def behind(aws: Sandbox) -> Callable[..., SandboxService]:
    """Return a factory of services of two tasks, each with its own target group."""
    aws.push_image("behind:1", {"a": "1"}, tags=("latest",))

    def make(**more: Any) -> SandboxService:
        name = f"behind-{next(_NUMBERS)}"
        asked = {"target_groups": [name], "desired": 2, "at": aws.now() - timedelta(hours=1), **more}
        return aws.create_service(name, cluster=name, image="behind:latest", **asked)

    return make


def health(client: Clients, arn: str, **asked: Any) -> dict[str, tuple[str, str]]:
    """Return state and reason of each target in a target group, by its id and port."""
    found = client("elbv2").describe_target_health(TargetGroupArn=arn, **asked)["TargetHealthDescriptions"]
    return {
        f"{one['Target']['Id']}:{one['Target']['Port']}": (
            one["TargetHealth"]["State"],
            one["TargetHealth"].get("Reason", ""),
        )
        for one in found
    }


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("healthy", ""),
        ("initial", "Elb.RegistrationInProgress"),
        ("unhealthy", "Target.ResponseCodeMismatch"),
        ("unhealthy.draining", "Target.DeregistrationInProgress"),
        ("unused", "Target.NotInUse"),
        ("draining", "Target.DeregistrationInProgress"),
        ("unavailable", "Target.HealthCheckDisabled"),
    ],
)
def test_each_state_has_its_usual_reason(
    client: Clients, behind: Callable[..., SandboxService], state: str, reason: str
) -> None:
    """A task has the state that is set, with the reason of AWS; the other stays healthy."""
    service = behind()
    one, other = service.running_tasks
    one.target_health = state
    (arn,) = service.target_groups
    assert health(client, arn) == {
        f"{one.private_ip}:8080": (state, reason),
        f"{other.private_ip}:8080": ("healthy", ""),
    }


def test_a_task_may_have_a_reason_of_its_own(client: Clients, behind: Callable[..., SandboxService]) -> None:
    """Code and description are described as they are set; without a state the task is not registered."""
    service = behind()
    slow, absent = service.running_tasks
    slow.target_health, slow.target_reason = "unhealthy", ("Target.Timeout", "Request timed out")
    absent.target_health = ""
    (arn,) = service.target_groups
    (found,) = client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert found["TargetHealth"] == {
        "State": "unhealthy",
        "Reason": "Target.Timeout",
        "Description": "Request timed out",
    }
    asked = [{"Id": absent.private_ip, "Port": 8080}, {"Id": slow.private_ip}]
    assert health(client, arn, Targets=asked) == {
        f"{absent.private_ip}:8080": ("unused", "Target.NotRegistered"),
        f"{slow.private_ip}:8080": ("unhealthy", "Target.Timeout"),
    }


def test_pending_and_stopped_tasks_are_not_targets(client: Clients, behind: Callable[..., SandboxService]) -> None:
    """Only tasks that have started and not stopped are registered."""
    service = behind()
    (arn,) = service.target_groups
    service.roll_out(status="IN_PROGRESS", new_running=1, new_pending=1)
    assert len(health(client, arn)) == 3
    service.running_tasks[0].stop()
    assert len(health(client, arn)) == 2


def test_target_groups_are_described(aws: Sandbox, client: Clients, behind: Callable[..., SandboxService]) -> None:
    """Target groups are described by ARN, name or load balancer, in pages; unknown ones are an error."""
    made = aws.create_target_group("described", load_balancer="", protocol="HTTPS", port=443, health_check_path="/up")
    service = behind(target_groups=["described", "second"])
    elb = client("elbv2")
    arn, second = service.target_groups
    assert arn == made.arn
    (found,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    assert (found["TargetGroupName"], found["Protocol"], found["Port"]) == ("described", "HTTPS", 443)
    assert (found["TargetType"], found["HealthCheckPath"], found["LoadBalancerArns"]) == ("ip", "/up", [])
    (other,) = elb.describe_target_groups(Names=["second"])["TargetGroups"]
    assert f":loadbalancer/app/{service.name}/" in other["LoadBalancerArns"][0]
    balanced = elb.describe_target_groups(LoadBalancerArn=other["LoadBalancerArns"][0])["TargetGroups"]
    assert [one["TargetGroupArn"] for one in balanced] == [second]
    pages = elb.get_paginator("describe_target_groups").paginate(
        TargetGroupArns=[arn, second], PaginationConfig={"PageSize": 1}
    )
    assert [len(page["TargetGroups"]) for page in pages] == [1, 1]
    with pytest.raises(elb.exceptions.TargetGroupNotFoundException):
        elb.describe_target_groups(TargetGroupArns=[arn, arn + "x"])
    with pytest.raises(elb.exceptions.TargetGroupNotFoundException):
        elb.describe_target_groups(TargetGroupArns=[arn + "x"])
    with pytest.raises(elb.exceptions.TargetGroupNotFoundException):
        client("elbv2", "eu-west-1").describe_target_health(TargetGroupArn=arn)
    with pytest.raises(ValueError, match="already"):
        aws.create_target_group("described")
    with pytest.raises(LookupError, match="Unknown target group nope"):
        aws.target_group("nope")


def test_without_a_load_balancer_no_target_is_used(
    aws: Sandbox, client: Clients, behind: Callable[..., SandboxService]
) -> None:
    """Targets are `unused` until the group belongs to a load balancer."""
    service = behind()
    (arn,) = service.target_groups
    group = aws.target_group(arn)
    balancer, group.load_balancer = group.load_balancer, ""
    assert set(health(client, arn).values()) == {("unused", "Target.NotInUse")}
    group.load_balancer = balancer
    assert set(health(client, arn).values()) == {("healthy", "")}


def test_alternate_target_groups_take_the_new_tasks(client: Clients, behind: Callable[..., SandboxService]) -> None:
    """New tasks register in the alternate group and stay there; those of the next rollout in the first group."""
    service = behind(alternate_target_groups=["green"])
    (blue,), (green,) = service.target_groups, service.alternate_target_groups
    (described,) = client("ecs").describe_services(cluster=service.cluster, services=[service.name])["services"]
    (balancer,) = described["loadBalancers"]
    assert balancer["targetGroupArn"] == blue
    assert balancer["advancedConfiguration"]["alternateTargetGroupArn"] == green
    assert ":listener-rule/app/" in balancer["advancedConfiguration"]["productionListenerRule"]
    rollout = service.roll_out(status="IN_PROGRESS", new_running=1)
    service.shift_targets()
    assert (len(health(client, blue)), len(health(client, green))) == (2, 1)
    rollout.complete()
    assert (len(health(client, blue)), len(health(client, green))) == (0, 2)
    service.roll_out()
    assert (len(health(client, blue)), len(health(client, green))) == (0, 2)
    service.roll_out()
    service.shift_targets()
    assert (len(health(client, blue)), len(health(client, green))) == (2, 0)
    with pytest.raises(ValueError, match="no alternate"):
        behind().shift_targets()
    with pytest.raises(ValueError, match="for each target group"):
        behind(alternate_target_groups=["a", "b"])


def requests(aws: Sandbox, client: Clients, dimensions: dict[str, str]) -> dict[str, list[float]]:
    """Return the sums of what a load balancer counted within the last hours."""
    found = client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": metric[0].lower(),
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/ApplicationELB",
                        "MetricName": metric,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for metric in ("RequestCount", "HTTPCode_Target_5XX_Count")
        ],
        StartTime=aws.now() - timedelta(hours=2),
        EndTime=aws.now() + timedelta(minutes=1),
    )["MetricDataResults"]
    return {result["Label"]: result["Values"] for result in found}


def test_requests_are_counted_as_a_load_balancer_counts_them(
    aws: Sandbox, client: Clients, behind: Callable[..., SandboxService]
) -> None:
    """Requests are counted by target group and load balancer; without errors, errors have no value."""
    service = behind()
    group = aws.target_group(service.target_groups[0])
    assert group.dimension.startswith(f"targetgroup/{service.name}/")
    assert group.load_balancer_dimension.startswith(f"app/{service.name}/")
    both = {"TargetGroup": group.dimension, "LoadBalancer": group.load_balancer_dimension}
    service.serve(100, at=aws.now() - timedelta(minutes=30))
    assert requests(aws, client, both) == {"RequestCount": [100.0], "HTTPCode_Target_5XX_Count": []}
    service.serve(50, errors=3, at=aws.now() - timedelta(minutes=20))
    service.serve(0, at=aws.now() - timedelta(minutes=10))
    assert requests(aws, client, both) == {"RequestCount": [50.0, 100.0], "HTTPCode_Target_5XX_Count": [3.0]}
    assert requests(aws, client, {"LoadBalancer": group.load_balancer_dimension})["RequestCount"] == [50.0, 100.0]
    assert requests(aws, client, {"TargetGroup": group.dimension})["RequestCount"] == []
    group.load_balancer = ""
    with pytest.raises(ValueError, match="Application Load Balancer"):
        service.serve(1)


def test_tasks_on_instances_are_reached_at_their_ports(
    aws: Sandbox, client: Clients, behind: Callable[..., SandboxService]
) -> None:
    """In bridge mode a task has no address: its target is the instance, at the port its container is bound to."""
    service = behind(launch_type="EC2", network_mode="bridge", desired=3)
    ecs = client("ecs")
    arns = ecs.list_tasks(cluster=service.cluster)["taskArns"]
    tasks = ecs.describe_tasks(cluster=service.cluster, tasks=arns)["tasks"]
    instances = {task["containerInstanceArn"] for task in tasks}
    answer = ecs.describe_container_instances(cluster=service.cluster, containerInstances=[*instances, "0" * 32])
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]
    ec2_ids = {one["containerInstanceArn"]: one["ec2InstanceId"] for one in answer["containerInstances"]}
    assert sorted(one["runningTasksCount"] for one in answer["containerInstances"]) == [1, 2]
    reached = set()
    for task in tasks:
        assert (task["launchType"], task["attachments"]) == ("EC2", [])
        assert "platformVersion" not in task
        (container,) = task["containers"]
        assert container["networkInterfaces"] == []
        (binding,) = container["networkBindings"]
        assert binding["containerPort"] == 8080
        reached.add(f"{ec2_ids[task['containerInstanceArn']]}:{binding['hostPort']}")
    assert len(reached) == 3
    assert set(health(client, service.target_groups[0])) == reached
    assert aws.target_group(service.target_groups[0]).target_type == "instance"
    definition = ecs.describe_task_definition(taskDefinition=service.name)["taskDefinition"]
    assert definition["networkMode"] == "bridge"
    assert definition["containerDefinitions"][0]["portMappings"][0]["hostPort"] == 0
    (described,) = ecs.describe_services(cluster=service.cluster, services=[service.name])["services"]
    assert described["launchType"] == described["deployments"][0]["launchType"] == "EC2"
    service.roll_out(status="IN_PROGRESS", new_running=0, new_pending=1)
    pending = next(task for task in service.tasks if task.last_status == "PENDING")
    (shown,) = ecs.describe_tasks(cluster=service.cluster, tasks=[pending.id])["tasks"]
    assert shown["containers"][0]["networkBindings"] == []
    with pytest.raises(ecs.exceptions.InvalidParameterException):
        ecs.describe_container_instances(cluster=service.cluster, containerInstances=["x"] * 101)


def test_tasks_in_host_mode_have_an_instance_each(client: Clients, behind: Callable[..., SandboxService]) -> None:
    """All tasks use the same port, so no two of them are on one instance."""
    service = behind(launch_type="EC2", network_mode="host", desired=3)
    reached = health(client, service.target_groups[0])
    assert len(reached) == 3
    assert {target.partition(":")[2] for target in reached} == {"8080"}


def test_tasks_on_instances_may_have_an_address(client: Clients, behind: Callable[..., SandboxService]) -> None:
    """In awsvpc mode they are targets by address, also on EC2; Fargate knows no other mode."""
    service = behind(launch_type="EC2")
    assert set(health(client, service.target_groups[0])) == {f"{task.private_ip}:8080" for task in service.tasks}
    assert all(task.instance for task in service.tasks)
    with pytest.raises(ValueError, match="awsvpc"):
        behind(network_mode="bridge")


def test_load_balancers_can_be_denied(aws: Sandbox, client: Clients, behind: Callable[..., SandboxService]) -> None:
    """Denied calls fail with AccessDenied."""
    (arn,) = behind().target_groups
    aws.deny("elasticloadbalancing:DescribeTargetHealth")
    try:
        with pytest.raises(ClientError, match="not authorized") as denied:
            health(client, arn)
        assert denied.value.response["Error"]["Code"] == "AccessDenied"
    finally:
        aws.allow()
    assert health(client, arn)


def test_load_balancers_have_dns_names(aws: Sandbox, client: Clients) -> None:
    """The load balancer of a target group is described, an unknown one is an error."""
    network = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/edge/0123456789abcdef"
    arn = aws.create_target_group("edge", load_balancer=network).arn
    elb = client("elbv2")
    (group,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    (balancer,) = elb.describe_load_balancers(LoadBalancerArns=group["LoadBalancerArns"])["LoadBalancers"]
    assert (balancer["LoadBalancerName"], balancer["Type"]) == ("edge", "network")
    assert balancer["DNSName"] == "edge-0123456789abcdef.elb.us-east-1.amazonaws.com"
    for unknown in ([network, f"{network}0"], [f"{network}0"]):
        with pytest.raises(ClientError, match="LoadBalancerNotFound"):
            elb.describe_load_balancers(LoadBalancerArns=unknown)


def test_a_target_group_may_be_named_by_its_arn(aws: Sandbox, client: Clients) -> None:
    """A service behind a target group that was made elsewhere has that one, and not a second one of its name."""
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/given/0123456789abcdef"
    aws.push_image("given:1", {"a": "1"})
    service = aws.create_service("given", cluster="given", image="given:1", target_groups=[arn])
    assert list(service.target_groups) == [arn]
    assert len(health(client, arn)) == 1


def test_a_target_group_of_tcp_has_no_path_to_check(aws: Sandbox, client: Clients) -> None:
    """A path and a status to expect are described where the health checks are requests, as in AWS."""
    wire = aws.create_target_group("wire", protocol="TCP").arn
    (found,) = client("elbv2").describe_target_groups(TargetGroupArns=[wire])["TargetGroups"]
    assert found["HealthCheckProtocol"] == "TCP"
    assert not {"HealthCheckPath", "Matcher", "ProtocolVersion"} & set(found)
