"""The calls of a run by operation, which do not depend on the machine."""

from __future__ import annotations

import math
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.handles.logs import service_logs
from pytest_deploycheck.observe.ecs import listing
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.run import rollout_wait
from pytest_deploycheck.sandbox import SandboxContainer
from pytest_deploycheck.sandbox.api.rates import Rate

if TYPE_CHECKING:
    from verification.conftest import Room, Seen


def fleet(room: Room, number: int, *, log_group: str = "", repository: str = "") -> dict[str, dict[str, Any]]:
    """Make services of four tasks, which log a line, and return their settings."""
    services: dict[str, dict[str, Any]] = {}
    for index in range(number):
        name = f"shop-{index}"
        image = f"{repository or name}:{index}.0"
        room.aws.push_image(image, {"app": name}, at=room.ago(60))
        container = SandboxContainer(name="app", image=image, log_group=log_group)
        service = room.aws.create_service(name, cluster="shop", containers=[container], desired=4, at=room.ago(50))
        service.log("ready", at=room.ago(40))
        services[name] = {"service": name, "image": image, "logs": [{"expect": "ready"}]}
    return services


def verified(room: Room, services: dict[str, dict[str, Any]]) -> Seen:
    """Verify services, and see that each of them is."""
    seen = room.verify(services=services, image=None)
    assert {str(one.judgement.verdict) for one in seen.report.services} == {"VERIFIED"}
    return seen


def calls(number: int) -> dict[str, int]:
    """Return the calls that a run over services of four tasks makes, by operation."""
    tasks = math.ceil(4 * number / 100)
    twenties = math.ceil(number / 20)
    # The running tasks are listed a hundred at a time, and those that stopped on a page of their own.
    return {
        "sts:GetCallerIdentity": 1,
        "ecs:DescribeServices": 2 * math.ceil(number / 10),
        "ecs:ListTasks": 2 * (tasks + 1),
        "ecs:DescribeTasks": 2 * tasks,
        "ecs:DescribeServiceDeployments": twenties,
        "ecs:DescribeServiceRevisions": twenties,
        "ecs:DescribeTaskDefinition": number,
        "ecr:DescribeRepositories": math.ceil(number / 100),
        "ecr:DescribeImages": number,
        "ecr:BatchGetImage": number,
        "ecr:GetDownloadUrlForLayer": number,
        "s3:GetObject": number,
        "logs:FilterLogEvents": number,
    }


@pytest.mark.parametrize("number", [1, 26])
def test_calls_by_operation(room: Room, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """All services are asked about together, and once more in the end for what can change."""
    monkeypatch.setattr(rollout_wait, "FRESH", 0.0)
    monkeypatch.setattr(listing, "FRESH", 600.0)
    assert verified(room, fleet(room, number)).asked == calls(number)


def test_calls_in_all() -> None:
    """The sums of these calls are those that docs/performance.md gives for one, twenty and a hundred services."""
    assert [sum(calls(number).values()) for number in (1, 20, 100)] == [18, 134, 650]


def test_services_of_one_repository_and_log_group(room: Room) -> None:
    """Images of one repository are one list and one pull; a shared log group is read for several services at once."""
    seen = verified(room, fleet(room, 12, log_group="/ecs/all", repository="all"))
    assert seen.asked["ecr:DescribeImages"] == 1
    assert seen.asked["ecr:BatchGetImage"] == 1
    assert seen.asked["ecr:DescribeRepositories"] == 1
    assert seen.asked["logs:FilterLogEvents"] < 12


def test_few_services_of_a_large_cluster_are_asked_about_by_name(room: Room) -> None:
    """Two services beside five hundred tasks of others cost no list of all tasks."""
    room.aws.push_image("other:1.0", {"app": "other"}, at=room.ago(60))
    room.aws.create_service("other", cluster="shop", image="other:1.0", desired=500, at=room.ago(50))
    seen = verified(room, fleet(room, 2))
    described = {arn for asked in seen.parameters("ecs:DescribeTasks") for arn in asked["tasks"]}
    assert len(described) == 8
    by_name = [asked for asked in seen.parameters("ecs:ListTasks") if asked.get("serviceName")]
    assert len(by_name) >= 4


def test_a_batch_that_is_denied_for_one_of_many(room: Room) -> None:
    """A repository that IAM denies, of several, leaves the others known, and no check of theirs is in doubt."""
    services = fleet(room, 3)
    room.aws.deny("ecr:*", resource="*repository/shop-1")
    seen = room.verify(services=services, image=None)
    errors = {
        one.name: {finding.id for finding in one.findings if finding.status == "error"} for one in seen.report.services
    }
    assert errors["shop-0"] == errors["shop-2"] == set()
    assert "image-exists" in errors["shop-1"]


def test_records_that_one_call_cannot_describe(room: Room) -> None:
    """A call for twenty records that fails is repeated for each service: none takes over the problem of another."""
    services = fleet(room, 5)
    room.aws.fail("ecs:DescribeServiceDeployments", code="ServerException", status=500, times=3)
    seen = verified(room, services)
    assert seen.asked["ecs:DescribeServiceDeployments"] == 3 + 5


def test_alarms_and_target_groups_of_many_services(room: Room) -> None:
    """The alarms of twelve services are one call, and a target group that two of them share is asked for once."""
    services = fleet(room, 10, repository="shop-0")
    for index, settings in enumerate(services.values()):
        room.aws.create_alarm(f"5xx-{index}")
        settings["alarms"] = [f"5xx-{index}"]
    for name in ("blue", "green"):
        room.aws.create_service(name, cluster="shop", image="shop-0:0.0", target_groups=["both"], at=room.ago(50))
        services[name] = {"service": name, "image": "shop-0:0.0", "alarms": ["5xx-0"]}
    seen = room.verify(services=services, image=None)
    assert seen.asked["cloudwatch:DescribeAlarms"] == 1
    assert seen.asked["elasticloadbalancing:DescribeTargetHealth"] == 1
    assert {str(one.status) for each in seen.report.services for one in each.findings if one.id == "alarms-ok"} == {
        "pass"
    }


def counted(room: Room, number: int) -> dict[str, dict[str, Any]]:
    """Make services behind load balancers, which served a hundred requests each, and return their settings."""
    services: dict[str, dict[str, Any]] = {}
    room.aws.push_image("shop:1.0", {"app": "shop"}, at=room.ago(60))
    for index in range(number):
        name = f"shop-{index}"
        service = room.aws.create_service(
            name, cluster="shop", image="shop:1.0", target_groups=[f"group-{index}"], at=room.ago(50)
        )
        service.serve(100, at=room.ago(5))
        services[name] = {"service": name, "image": "shop:1.0", "error_rate": {"max": 0.01}}
    return services


@pytest.mark.parametrize("number", [1, 21])
def test_metrics_of_many_services(room: Room, number: int) -> None:
    """Their metrics are one call, as a call takes five hundred, and their target groups are described together."""
    seen = room.verify(services=counted(room, number), image=None, environment={"require": ["tasks"]})
    assert seen.asked["cloudwatch:GetMetricData"] == 1
    assert seen.asked["elasticloadbalancing:DescribeTargetGroups"] == math.ceil(number / 20)
    (asked,) = seen.parameters("cloudwatch:GetMetricData")
    assert len(asked["MetricDataQueries"]) == 2 * number
    found = [one for each in seen.report.services for one in each.findings if one.id == "error-rate"]
    assert {(str(one.status), one.summary.partition(" failed ")[0]) for one in found} == {("pass", "0 of 100 requests")}


def test_metrics_of_ones_own_that_counted_nothing(room: Room) -> None:
    """That each of them is there at all is asked in one call over two weeks, of those without an error only."""
    services = counted(room, 6)
    for index, settings in enumerate(services.values()):
        dimensions = {"Queue": str(index)}
        room.aws.put_metric("Shop", "Handled", 100, dimensions=dimensions, at=room.ago(5))
        room.aws.put_metric("Shop", "Failed", 1, dimensions=dimensions, at=room.ago(5 if index < 2 else 60 * 30))
        settings["error_rate"] = {
            "max": 0.01,
            "namespace": "Shop",
            "metric": "Failed",
            "requests": "Handled",
            "dimensions": dimensions,
        }
    seen = room.verify(services=services, image=None, environment={"require": ["tasks"]})
    assert [len(asked["MetricDataQueries"]) for asked in seen.parameters("cloudwatch:GetMetricData")] == [12, 4]
    assert {str(one.status) for each in seen.report.services for one in each.findings if one.id == "error-rate"} == {
        "pass"
    }


def test_a_metric_whose_data_is_partial_is_the_problem_of_its_service(room: Room) -> None:
    """Data that CloudWatch cannot complete leaves one service in error, and its message names the metric."""
    services = counted(room, 3)
    services["shop-1"]["error_rate"] = {
        "max": 0.01,
        "namespace": "Shop",
        "metric": "Failed",
        "requests": "Handled",
        "dimensions": {"Queue": "1"},
    }

    def partial(answer: dict[str, Any]) -> dict[str, Any]:
        results = [
            {**one, "StatusCode": "PartialData"} if one["Label"] == "Failed" else one
            for one in answer["MetricDataResults"]
        ]
        return {**answer, "MetricDataResults": results}

    room.aws.corrupt("cloudwatch:GetMetricData", partial)
    seen = room.verify(services=services, image=None, environment={"require": ["tasks"]})
    found = {each.name: one for each in seen.report.services for one in each.findings if one.id == "error-rate"}
    assert {name: str(one.status) for name, one in found.items()} == {
        "shop-0": "pass",
        "shop-1": "error",
        "shop-2": "pass",
    }
    assert "data of the metric Failed (PartialData)" in found["shop-1"].summary


def test_the_rates_of_aws_are_kept_to(room: Room) -> None:
    """Thirty-five log groups at twenty-five reads a second are read with next to no throttle."""
    room.aws.limit_rates()
    seen = verified(room, fleet(room, 35, repository="all"))
    # On a busy machine one call may overtake another on its way.
    assert seen.asked["logs:FilterLogEvents"] <= 35 + seen.report.throttles
    assert seen.report.throttles <= 5


def test_a_rate_below_the_published_one_is_learned(room: Room) -> None:
    """Fifteen log groups are read with a few throttles and no error if AWS allows five reads a second only."""
    room.aws.limit_rates([Rate(("logs:FilterLogEvents",), 5, 5)])
    seen = verified(room, fleet(room, 15, repository="all"))
    assert seen.asked["logs:FilterLogEvents"] <= 15 + seen.report.throttles
    assert 0 < seen.report.throttles <= 16
    assert seen.report.held > 0


def test_a_wait_for_a_line_lists_tasks_again_and_nothing_that_cannot_change(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks that are replaced during a wait are followed without asking for definitions and images once more."""
    monkeypatch.setattr(service_logs, "FOLLOW_EVERY", 0.0)
    services = fleet(room, 1)
    services["shop-0"]["logs"] = [{"expect": "never logged"}]
    seen = room.verify(services=services, image=None, log_wait="0.4s")
    assert seen.asked["ecs:DescribeTasks"] > 1
    for operation in ("ecs:DescribeTaskDefinition", "ecr:DescribeImages", "ecr:BatchGetImage", "s3:GetObject"):
        assert seen.asked[operation] == 1, operation


def test_services_are_asked_for_while_the_caller_is_identified(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The identity is answered only when the services have been: they do not wait for it."""
    are_described = threading.Event()
    waited: list[bool] = []
    client_of = Session.sts

    def sts(session: Session) -> Any:
        client = client_of(session)

        def get_caller_identity() -> Any:
            waited.append(are_described.wait(20))
            return client.get_caller_identity()

        return SimpleNamespace(get_caller_identity=get_caller_identity)

    def described(answer: dict[str, Any]) -> dict[str, Any]:
        are_described.set()
        return answer

    monkeypatch.setattr(Session, "sts", sts)
    room.aws.corrupt("ecs:DescribeServices", described)
    seen = verified(room, fleet(room, 2))
    assert waited == [True]
    assert seen.asked["sts:GetCallerIdentity"] == 1
