"""The sessions of Live Tail: how many groups they follow, and how they end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace
from support.worlds import stream

from pytest_deploycheck.observe.logs.live_tail import LiveTailSession

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session

LIMIT = 30.0
"""Seconds after which a test fails that waits for something."""


class Answer:
    """A session that shows no event until it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        assert self.closed.wait(LIMIT)
        return iter(())

    def close(self) -> None:
        """End it."""
        self.closed.set()


def begun(start: Callable[[Sequence[str]], Answer], groups: int = 1) -> tuple[LiveTailSession, threading.Thread]:
    """Begin to follow some groups, and return the session with the thread that follows."""
    client = SimpleNamespace(
        meta=SimpleNamespace(partition="aws"),
        start_live_tail=lambda logGroupIdentifiers: {"responseStream": start(logGroupIdentifiers)},  # noqa: N803
    )
    streams = {("us-east-1", f"/ecs/{number}"): [replace(stream(), group=f"/ecs/{number}")] for number in range(groups)}
    following: list[threading.Thread] = []
    began = threading.Event()

    def live_logs(_: str) -> Any:
        following.append(threading.current_thread())
        began.set()
        return client

    session = LiveTailSession(cast("Session", SimpleNamespace(live_logs=live_logs)), "123456789012", streams)
    assert began.wait(LIMIT)
    return session, following[0]


def test_groups_beyond_those_that_a_session_takes() -> None:
    """The service takes ten; that others are only polled is told."""
    asked: list[str] = []
    answer = Answer()

    def start(groups: Sequence[str]) -> Answer:
        asked.extend(groups)
        return answer

    session, following = begun(start, groups=12)
    session.close()
    following.join(LIMIT)
    assert asked == [f"arn:aws:logs:us-east-1:123456789012:log-group:/ecs/{number}" for number in range(10)]
    assert session.notes == ("Live Tail follows 10 of 12 log groups in us-east-1",)


def test_a_session_that_begins_after_it_was_closed() -> None:
    """AWS charges by the minute: a session that the service opens late is closed at once, and nothing is noted."""
    closed = threading.Event()
    answer = Answer()

    def start(_: Sequence[str]) -> Answer:
        assert closed.wait(LIMIT)
        return answer

    session, following = begun(start)
    session.close()
    closed.set()
    following.join(LIMIT)
    assert answer.closed.is_set()
    assert session.notes == ()


def test_a_session_that_the_service_ends() -> None:
    """After some hours the service ends it, and from then on lines are found by polling only, which is told."""
    answer = Answer()
    session, following = begun(lambda _: answer)
    answer.close()
    following.join(LIMIT)
    assert session.notes == ("Live Tail ended early, and only polling went on",)
