from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from pytest_deploycheck.sandbox.world.account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox import Sandbox
    from sandbox.conftest import Clients

SAID = datetime(2025, 11, 26, 11, 17, 40, tzinfo=UTC)
LINES = {
    "INFO listening": "web",
    "ERROR disk full": "web",
    "ERROR (code 12)": "worker",
    "WARN a|b/c": "worker",
}


@pytest.fixture(autouse=True)
def usual_queries(aws: Sandbox) -> Iterator[None]:
    """Reset the behaviour of queries after each test."""
    yield
    aws.queries()


@pytest.fixture(scope="module", autouse=True)
def _lines(aws: Sandbox) -> None:
    """Create a log group with four lines, a second apart."""
    for number, (text, stream) in enumerate(LINES.items()):
        aws.log("/app", stream, text, at=SAID + timedelta(seconds=number))


def start(client: Clients, query: str, **asked: Any) -> str:
    """Start a query over the minute after the first line."""
    window = {"startTime": int(SAID.timestamp()), "endTime": int(SAID.timestamp()) + 60}
    groups = {} if any(name.startswith("logGroup") for name in asked) else {"logGroupName": "/app"}
    answer = client("logs").start_query(**(window | groups | asked), queryString=query)
    return str(answer["queryId"])


def ask(client: Clients, query: str, **asked: Any) -> list[dict[str, str]]:
    """Return the results of a query, by field."""
    logs = client("logs")
    started = start(client, query, **asked)
    answer = logs.get_query_results(queryId=started)
    while answer["status"] == "Running":
        answer = logs.get_query_results(queryId=started)
    assert answer["status"] == "Complete"
    return [{each["field"]: each["value"] for each in row} for row in answer["results"]]


def messages(client: Clients, query: str, **asked: Any) -> list[str]:
    """Return the messages that a query finds."""
    return [row["@message"] for row in ask(client, query, **asked)]


def test_fields(client: Clients) -> None:
    """The result has the requested fields and a pointer; time and message by default, the newest line first."""
    newest = ask(client, "filter @logStream = 'worker'")[0]
    assert list(newest) == ["@timestamp", "@message", "@ptr"]
    assert newest["@timestamp"] == "2025-11-26 11:17:43.000"
    (row,) = ask(client, "fields @log, @logStream | fields @timestamp | sort @timestamp asc | limit 1")
    pointer = row.pop("@ptr")
    assert row == {"@log": "123456789012:/app", "@logStream": "web", "@timestamp": "2025-11-26 11:17:40.000"}
    assert base64.b64decode(pointer)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('@message like "ERROR"', {"ERROR disk full", "ERROR (code 12)"}),
        ('@message like "error"', set()),
        (r"@message like /(?i)error.*\(code \d+\)/", {"ERROR (code 12)"}),
        (r"@message =~ /a\|b\/c/", {"WARN a|b/c"}),
        ("@message like 'a|b'", {"WARN a|b/c"}),
        ('@message = "INFO listening"', {"INFO listening"}),
        ('@logStream != "web"', {"ERROR (code 12)", "WARN a|b/c"}),
        ('@logStream in ["web", "x"]', {"INFO listening", "ERROR disk full"}),
        ('@logStream not in ["web", "x"]', {"ERROR (code 12)", "WARN a|b/c"}),
        ('@message not like "ERROR"', {"INFO listening", "WARN a|b/c"}),
        ('@message like "ERROR" and @logStream = "web"', {"ERROR disk full"}),
        ('@message like "INFO" or @message like "WARN" and @logStream = "web"', {"INFO listening"}),
        ('(@message like "INFO" or @message like "WARN") and not @logStream = "web"', {"WARN a|b/c"}),
        ('@message like "ERROR" | filter @logStream = "web"', {"ERROR disk full"}),
        ('@message like "say \\"x\\""', set()),
    ],
)
def test_filters(client: Clients, condition: str, expected: set[str]) -> None:
    """Filters have texts, regular expressions, equality and lists, joined by and, or, not and parentheses."""
    assert set(messages(client, f"fields @message | filter {condition}")) == expected


def test_sorting_and_limits(client: Clients) -> None:
    """The limit of the query or of the call applies after sorting; the window includes both ends."""
    lines = list(LINES)
    assert messages(client, "sort @timestamp asc") == lines
    assert messages(client, "sort @message desc") == sorted(lines, reverse=True)
    assert messages(client, "sort @timestamp asc | limit 2") == lines[:2]
    assert messages(client, "sort @timestamp asc", limit=3) == lines[:3]
    first = int(SAID.timestamp())
    assert messages(client, "sort @timestamp asc", startTime=first + 1, endTime=first + 2) == lines[1:3]


def test_counting(client: Clients) -> None:
    """The count is of all lines that match, or of each value of a field."""
    assert ask(client, "stats count(*)") == [{"count(*)": "4"}]
    assert ask(client, 'filter @message = "x" | stats count(*) as n') == [{"n": "0"}]
    errors = 'filter @message like "ERROR" or @logStream = "web" '
    assert ask(client, f"{errors}| stats count(*) as n by @logStream | sort n desc") == [
        {"@logStream": "web", "n": "2"},
        {"@logStream": "worker", "n": "1"},
    ]
    assert ask(client, f"{errors}| stats count(*) by @logStream | sort count(*) asc | limit 1") == [
        {"@logStream": "worker", "count(*)": "1"}
    ]
    assert ask(client, "stats count(*) by @logStream | sort @logStream desc")[0]["@logStream"] == "worker"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "parse @message '*' as x",
        "fields @message | dedup @message",
        "fields level",
        "filter @message",
        "filter @message like",
        "filter @message like /(/",
        'filter @message like "open',
        "filter (@message like 'x'",
        "sort @timestamp up",
        "limit 0",
        "limit many",
        "stats avg(x)",
        "stats count(*) | filter @message like 'x'",
        "fields @message fields @log",
    ],
)
def test_malformed_queries(client: Clients, query: str) -> None:
    """Malformed queries and unsupported commands are refused, with their position."""
    with pytest.raises(ClientError) as refused:
        start(client, query)
    assert refused.value.response["Error"]["Code"] == "MalformedQueryException"
    location = refused.value.response["queryCompileError"]["location"]  # type: ignore[typeddict-item]
    assert 0 <= location["startCharOffset"] <= location["endCharOffset"] <= len(query)


def test_groups(aws: Sandbox, client: Clients) -> None:
    """Groups are given by name or ARN, but not both; the query fails if one is unknown."""
    aws.log("/second", "s", "INFO second", at=SAID)
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/app"
    query = 'filter @message like "INFO" | sort @message asc'
    both = ["INFO listening", "INFO second"]
    assert messages(client, query, logGroupNames=["/app", "/second"]) == both
    assert messages(client, query, logGroupIdentifiers=[arn, "/second"]) == both
    exceptions = client("logs").exceptions
    refused: tuple[dict[str, Any], ...] = (
        {"logGroupNames": ["/app"], "logGroupName": "/app"},
        {"logGroupIdentifiers": [f"{arn}:*"]},
        {"logGroupNames": []},
        {"logGroupName": "/app", "limit": 100_001},
        {"logGroupName": "/app", "endTime": 1},
        {"logGroupName": "/app", "queryLanguage": "SQL"},
        {"logGroupNames": ["/app"] * 51},
    )
    for asked in refused:
        with pytest.raises(exceptions.InvalidParameterException):
            start(client, query, **asked)
    with pytest.raises(exceptions.ResourceNotFoundException):
        start(client, query, logGroupNames=["/app", "/nowhere"])


def test_a_query_runs_before_it_is_complete(client: Clients) -> None:
    """The first answer has only a part of the results; the statistics are complete."""
    logs = client("logs")
    started = start(client, 'filter @message not like "INFO"')
    first, second, third = (logs.get_query_results(queryId=started) for _ in range(3))
    assert (first["status"], len(first["results"])) == ("Running", 1)
    assert (second["status"], len(second["results"])) == ("Complete", 3)
    assert third["results"] == second["results"]
    statistics = second["statistics"]
    assert (statistics["recordsScanned"], statistics["recordsMatched"]) == (4, 3)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_query_results(queryId="none")


@pytest.mark.parametrize("ends", ["Failed", "Timeout"])
def test_a_query_may_fail(aws: Sandbox, client: Clients, ends: Any) -> None:
    """A query that fails or times out never has all its results."""
    aws.queries(ends=ends, running=2)
    started = start(client, "limit 4")
    answers = [client("logs").get_query_results(queryId=started) for _ in range(3)]
    assert [answer["status"] for answer in answers] == ["Running", "Running", ends]
    assert len(answers[-1]["results"]) == 2


def test_many_results_are_paged(aws: Sandbox, client: Clients) -> None:
    """The default is 10,000 results; up to 100,000 can be requested, in pages of 10,000."""
    aws.queries(running=0)
    aws.push_image("chatty:1", {"a": "1"})
    service = aws.create_service("chatty", cluster="chatty", image="chatty:1")
    began = aws.now() - timedelta(minutes=5)
    service.log_lines(map(str, range(12_000)), at=began)
    window = {"startTime": int(began.timestamp()), "endTime": int(began.timestamp()) + 60}
    assert len(ask(client, "fields @message", logGroupName="/ecs/chatty", **window)) == 10_000
    logs = client("logs")
    started = start(client, "fields @message | limit 11000", logGroupName="/ecs/chatty", **window)
    first = logs.get_query_results(queryId=started)
    assert len(first["results"]) == 10_000
    second = logs.get_query_results(queryId=started, nextToken=first["nextToken"])
    assert len(second["results"]) == 1_000
    assert "nextToken" not in second


def test_lines_that_have_not_arrived_are_not_found(aws: Sandbox, client: Clients) -> None:
    """A late line is found by a later query."""
    aws.log("/late", "s", "late", at=SAID, arrives_in=60)
    assert messages(client, "limit 1", logGroupName="/late") == []
    with mock.patch.object(Account, "now", return_value=aws.now() + timedelta(seconds=61)):
        assert messages(client, "limit 1", logGroupName="/late") == ["late"]
