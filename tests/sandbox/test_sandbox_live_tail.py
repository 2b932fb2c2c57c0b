from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import EventStreamError

from pytest_deploycheck.sandbox import Sandbox
from pytest_deploycheck.sandbox.api.logs import event_stream
from pytest_deploycheck.sandbox.world.logs.groups import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_deploycheck.sandbox import SandboxService
    from sandbox.conftest import Clients


@pytest.fixture(autouse=True)
def usual_tails(aws: Sandbox) -> Iterator[None]:
    """Reset the behaviour of live tails after each test."""
    yield
    aws.live_tail()


def arn(name: str, region: str = "us-east-1") -> str:
    """Return the ARN of a log group."""
    return f"arn:aws:logs:{region}:123456789012:log-group:{name}"


class Tail(Protocol):
    """Opens live tails."""

    def __call__(self, *groups: str, **asked: Any) -> Any:
        """Open a live tail of log groups; return its events after the start of the session."""
        ...


@pytest.fixture
def tail(client: Clients) -> Iterator[Tail]:
    """Return a function that opens live tails, which are closed after the test."""
    with ExitStack() as streams:

        def opened(*groups: str, **asked: Any) -> Any:
            answer = client("logs").start_live_tail(logGroupIdentifiers=[arn(group) for group in groups], **asked)
            events = iter(streams.enter_context(closing(answer["responseStream"])))
            assert "sessionStart" in next(events)
            return events

        yield opened


def next_lines(events: Any, count: int) -> list[dict[str, Any]]:
    """Return the next `count` lines."""
    lines: list[dict[str, Any]] = []
    while len(lines) < count:
        lines += next(events)["sessionUpdate"]["sessionResults"]
    return lines


def texts(events: Any, count: int) -> list[str]:
    """Return the messages of the next `count` lines."""
    return [line["message"] for line in next_lines(events, count)]


def test_a_session_starts_with_its_parameters(client: Clients, service: SandboxService) -> None:
    """Updates follow at short intervals, even without lines."""
    group = f"/ecs/{service.name}"
    asked = {"logStreamNamePrefixes": ["ecs/"], "logEventFilterPattern": "hello"}
    answer = client("logs").start_live_tail(logGroupIdentifiers=[arn(group)], **asked)
    events = iter(answer["responseStream"])
    start = next(events)["sessionStart"]
    assert start["sessionId"]
    assert start["requestId"]
    assert start["logGroupIdentifiers"] == [arn(group)]
    assert start["logStreamNamePrefixes"] == ["ecs/"]
    assert start["logEventFilterPattern"] == "hello"
    assert "logStreamNames" not in start
    assert next(events) == {"sessionUpdate": {"sessionMetadata": {"sampled": False}, "sessionResults": []}}
    answer["responseStream"].close()


def test_only_lines_that_arrive_are_streamed(aws: Sandbox, tail: Tail, service: SandboxService) -> None:
    """Earlier lines are not; a late line is streamed when it arrives, each line once and with its own times."""
    task = service.running_tasks[0]
    task.log("before")
    task.log("late", at=aws.now() - timedelta(minutes=2), arrives_in=0.7)
    events = tail(f"/ecs/{service.name}")
    logged_at = aws.now()
    task.log("now", at=logged_at)
    first, second = next_lines(events, 2)
    assert (first["message"], second["message"]) == ("now", "late")
    assert first["timestamp"] == milliseconds(logged_at)
    assert first["logStreamName"] == f"ecs/app/{task.id}"
    assert first["logGroupIdentifier"] == arn(f"/ecs/{service.name}")
    assert second["ingestionTime"] > second["timestamp"] + 100_000
    task.log("older", at=aws.now() - timedelta(minutes=1))
    assert texts(events, 1) == ["older"]


def test_groups_streams_and_lines_are_chosen(aws: Sandbox, tail: Tail, service: SandboxService) -> None:
    """Lines are chosen by ARN, by pattern, and for a single group by stream name or prefix."""
    first, second = service.running_tasks
    own = f"/ecs/{service.name}"
    aws.log("/other", "s", "opened")
    both = tail(own, "/other")
    one = tail(own, logStreamNames=[f"ecs/app/{second.id}"])
    prefix = tail(own, logStreamNamePrefixes=[f"ecs/app/{first.id}", "x"])
    pattern = tail(own, logEventFilterPattern="ERROR")
    first.log("first")
    second.log("second")
    second.log("ERROR third")
    aws.log("/other", "s", "fourth")
    assert sorted(texts(both, 4)) == ["ERROR third", "first", "fourth", "second"]
    assert texts(one, 2) == ["second", "ERROR third"]
    assert texts(prefix, 1) == ["first"]
    assert texts(pattern, 1) == ["ERROR third"]


def test_invalid_live_tails_are_refused(aws: Sandbox, client: Clients, service: SandboxService) -> None:
    """At most ten groups, as ARNs without asterisk; streams for one group only, by name or by prefix."""
    logs = client("logs")
    own = arn(f"/ecs/{service.name}")
    aws.log("/other", "s", "opened")
    for asked in (
        {"logGroupIdentifiers": [f"{own}:*"]},
        {"logGroupIdentifiers": [f"/ecs/{service.name}"]},
        {"logGroupIdentifiers": [own] * 11},
        {"logGroupIdentifiers": [own, arn("/other")], "logStreamNames": ["s"]},
        {"logGroupIdentifiers": [own, arn("/other")], "logStreamNamePrefixes": ["s"]},
        {"logGroupIdentifiers": [own], "logStreamNames": ["s"], "logStreamNamePrefixes": ["s"]},
        {"logGroupIdentifiers": [own], "logEventFilterPattern": "a=b"},
    ):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.start_live_tail(**asked)
    for missing in (arn("/nowhere"), arn(f"/ecs/{service.name}", "eu-west-1")):
        with pytest.raises(logs.exceptions.ResourceNotFoundException):
            logs.start_live_tail(logGroupIdentifiers=[missing])
    aws.deny("logs:StartLiveTail")
    try:
        with pytest.raises(logs.exceptions.AccessDeniedException, match=f"on resource: {own}:"):
            logs.start_live_tail(logGroupIdentifiers=[own])
    finally:
        aws.allow()


def test_a_session_may_be_sampled(aws: Sandbox, tail: Tail, service: SandboxService) -> None:
    """Every other line is left out, beginning with the first, and each update is marked as sampled."""
    aws.live_tail(sampled=True)
    events = tail(f"/ecs/{service.name}")
    for text in "abcd":
        service.running_tasks[0].log(text)
    assert texts(events, 2) == ["b", "d"]
    assert next(events)["sessionUpdate"]["sessionMetadata"] == {"sampled": True}


def test_too_many_lines_are_sampled(aws: Sandbox, tail: Tail, service: SandboxService) -> None:
    """An update has at most 500 lines, and is marked as sampled if there are more."""
    events = tail(f"/ecs/{service.name}")
    service.running_tasks[0].log_lines(map(str, range(1_200)), at=aws.now())
    update: dict[str, Any] = {"sessionResults": []}
    while not update["sessionResults"]:
        update = next(events)["sessionUpdate"]
    assert update["sessionMetadata"] == {"sampled": True}
    assert len(update["sessionResults"]) == 400


def test_a_session_may_end_without_an_error(aws: Sandbox, tail: Tail, service: SandboxService) -> None:
    """The stream ends after the given time."""
    aws.live_tail(ends_after=0.1)
    events = tail(f"/ecs/{service.name}")
    assert all("sessionUpdate" in event for event in events)


@pytest.mark.parametrize("code", ["SessionStreamingException", "SessionTimeoutException"])
def test_a_session_may_end_with_an_error(aws: Sandbox, tail: Tail, service: SandboxService, code: Any) -> None:
    """An open session ends with the given error."""
    events = tail(f"/ecs/{service.name}")
    service.running_tasks[0].log("open")
    assert texts(events, 1) == ["open"]
    aws.live_tail(fails=code)
    with pytest.raises(EventStreamError) as broken:
        list(events)
    assert broken.value.response["Error"]["Code"] == code


def test_sessions_end_with_the_sandbox(recwarn: pytest.WarningsRecorder) -> None:
    """Stopping ends all sessions and their threads, even if a client does not read; the sandbox can start again."""
    before = set(threading.enumerate())
    aws = Sandbox()
    for _ in range(2):
        with aws:
            aws.log("/own", "s", "opened")
            environ = aws.environ
            with pytest.MonkeyPatch.context() as patch:
                for name, value in environ.items():
                    patch.setenv(name, value)
                logs = boto3.Session().client("logs")
            one, other = (logs.start_live_tail(logGroupIdentifiers=[arn("/own")])["responseStream"] for _ in range(2))
            events = iter(one)
            assert "sessionStart" in next(events)
            assert "sessionUpdate" in next(events)
            began = time.monotonic()
        assert time.monotonic() - began < 3
        assert set(threading.enumerate()) <= before
        assert all("sessionUpdate" in event for event in events)
        one.close()
        other.close()
    assert not recwarn.list


def test_a_client_that_disconnects_ends_its_session(client: Clients, service: SandboxService) -> None:
    """The thread of the session ends."""
    before = set(threading.enumerate())
    answer = client("logs").start_live_tail(logGroupIdentifiers=[arn(f"/ecs/{service.name}")])
    threads = set(threading.enumerate()) - before
    assert threads
    answer["responseStream"].close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_the_stream_is_as_aws_writes_it() -> None:
    """A stream opens with its initial response, and botocore reads the headers and payloads of events and errors."""
    update = {"sessionUpdate": {"sessionMetadata": {"sampled": True}, "sessionResults": [{"message": "grüß"}]}}
    buffer = EventStreamBuffer()
    for message in event_stream.live_tail_stream([update]):
        buffer.add_data(message)
    buffer.add_data(event_stream.exception("SessionTimeoutException", "over"))
    messages: list[Any] = list(buffer)
    opening, event, error = messages
    assert opening.headers[":event-type"] == "initial-response"
    assert event.headers == {
        ":message-type": "event",
        ":event-type": "sessionUpdate",
        ":content-type": "application/json",
    }
    assert json.loads(event.payload) == update["sessionUpdate"]
    assert error.headers[":exception-type"] == "SessionTimeoutException"
    assert error.payload == b'{"message": "over"}'
