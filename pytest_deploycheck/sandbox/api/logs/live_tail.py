"""The operation StartLiveTail: a stream of the lines that arrive."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from pytest_deploycheck.sandbox.api.logs import event_stream
from pytest_deploycheck.sandbox.api.logs.filter_patterns import FilterPattern, parse_filter_pattern
from pytest_deploycheck.sandbox.api.logs.groups import find_group, missing, require_standard
from pytest_deploycheck.sandbox.api.responses import Json, invalid, without_none
from pytest_deploycheck.sandbox.world.logs.groups import milliseconds

if TYPE_CHECKING:
    import socket

    from pytest_deploycheck.sandbox.world.logs.behaviour import SessionError
    from pytest_deploycheck.sandbox.world.logs.groups import LogGroup, StoredLine
    from pytest_deploycheck.sandbox.world.world import World

_INTERVAL = 0.05
_MOST_GROUPS = 10
_MOST_EVENTS = 500
_STALL_SECONDS = 1.0
_JOIN_SECONDS = 5.0
_ARN = re.compile(r"arn:aws[\w-]*:logs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):log-group:(?P<name>[\w./#-]+)")


@dataclass(slots=True)
class _WatchedGroup:
    """The new lines of a log group.

    Attributes:
        arn: The ARN of the group.
        group: The group.
        read: The number of its lines that were read.
        coming: The lines among them that have not arrived yet.
    """

    arn: str
    group: LogGroup
    read: int
    coming: list[StoredLine]

    def new(self, now: int) -> list[StoredLine]:
        """Return the lines that have arrived by `now`, each once."""
        # A line that is logged after the session began is new even if its arrival is older.
        candidates = self.coming + self.group.logged[self.read :]
        self.read = len(self.group.logged)
        self.coming = [line for line in candidates if line.arrives > now]
        return [line for line in candidates if line.arrives <= now]


@dataclass(slots=True)
class TailSession:
    """A session of a live tail.

    Attributes:
        world: The state that it reads.
        request: The parameters of the request.
        watches: The log groups.
        pattern: The filter pattern.
        id: The session's id.
    """

    world: World
    request: Json
    watches: list[_WatchedGroup]
    pattern: FilterPattern
    id: str = field(default_factory=lambda: str(uuid4()))
    _matches: int = 0

    def start(self) -> Json:
        """Return the event that opens the session."""
        return without_none(
            {
                "requestId": str(uuid4()),
                "sessionId": self.id,
                "logGroupIdentifiers": [watch.arn for watch in self.watches],
                "logStreamNames": self.request.get("logStreamNames"),
                "logStreamNamePrefixes": self.request.get("logStreamNamePrefixes"),
                "logEventFilterPattern": self.request.get("logEventFilterPattern"),
            }
        )

    def update(self) -> Json:
        """Return the event with the lines that have arrived since the last."""
        with self.world.account.lock:
            now = milliseconds(self.world.account.now())
            found = [(watch.arn, line) for watch in self.watches for line in watch.new(now) if self._is_requested(line)]
            sampled = self.world.tailing.sampled
        if sampled:
            first = (self._matches + 1) % 2
            self._matches += len(found)
            found = found[first::2]
        if len(found) > _MOST_EVENTS:
            sampled = True
            found = found[:: -(-len(found) // _MOST_EVENTS)]
        return {
            "sessionMetadata": {"sampled": sampled},
            "sessionResults": [_event(arn, line) for arn, line in found],
        }

    def _is_requested(self, line: StoredLine) -> bool:
        names = self.request.get("logStreamNames")
        prefixes = self.request.get("logStreamNamePrefixes")
        return (
            (not names or line.stream in names)
            and (not prefixes or line.stream.startswith(tuple(prefixes)))
            and self.pattern.matches(line.message)
        )


def start_live_tail(world: World, region: str, request: Json) -> TailSession:
    """Start a session for StartLiveTail.

    Raises:
        AwsError: If the service would answer with an error.
    """
    identifiers = request.get("logGroupIdentifiers") or []
    if not 1 <= len(identifiers) <= _MOST_GROUPS:
        raise invalid(f"logGroupIdentifiers must have between 1 and {_MOST_GROUPS} members")
    names, prefixes = request.get("logStreamNames"), request.get("logStreamNamePrefixes")
    if names and prefixes:
        raise invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive")
    if (names or prefixes) and len(identifiers) > 1:
        raise invalid("Log streams can be chosen for a single log group only")
    pattern = parse_filter_pattern(request.get("logEventFilterPattern", ""))
    now = milliseconds(world.account.now())
    watches = []
    for identifier in identifiers:
        group = _group(world, region, identifier)
        require_standard(group, "StartLiveTail")
        coming = [line for line in group.logged if line.arrives > now]
        watches.append(_WatchedGroup(identifier, group, len(group.logged), coming))
    return TailSession(world, request, watches, pattern)


class TailSessions:
    """The open sessions, each in the thread of its connection."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        self._threads: set[threading.Thread] = set()

    def stream(self, tail: TailSession, connection: socket.socket) -> Iterator[bytes]:
        """Return the bytes of a session until it ends."""
        self._threads.add(threading.current_thread())
        # A client that does not read would block the thread for ever.
        connection.settimeout(_STALL_SECONDS)
        fails: list[SessionError] = []
        yield from event_stream.live_tail_stream(self._events(tail, fails))
        for error in fails:
            yield event_stream.exception(error, _REASONS[error])

    def _events(self, tail: TailSession, fails: list[SessionError]) -> Iterator[Json]:
        """Return the events of a session until it ends; an error that ends it is added to `fails`."""
        began = time.monotonic()
        yield {"sessionStart": tail.start()}
        while not self.closing.wait(_INTERVAL):
            yield {"sessionUpdate": tail.update()}
            tailing = tail.world.tailing
            ends_after = 0.0 if tailing.fails and tailing.ends_after is None else tailing.ends_after
            if ends_after is not None and time.monotonic() - began >= ends_after:
                if tailing.fails:
                    fails.append(tailing.fails)
                return

    def open(self) -> None:
        """Allow sessions."""
        self.closing.clear()

    def close(self) -> None:
        """End all sessions, and wait until their threads have ended."""
        self.closing.set()
        while self._threads:
            self._threads.pop().join(_JOIN_SECONDS)


_REASONS: Mapping[SessionError, str] = {
    "SessionStreamingException": "The session was ended by an unknown error",
    "SessionTimeoutException": "The session was open for three hours",
}


def _group(world: World, region: str, identifier: str) -> LogGroup:
    arn = _ARN.fullmatch(identifier)
    if arn is None:
        raise invalid(f"{identifier} is not the ARN of a log group, which must not end with an asterisk")
    if (arn["region"], arn["account"]) != (region, world.account.id):
        raise missing("log group")
    return find_group(world, region, arn["name"])


def _event(arn: str, line: StoredLine) -> Json:
    return {
        "logStreamName": line.stream,
        "logGroupIdentifier": arn,
        "message": line.message,
        "timestamp": line.timestamp,
        "ingestionTime": line.arrives,
    }
