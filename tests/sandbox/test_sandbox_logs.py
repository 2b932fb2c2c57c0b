from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from pytest_deploycheck.sandbox import SandboxContainer
from pytest_deploycheck.sandbox.world.account import Account
from pytest_deploycheck.sandbox.world.logs.groups import milliseconds

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox, SandboxService
    from sandbox.conftest import Clients


def read(client: Clients, service: SandboxService, **asked: Any) -> list[dict[str, Any]]:
    """Return the events of a service's group, all pages."""
    logs = client("logs")
    events: list[dict[str, Any]] = []
    answer = logs.filter_log_events(logGroupName=f"/ecs/{service.name}", **asked)
    events += answer["events"]
    while answer.get("nextToken"):
        answer = logs.filter_log_events(logGroupName=f"/ecs/{service.name}", nextToken=answer["nextToken"], **asked)
        events += answer["events"]
    return events


def messages(client: Clients, service: SandboxService, **asked: Any) -> list[str]:
    """Return the messages of a service's group, all pages."""
    return [event["message"] for event in read(client, service, **asked)]


def test_an_event_has_all_its_members(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Stream, time, message, ingestion time and a unique id are the same at each reading."""
    logged_at = aws.now() - timedelta(minutes=5)
    service.log("hello", at=logged_at)
    first, second = read(client, service)
    task = service.running_tasks[0]
    assert first["logStreamName"] == f"ecs/app/{task.id}"
    assert first["timestamp"] == first["ingestionTime"] == milliseconds(logged_at)
    assert first["eventId"] != second["eventId"]
    assert read(client, service) == [first, second]


def test_the_window_includes_its_end(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """The parameters startTime and endTime refer to the time of events, both inclusive."""
    now = aws.now() - timedelta(minutes=5)
    for second in range(5):
        service.running_tasks[0].log(str(second), at=now + timedelta(seconds=second))
    window = {
        "startTime": milliseconds(now + timedelta(seconds=1)),
        "endTime": milliseconds(now + timedelta(seconds=3)),
    }
    assert messages(client, service, **window) == ["1", "2", "3"]


def test_a_late_line_keeps_its_older_time(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Neither line nor stream exists before the arrival; then the line has the time at which it was logged."""
    logged_at = aws.now() - timedelta(minutes=2)
    task = service.running_tasks[0]
    task.log("late", at=logged_at, arrives_in=60)
    assert messages(client, service) == []
    with pytest.raises(client("logs").exceptions.ResourceNotFoundException):
        read(client, service, logStreamNames=[f"ecs/app/{task.id}"])
    with mock.patch.object(Account, "now", return_value=aws.now() + timedelta(seconds=61)):
        (event,) = read(client, service, logStreamNames=[f"ecs/app/{task.id}"])
    assert event["timestamp"] == milliseconds(logged_at)
    assert event["ingestionTime"] > event["timestamp"] + 100_000


def test_one_missing_stream_makes_the_call_fail(client: Clients, service: SandboxService) -> None:
    """Unknown streams are not skipped; neither are unknown groups."""
    service.running_tasks[0].log("hello")
    logs = client("logs")
    there, missing = (f"ecs/app/{task.id}" for task in service.running_tasks)
    assert messages(client, service, logStreamNames=[there]) == ["hello"]
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match=r"The specified log stream does not exist\."):
        read(client, service, logStreamNames=[there, missing])
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match=r"The specified log group does not exist\."):
        logs.filter_log_events(logGroupName="/nowhere")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        client("logs", "eu-west-1").filter_log_events(logGroupName=f"/ecs/{service.name}")


def test_streams_are_chosen_by_name_or_prefix_but_not_both(client: Clients, service: SandboxService) -> None:
    """The parameter logStreamNames (at most 100) excludes logStreamNamePrefix."""
    service.log("hello")
    logs = client("logs")
    task = service.running_tasks[1]
    assert len(messages(client, service, logStreamNamePrefix="ecs/app/")) == 2
    assert len(messages(client, service, logStreamNamePrefix=f"ecs/app/{task.id}")) == 1
    for asked in (
        {"logStreamNames": ["a"], "logStreamNamePrefix": "a"},
        {"logStreamNames": [str(number) for number in range(101)]},
        {"limit": 10_001},
        {"nextToken": "no token"},
        {"nextToken": base64.urlsafe_b64encode(b'{"start": 5}').decode()},
    ):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.filter_log_events(logGroupName=f"/ecs/{service.name}", **asked)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", {"ERROR disk full", "WARN disk slow", "info disk fine"}),
        ("disk ERROR", {"ERROR disk full"}),
        ("error", set()),
        ('"disk slow"', {"WARN disk slow"}),
        ("?ERROR ?WARN", {"ERROR disk full", "WARN disk slow"}),
        ("disk -ERROR", {"WARN disk slow", "info disk fine"}),
        ('-"disk full"', {"WARN disk slow", "info disk fine"}),
        (r"%f[ui]\w+$%", {"ERROR disk full", "info disk fine"}),
    ],
)
def test_filter_patterns(client: Clients, service: SandboxService, pattern: str, expected: set[str]) -> None:
    """Terms are ANDed, ? means OR, - excludes, quotes keep words together, %…% is a regex, case matters."""
    for line in ("ERROR disk full", "WARN disk slow", "info disk fine"):
        service.running_tasks[0].log(line)
    assert set(messages(client, service, filterPattern=pattern)) == expected


@pytest.mark.parametrize("pattern", ["a=b", '{ $.level = "x" }', "%(group)%", '"open', "%[%"])
def test_invalid_patterns_are_refused(client: Clients, service: SandboxService, pattern: str) -> None:
    """Terms that need quotes and patterns for other formats are refused."""
    service.running_tasks[0].log("line")
    with pytest.raises(client("logs").exceptions.InvalidParameterException):
        read(client, service, filterPattern=pattern)


def test_containers_have_streams_of_their_own(aws: Sandbox, client: Clients) -> None:
    """Group, prefix and region are those of the container; without a prefix the runtime id names the stream."""
    aws.push_image("pair:1", {"a": "1"})
    service = aws.create_service(
        "pair",
        cluster="pair",
        containers=[
            SandboxContainer(name="app", image="pair:1", stream_prefix=""),
            SandboxContainer(name="side", image="pair:1", log_group="/side", log_region="eu-west-1"),
        ],
    )
    (task,) = service.running_tasks
    task.log("from app")
    task.log("from side", container="side")
    described = client("ecs").describe_tasks(cluster="pair", tasks=[task.id])["tasks"][0]
    (event,) = read(client, service)
    assert event["logStreamName"] == described["containers"][0]["runtimeId"]
    other = client("logs", "eu-west-1").filter_log_events(logGroupName="/side")["events"]
    assert [each["logStreamName"] for each in other] == [f"ecs/side/{task.id}"]
    with pytest.raises(LookupError, match="Its containers: app, side"):
        task.log("x", container="nope")
    aws.delete_log_group("/side", region="eu-west-1")
    with pytest.raises(LookupError, match="Unknown log group /side"):
        task.log("x", container="side")


def test_log_streams_exist_from_their_first_event_on(client: Clients, service: SandboxService) -> None:
    """The log group exists with the service, the log stream of a task from its first event on."""
    logs = client("logs")
    name, (task, _) = f"/ecs/{service.name}", service.running_tasks
    asked = {"logGroupName": name, "logStreamNames": [f"ecs/app/{task.id}"]}
    assert logs.filter_log_events(logGroupName=name)["events"] == []
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(**asked)
    task.log("hello")
    assert [event["message"] for event in logs.filter_log_events(**asked)["events"]] == ["hello"]


def test_log_events_can_be_put_over_http(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Another process can write to the stream of a task; an unknown stream is refused."""
    logs = client("logs")
    task, _ = service.running_tasks
    task.log("first")
    stream = {"logGroupName": f"/ecs/{service.name}", "logStreamName": f"ecs/app/{task.id}"}
    events = [{"timestamp": milliseconds(aws.now()), "message": "put"}]
    logs.put_log_events(**stream, logEvents=events)
    found = logs.filter_log_events(logGroupName=f"/ecs/{service.name}")["events"]
    assert [event["message"] for event in found] == ["first", "put"]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.put_log_events(**{**stream, "logStreamName": "unknown"}, logEvents=events)


def test_any_stream_of_any_group_can_be_logged_to(aws: Sandbox, client: Clients) -> None:
    """The group is created if it does not exist; no task definition has to name it."""
    logged_at = aws.now() - timedelta(minutes=3)
    aws.log("/router/eu", "app-firelens-0123456789abcdef", "routed", at=logged_at, region="eu-west-1")
    (event,) = client("logs", "eu-west-1").filter_log_events(logGroupName="/router/eu")["events"]
    assert event["logStreamName"] == "app-firelens-0123456789abcdef"
    assert event["timestamp"] == event["ingestionTime"] == milliseconds(logged_at)
    aws.log("/router", "s", "late", at=logged_at, arrives_in=60)
    logs = client("logs")
    assert logs.filter_log_events(logGroupName="/router")["events"] == []
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="/router", logStreamNames=["s"])


def test_a_log_router_creates_its_group(aws: Sandbox, client: Clients) -> None:
    """A container that logs through FireLens has a stream named by its tag, in a group no definition names."""
    aws.push_image("routed:1", {"a": "1"})
    service = aws.create_service(
        "routed",
        cluster="routed",
        containers=[SandboxContainer(name="app", image="routed:1", log_driver="awsfirelens", log_group="/central")],
    )
    logs = client("logs")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="/central")
    (task,) = service.running_tasks
    task.log("through the router")
    (event,) = logs.filter_log_events(logGroupName="/central")["events"]
    assert event["logStreamName"] == f"app-firelens-{task.id}"
    arn = task.definition.arn
    definition = client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert "/central" not in str(definition)


def test_only_queries_read_log_groups_of_infrequent_access(aws: Sandbox, client: Clients) -> None:
    """FilterLogEvents and Live Tail refuse a log group of infrequent access, which Logs Insights reads."""
    logs = client("logs")
    aws.create_log_group("/rare", log_class="INFREQUENT_ACCESS")
    aws.log("/rare", "one", "hello")
    with pytest.raises(ClientError, match="not supported for log groups with the INFREQUENT_ACCESS log class") as error:
        logs.filter_log_events(logGroupName="/rare")
    assert error.value.response["Error"]["Code"] == "InvalidParameterException"
    with pytest.raises(ClientError, match="StartLiveTail operation is not supported"):
        logs.start_live_tail(logGroupIdentifiers=["arn:aws:logs:us-east-1:123456789012:log-group:/rare"])
    end = int(aws.now().timestamp()) + 1
    query = logs.start_query(logGroupName="/rare", startTime=end - 60, endTime=end, queryString="fields @message")
    results = [logs.get_query_results(queryId=query["queryId"]) for _ in range(2)][-1]["results"]
    assert [field["value"] for field in results[0] if field["field"] == "@message"] == ["hello"]
    aws.create_log_group("/rare")
    assert len(logs.filter_log_events(logGroupName="/rare")["events"]) == 1


def test_a_deleted_log_group_is_gone(aws: Sandbox, client: Clients) -> None:
    """Its events are gone with it, and a group that does not exist cannot be deleted."""
    logs = client("logs")
    aws.log("/short-lived", "one", "hello")
    aws.delete_log_group("/short-lived")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="/short-lived")
    with pytest.raises(LookupError, match="Unknown log group /short-lived in us-east-1"):
        aws.delete_log_group("/short-lived")


def test_the_log_driver_has_further_options(aws: Sandbox, client: Clients) -> None:
    """Options of the log driver, such as the format of times in lines, are part of the task definition."""
    aws.push_image("timed:1", {"a": "1"})
    options = {"awslogs-datetime-format": "%Y-%m-%d %H:%M:%S", "awslogs-datetime-as-event-time": "true"}
    app = SandboxContainer(name="app", image="timed:1", log_options=options)
    service = aws.create_service("timed", cluster="timed", containers=[app])
    definition = client("ecs").describe_task_definition(taskDefinition=service.definition.arn)["taskDefinition"]
    shown = definition["containerDefinitions"][0]["logConfiguration"]["options"]
    assert shown.items() >= options.items()
    assert shown["awslogs-group"] == "/ecs/timed"
