from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_deploycheck.sandbox.world.logs.groups import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox import Sandbox, SandboxService
    from sandbox.conftest import Clients


@pytest.fixture(autouse=True)
def usual_paging(aws: Sandbox) -> Iterator[None]:
    """Reset the pages after each test."""
    yield
    aws.page_logs()


def pages(client: Clients, service: SandboxService, **asked: Any) -> Iterator[dict[str, Any]]:
    """Read a service's group page by page."""
    logs = client("logs")
    answer = logs.filter_log_events(logGroupName=f"/ecs/{service.name}", **asked)
    yield answer
    while answer.get("nextToken"):
        answer = logs.filter_log_events(logGroupName=f"/ecs/{service.name}", nextToken=answer["nextToken"], **asked)
        yield answer


def texts(answer: dict[str, Any]) -> list[str]:
    """Return the messages of a page."""
    return [event["message"] for event in answer["events"]]


def messages(client: Clients, service: SandboxService, **asked: Any) -> list[str]:
    """Return the messages of all pages."""
    return [text for page in pages(client, service, **asked) for text in texts(page)]


def test_pages_may_be_small_and_empty(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Only a missing token ends the reading; lines that arrive meanwhile do not shift the pages."""
    for number in range(5):
        service.running_tasks[0].log(str(number))
    logs = client("logs")
    group = f"/ecs/{service.name}"
    first = logs.filter_log_events(logGroupName=group, limit=2)
    assert [event["message"] for event in first["events"]] == ["0", "1"]
    service.running_tasks[0].log("older", at=aws.now() - timedelta(minutes=1), arrives_in=0.01)
    time.sleep(0.02)
    rest = logs.filter_log_events(logGroupName=group, limit=3, nextToken=first["nextToken"])
    assert [event["message"] for event in rest["events"]] == ["2", "3", "4"]
    assert "nextToken" not in rest
    aws.page_logs(size=4, empty_pages=True)
    empty = logs.filter_log_events(logGroupName=group)
    assert empty["events"] == []
    assert empty["nextToken"]
    assert messages(client, service) == ["older", "0", "1", "2", "3", "4"]


def test_a_page_holds_a_megabyte(client: Clients, service: SandboxService) -> None:
    """Long lines fill a page before the limit does."""
    for _ in range(5):
        service.running_tasks[0].log("x" * 400_000)
    answer = client("logs").filter_log_events(logGroupName=f"/ecs/{service.name}")
    assert len(answer["events"]) == 2
    assert len(messages(client, service)) == 5


def test_a_page_is_filled_to_the_limit(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """A large group has pages of a megabyte or 10,000 events, each line once and in order of time."""
    first, second = service.running_tasks
    began = aws.now() - timedelta(minutes=30)
    first.log_lines((f"a {number}" for number in range(12_000)), at=began, every=timedelta(milliseconds=2))
    second.log_lines((f"b {number}" for number in range(12_000)), at=began, every=timedelta(milliseconds=2))
    read = list(pages(client, service))
    assert [len(page["events"]) for page in read] == [10_000, 10_000, 4_000]
    events = [event for page in read for event in page["events"]]
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    assert len({event["eventId"] for event in events}) == 24_000
    assert [text for page in read for text in texts(page) if text[0] == "b"] == [f"b {n}" for n in range(12_000)]
    assert events[2]["timestamp"] == milliseconds(began) + 2


def test_a_filtered_reading_continues_at_its_position(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Window, stream and pattern apply to all pages, and the last has no token."""
    task, other = service.running_tasks
    began = aws.now() - timedelta(minutes=30)
    numbers = (f"{'odd' if number % 2 else 'even'} {number}" for number in range(1_000))
    task.log_lines(numbers, at=began, every=timedelta(seconds=1))
    other.log("odd 1000", at=began + timedelta(seconds=500))
    asked = {
        "startTime": milliseconds(began + timedelta(seconds=101)),
        "endTime": milliseconds(began + timedelta(seconds=899)),
        "logStreamNames": [f"ecs/app/{task.id}"],
        "filterPattern": "odd",
        "limit": 100,
    }
    read = list(pages(client, service, **asked))
    assert [len(page["events"]) for page in read] == [100, 100, 100, 100]
    assert [text for page in read for text in texts(page)] == [f"odd {number}" for number in range(101, 900, 2)]


def test_a_service_logs_many_lines(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Each of its running tasks logs them, from any iterable."""
    service.log_lines(iter("abc"), at=aws.now() - timedelta(minutes=1))
    assert sorted(messages(client, service)) == ["a", "a", "b", "b", "c", "c"]


def test_a_reading_has_the_lines_from_before_it_began(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """Lines that are logged between two pages, at whatever time, are part of the next reading."""
    began = aws.now() - timedelta(minutes=10)
    task = service.running_tasks[0]
    task.log_lines("abcd", at=began, every=timedelta(seconds=1))
    aws.page_logs(size=2)
    reading = pages(client, service)
    assert texts(next(reading)) == ["a", "b"]
    task.log("between", at=began + timedelta(seconds=2, milliseconds=500))
    task.log("before", at=began - timedelta(seconds=1))
    assert [text for page in reading for text in texts(page)] == ["c", "d"]
    assert messages(client, service) == ["before", "a", "b", "c", "between", "d"]


def test_a_token_may_be_returned_again(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """For the given number of calls the answer is empty and has the same token; then the reading continues."""
    service.running_tasks[0].log_lines("abcd", at=aws.now() - timedelta(minutes=1))
    aws.page_logs(size=2, repeat_token=2)
    read = list(pages(client, service))
    assert [texts(page) for page in read] == [["a", "b"], [], [], ["c", "d"]]
    assert read[0]["nextToken"] == read[1]["nextToken"] == read[2]["nextToken"]
    assert [texts(page) for page in pages(client, service)] == [["a", "b"], [], [], ["c", "d"]]


def test_a_page_may_be_repeated_with_its_token(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """The page has the token of its request, and is repeated when the reading continues."""
    service.running_tasks[0].log_lines("abcde", at=aws.now() - timedelta(minutes=1))
    aws.page_logs(size=2, repeat_token=1, repeat_page=True)
    read = list(pages(client, service))
    assert [texts(page) for page in read] == [["a", "b"], ["c", "d"], ["c", "d"], ["e"], ["e"]]
    tokens = [page.get("nextToken") for page in read]
    assert tokens[0] == tokens[1] != tokens[2]
    assert tokens[2] == tokens[3]
    assert read[1]["events"] == read[2]["events"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"size": 3, "overlap": 1}, ["abc", "cde"]),
        ({"size": 2, "overlap": 9}, ["ab", "bc", "cd", "de"]),
        ({"size": 1, "overlap": 1}, ["a", "b", "c", "d", "e"]),
    ],
)
def test_an_event_may_be_repeated(
    aws: Sandbox, client: Clients, service: SandboxService, settings: dict[str, int], expected: list[str]
) -> None:
    """The next page repeats the last events of a page, and the reading ends nevertheless."""
    service.running_tasks[0].log_lines("abcde", at=aws.now() - timedelta(minutes=1))
    aws.page_logs(**settings)  # type: ignore[arg-type]
    read = list(pages(client, service))
    assert ["".join(texts(page)) for page in read] == expected
    assert len({event["eventId"] for page in read for event in page["events"]}) == 5
