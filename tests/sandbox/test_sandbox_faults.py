"""Faults: denied, failing, late, limited and corrupted answers over HTTP."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from pytest_deploycheck.sandbox import Rate, Sandbox
from pytest_deploycheck.sandbox.api.rates import PUBLISHED, RateLimits
from pytest_deploycheck.sandbox.world.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox import SandboxService

    from .conftest import Clients

IDENTITY = "sts:GetCallerIdentity"


@pytest.fixture(autouse=True)
def _repaired(aws: Sandbox) -> Iterator[None]:
    """Remove every fault after each test."""
    yield
    aws.allow()
    aws.limit_rates(())
    aws.latency = 0.0


def body(aws: Sandbox, target: str = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories") -> bytes:
    """Return the bytes that a JSON operation is answered with."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    scope = "Credential=key/20250101/us-east-1/ecr/aws4_request"
    pool = urllib3.PoolManager()
    answer = pool.request("POST", aws.endpoint_url, body=b"{}", headers={**headers, "Authorization": scope})
    return bytes(answer.data)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the code of an error."""
    return str(error.value.response["Error"]["Code"])


def test_a_fault_may_be_about_one_resource(aws: Sandbox, client: Clients) -> None:
    """The registry of another account can be denied to the callers while tasks pull from it."""
    other = "906394416424.dkr.ecr.us-east-1.amazonaws.com/aws-for-fluent-bit:stable"
    aws.push_image(other, {"fluent-bit": "1"})
    aws.push_image("open:1", {"a": "1"})
    aws.deny("ecr:*", resource="arn:aws:ecr:*:906394416424:*")
    aws.create_service("router", cluster="router", image=other)
    with pytest.raises(ClientError) as error:
        client("ecr").describe_images(registryId="906394416424", repositoryName="aws-for-fluent-bit")
    assert code(error) == "AccessDeniedException"
    assert client("ecr").describe_images(repositoryName="open")["imageDetails"]


@pytest.mark.parametrize(("how", "whole"), [("null", b"null"), ("list", b"[]"), ("empty", b"{}")])
def test_a_body_may_be_replaced(aws: Sandbox, how: Any, whole: bytes) -> None:
    """The body is JSON of another type than an answer, for as many calls as requested."""
    aws.corrupt("ecr:DescribeRepositories", how, times=1)
    assert body(aws) == whole
    assert b"repositories" in body(aws)


def test_a_body_may_be_cut(aws: Sandbox) -> None:
    """The first half of the body arrives, with a status and a length as if it were whole."""
    right = body(aws)
    aws.corrupt("ecr:*", "cut")
    assert body(aws) == right[: len(right) // 2]


def test_answers_of_other_services_may_be_corrupted_too(aws: Sandbox, client: Clients) -> None:
    """Answers of moto are damaged as well: botocore cannot parse half of one, or the page of a proxy."""
    aws.corrupt(IDENTITY, "cut", times=1)
    with pytest.raises(ResponseParserError):
        client("sts").get_caller_identity()
    assert client("sts").get_caller_identity()["Account"] == "123456789012"
    aws.corrupt(IDENTITY, "html", times=1)
    with pytest.raises((ResponseParserError, KeyError)):
        client("sts").get_caller_identity()


def test_times_may_be_absurd(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Every time of an answer is far beyond what a date can hold, and other numbers stay."""
    aws.corrupt("ecs:DescribeServices", "times")
    with pytest.raises((OverflowError, ValueError, RuntimeError)):
        client("ecs").describe_services(cluster=service.cluster, services=[service.name])
    aws.allow()
    assert client("ecs").describe_services(cluster=service.cluster, services=[service.name])["services"]


def test_an_answer_may_be_amended(aws: Sandbox, client: Clients) -> None:
    """GetMetricData can leave a result out, or have partial data without a token; members can be missing."""
    aws.put_metric("AWS/ApplicationELB", "RequestCount", 3.0)
    end = aws.now() + timedelta(minutes=1)

    def asked() -> Any:
        metric = {"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCount"}
        return client("cloudwatch").get_metric_data(
            MetricDataQueries=[{"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
            StartTime=end - timedelta(hours=1),
            EndTime=end,
        )

    def partial(answer: dict[str, Any]) -> dict[str, Any]:
        results = [{**result, "StatusCode": "PartialData"} for result in answer["MetricDataResults"]]
        return {**answer, "MetricDataResults": results}

    aws.corrupt("cloudwatch:GetMetricData", partial)
    assert [result["StatusCode"] for result in asked()["MetricDataResults"]] == ["PartialData"]
    aws.corrupt("cloudwatch:GetMetricData", lambda answer: {**answer, "MetricDataResults": []})
    assert asked()["MetricDataResults"] == []
    aws.allow()
    assert [result["StatusCode"] for result in asked()["MetricDataResults"]] == ["Complete"]


def test_pages_may_never_end(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """The first page is returned again with a new token, or always the same, in JSON and in XML."""
    ecs = client("ecs")
    aws.page_endlessly("ecs:ListTasks")
    first = ecs.list_tasks(cluster=service.cluster)
    second = ecs.list_tasks(cluster=service.cluster, nextToken=first["nextToken"])
    assert first["taskArns"] == second["taskArns"] == [task.arn for task in service.running_tasks]
    assert first["nextToken"] != second["nextToken"]
    aws.page_endlessly("ecs:ListTasks", "repeated")
    assert {ecs.list_tasks(cluster=service.cluster)["nextToken"] for _ in range(2)} == {"again"}
    aws.create_target_group("endless")
    aws.page_endlessly("elasticloadbalancing:DescribeTargetGroups", times=2)
    marker = client("elbv2").describe_target_groups()["NextMarker"]
    assert client("elbv2").describe_target_groups(Marker=marker)["TargetGroups"]
    assert "NextMarker" not in client("elbv2").describe_target_groups()


def test_an_answer_may_be_late(aws: Sandbox, client: Clients) -> None:
    """A delayed call is answered all the same; every call can have a latency."""
    began = time.monotonic()
    aws.delay(IDENTITY, 0.1, times=1)
    assert client("sts").get_caller_identity()["Account"]
    aws.latency = 0.1
    assert client("sts").get_caller_identity()["Account"]
    assert time.monotonic() - began >= 0.2


def test_an_answer_may_never_arrive(aws: Sandbox) -> None:
    """A client times out; a stopped sandbox does not wait for the delay."""
    aws.delay("ecr:*", 3600)
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.PoolManager(timeout=0.1, retries=False).request(
            "POST",
            aws.endpoint_url,
            headers={
                "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories",
                "Authorization": "Credential=key/20250101/us-east-1/ecr/aws4_request",
            },
        )


def test_an_answer_may_drip(aws: Sandbox) -> None:
    """The bytes of the correct answer arrive one by one, each within the read timeout."""
    right = body(aws)
    aws.drip("ecr:DescribeRepositories", 0.0)
    assert body(aws) == right


def test_calls_above_the_rate_are_throttled(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """A burst is answered, the next call is throttled as in its service, and each region has its own bucket."""
    group = f"/ecs/{service.name}"
    aws.limit_rates([Rate(("logs:FilterLogEvents",), 2, 0), Rate(("cloudwatch:DescribeAlarms",), 1, 0)])
    for _ in range(2):
        client("logs").filter_log_events(logGroupName=group)
    with pytest.raises(ClientError, match="Rate exceeded") as error:
        client("logs").filter_log_events(logGroupName=group)
    assert code(error) == "ThrottlingException"
    client("cloudwatch").describe_alarms()
    with pytest.raises(ClientError, match="Rate exceeded") as error:
        client("cloudwatch").describe_alarms()
    assert code(error) == "Throttling"
    assert client("cloudwatch", "eu-west-1").describe_alarms()["MetricAlarms"] == []
    aws.limit_rates(())
    client("logs").filter_log_events(logGroupName=group)


def test_buckets_refill() -> None:
    """Operations that share a rate share its bucket, which refills with time, up to the burst."""
    now = [0.0]
    limits = RateLimits(PUBLISHED, clock=lambda: now[0])
    for _ in range(50):
        limits.check("ecs:ListTasks", "us-east-1")
        limits.check("ecs:DescribeTasks", "us-east-1")
    with pytest.raises(AwsError, match="ThrottlingException"):
        limits.check("ecs:DescribeContainerInstances", "us-east-1")
    limits.check("ecs:DescribeServices", "us-east-1")
    limits.check("ecs:ListTasks", "eu-west-1")
    limits.check("sts:GetCallerIdentity", "us-east-1")
    now[0] = 0.1
    for _ in range(2):
        limits.check("ecs:ListTasks", "us-east-1")
    with pytest.raises(AwsError):
        limits.check("ecs:ListTasks", "us-east-1")
    now[0] = 1000.0
    for _ in range(100):
        limits.check("ecs:ListTasks", "us-east-1")
    with pytest.raises(AwsError):
        limits.check("ecs:ListTasks", "us-east-1")


def test_regions_have_rates_of_their_own() -> None:
    """The published rate of FilterLogEvents is higher in one region and lower in another than elsewhere."""
    limits = RateLimits(PUBLISHED, clock=lambda: 0.0)
    for region, calls in (("us-east-1", 25), ("eu-central-1", 5), ("eu-west-1", 10)):
        for _ in range(calls):
            limits.check("logs:FilterLogEvents", region)
        with pytest.raises(AwsError, match="ThrottlingException"):
            limits.check("logs:FilterLogEvents", region)
