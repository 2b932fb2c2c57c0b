from __future__ import annotations

import socket
import subprocess
import sys
import threading
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from pytest_deploycheck.sandbox import Sandbox

if TYPE_CHECKING:
    from sandbox.conftest import Clients


def test_denied_calls_fail_as_iam_denies(aws: Sandbox, client: Clients) -> None:
    """The message names user, action and resource; STS, load balancers and alarms have their own shapes."""
    aws.push_image("denied:1", {"a": "1"})
    aws.deny("*")
    try:
        with pytest.raises(ClientError) as ecr:
            client("ecr").describe_images(repositoryName="denied")
        assert ecr.value.response["Error"]["Code"] == "AccessDeniedException"
        assert ecr.value.response["Error"]["Message"] == (
            "User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: ecr:DescribeImages "
            "on resource: arn:aws:ecr:us-east-1:123456789012:repository/denied because no identity-based "
            "policy allows the ecr:DescribeImages action"
        )
        for service, operation, code in (
            ("sts", "get_caller_identity", "AccessDenied"),
            ("elbv2", "describe_target_groups", "AccessDenied"),
            ("cloudwatch", "describe_alarms", "AccessDeniedException"),
            ("ecs", "list_clusters", "AccessDeniedException"),
        ):
            with pytest.raises(ClientError) as denied:
                getattr(client(service), operation)()
            assert denied.value.response["Error"]["Code"] == code
    finally:
        aws.allow()
    assert client("ecr").describe_images(repositoryName="denied")["imageDetails"]


def test_calls_fail_as_often_as_requested(aws: Sandbox, client: Clients) -> None:
    """A fault with `times` applies to that many calls."""
    ecs = client("ecs")
    aws.fail("ecs:ListClusters", code="ThrottlingException", message="Rate exceeded", status=400, times=2)
    for _ in range(2):
        with pytest.raises(ClientError, match="Rate exceeded"):
            ecs.list_clusters()
    assert "clusterArns" in ecs.list_clusters()


def test_calls_are_recorded(aws: Sandbox, client: Clients) -> None:
    """Operation, region and parameters of each call can be read afterwards."""
    aws.calls.clear()
    aws.create_cluster("recorded", region="eu-west-1")
    client("ecs", "eu-west-1").list_tasks(cluster="recorded")
    client("sts").get_caller_identity()
    listed, identity = aws.calls
    assert listed == ("ecs:ListTasks", "eu-west-1", {"cluster": "recorded"})
    assert (identity.operation, identity.region) == ("sts:GetCallerIdentity", "us-east-1")


def test_unsupported_operations_are_refused(client: Clients) -> None:
    """A write without an effect on the sandbox is refused."""
    with pytest.raises(ClientError, match="does not answer ecs:CreateCluster"):
        client("ecs").create_cluster(clusterName="x")
    with pytest.raises(ClientError, match="does not answer cloudwatch:PutCompositeAlarm"):
        client("cloudwatch").put_composite_alarm(AlarmName="x", AlarmRule="TRUE")
    # moto knows this service, and lacks the operation.
    with pytest.raises(ClientError, match="does not answer sts:DecodeAuthorizationMessage"):
        client("sts").decode_authorization_message(EncodedMessage="x")


def put_alarm(cloudwatch: Any) -> None:
    """Put an alarm."""
    cloudwatch.put_metric_alarm(
        AlarmName="backend-5xx",
        Namespace="shop",
        MetricName="errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def test_other_services_are_available(client: Clients) -> None:
    """Load balancers and alarms can be created and read."""
    elb = client("elbv2")
    assert elb.describe_target_groups()["TargetGroups"] == []
    cloudwatch = client("cloudwatch")
    put_alarm(cloudwatch)
    assert [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]] == ["backend-5xx"]


def test_services_that_the_sandbox_does_not_know_are_moto_s(aws: Sandbox, client: Clients) -> None:
    """They are answered, and their calls are recorded with their parameters, whichever service it is."""
    secrets = client("secretsmanager")
    secrets.create_secret(Name="shop", SecretString="testing")
    aws.calls.clear()
    assert secrets.get_secret_value(SecretId="shop")["SecretString"] == "testing"
    assert aws.calls == [("secretsmanager:GetSecretValue", "us-east-1", {"SecretId": "shop"})]


def test_a_policy_that_the_sandbox_cannot_evaluate_is_refused(aws: Sandbox) -> None:
    """A statement that would be judged wrongly is an error, and the policy in force stays."""
    denying = {"Effect": "Deny", "Action": "ecs:*", "Resource": "*"}
    for statement in (denying, {"Effect": "Allow", "NotAction": "ecs:*", "Resource": "*"}):
        with pytest.raises(ValueError, match="evaluates statements with Effect Allow"):
            aws.enforce_policy({"Statement": [statement]})


def test_target_groups_have_the_tasks(aws: Sandbox, client: Clients) -> None:
    """The target group of a service has its running tasks by address, each in the state that was set."""
    aws.push_image("behind:1", {"a": "1"})
    service = aws.create_service("behind", cluster="behind", image="behind:1", desired=3, target_groups=["behind"])
    healthy, initial, leaving = service.running_tasks
    initial.target_health = "initial"
    leaving.drain()
    (described,) = client("ecs").describe_services(cluster="behind", services=["behind"])["services"]
    arn = described["loadBalancers"][0]["targetGroupArn"]
    found = client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in found} == {
        healthy.private_ip: "healthy",
        initial.private_ip: "initial",
        leaving.private_ip: "draining",
    }
    elb = client("elbv2")
    with pytest.raises(elb.exceptions.TargetGroupNotFoundException):
        elb.describe_target_health(TargetGroupArn=arn + "x")


def test_a_role_can_be_assumed(client: Clients) -> None:
    """STS returns credentials for a role."""
    arn = "arn:aws:iam::123456789012:role/dev"
    answer = client("sts").assume_role(RoleArn=arn, RoleSessionName="me")
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/dev/me"


def serving() -> list[threading.Thread]:
    """Return the threads that serve a sandbox."""
    return [thread for thread in threading.enumerate() if thread.name == "sandbox"]


def test_one_sandbox_after_another(recwarn: pytest.WarningsRecorder) -> None:
    """Each starts empty and with its own account; stopping closes port and thread."""
    before = serving()
    for account in ("111111111111", "222222222222"):
        with Sandbox(account=account) as aws:
            session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1")
            sts = session.client("sts", endpoint_url=aws.endpoint_url)
            assert sts.get_caller_identity()["Account"] == account
            cloudwatch = session.client("cloudwatch", endpoint_url=aws.endpoint_url)
            assert cloudwatch.describe_alarms()["MetricAlarms"] == []
            put_alarm(cloudwatch)
            port = urlsplit(aws.endpoint_url).port
            aws.start()
            assert urlsplit(aws.endpoint_url).port == port
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port or 0)) != 0
        assert serving() == before
        with pytest.raises(ValueError, match="not started"):
            _ = aws.endpoint_url
        aws.stop()
    assert not recwarn.list


def test_the_clock_may_be_ahead() -> None:
    """Every response has the time of the sandbox."""
    with Sandbox(clock_offset=timedelta(hours=2)) as aws:
        session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1")
        for service, operation in (("sts", "get_caller_identity"), ("ecr", "describe_repositories")):
            answer = getattr(session.client(service, endpoint_url=aws.endpoint_url), operation)()  # type: ignore[call-overload]
            date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
            assert abs(date - aws.now()) < timedelta(seconds=5)


def test_times_have_a_zone(aws: Sandbox) -> None:
    """A naive datetime is refused."""
    with pytest.raises(ValueError, match="no time zone"):
        aws.push_image("naive:1", {}, at=aws.now().replace(tzinfo=None))


def test_references_are_read_strictly(aws: Sandbox) -> None:
    """A text that is not an image reference is refused."""
    for text in ("repo@sha256:12", ":tag", "repo@"):
        with pytest.raises(ValueError, match="not an image reference"):
            aws.push_image(text, {})


def test_a_subprocess_uses_the_environment(aws: Sandbox) -> None:
    """Another process needs no other variables."""
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    done = subprocess.run([sys.executable, "-c", code], env=aws.environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "123456789012"
