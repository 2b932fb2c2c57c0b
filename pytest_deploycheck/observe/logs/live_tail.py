"""Live Tail, which tells sooner that there is something to read. What it brings is a hint and never evidence.

It shows new events only, leaves some out where there are many, drops the oldest for a slow client and ends after
three hours.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.config.patterns.filter_patterns import needle
from pytest_deploycheck.observe.problems import CALL_ERRORS, problem_of
from pytest_deploycheck.redaction.terminal import displayed

if TYPE_CHECKING:
    from pytest_deploycheck.config.settings import Pattern
    from pytest_deploycheck.facts.log import LogStream
    from pytest_deploycheck.observe.session import Session

_ACTION = "logs:StartLiveTail"
_GROUPS_PER_SESSION = 10
_BROKEN_OFF = (OSError, ValueError, AttributeError)
"""What reading from a connection that is closed or broken raises, below botocore."""

_Place = tuple[str, str]


class LiveTailSession:
    """Sessions over the groups of some streams, a thread for each region.

    Args:
        session: The clients.
        account: The account whose groups they are.
        streams: The streams to follow, by region and group.
    """

    def __init__(self, session: Session, account: str, streams: Mapping[_Place, Sequence[LogStream]]) -> None:
        self._session = session
        self._account = account
        self._streams = streams
        self._needles: tuple[str | None, ...] = ()
        self._called = threading.Event()
        self._closed = threading.Event()
        self._notes: dict[str, None] = {}
        self._answers: list[Any] = []
        for region in dict.fromkeys(region for region, _ in streams):
            groups = [group for where, group in streams if where == region]
            threading.Thread(target=self._follow, args=(region, groups), name="live tail", daemon=True).start()

    @property
    def notes(self) -> tuple[str, ...]:
        """The reasons why the sessions did not show everything, in sentences."""
        return tuple(self._notes)

    def want(self, patterns: Iterable[Pattern]) -> None:
        """Call only for events that may have one of these patterns."""
        self._needles = tuple(map(needle, patterns))

    def rest(self, seconds: float) -> bool:
        """Pass the seconds, or less where something wanted arrives, and tell whether it did."""
        called = self._called.wait(seconds)
        self._called.clear()
        return called

    def covers(self, streams: Iterable[LogStream]) -> bool:
        """Return True if it follows all of these streams."""
        return {stream for known in self._streams.values() for stream in known} >= set(streams)

    def close(self) -> None:
        """End the sessions, which cost by the minute."""
        self._closed.set()
        for answer in self._answers:
            answer.close()

    def _follow(self, region: str, groups: Sequence[str]) -> None:
        if len(groups) > _GROUPS_PER_SESSION:
            self._notes[f"Live Tail follows {_GROUPS_PER_SESSION} of {len(groups)} log groups in {region}"] = None
        try:
            # Streams are not named to the service: one that does not exist yet could make it refuse the session.
            client = self._session.live_logs(region)
            arns = [
                f"arn:{client.meta.partition}:logs:{region}:{self._account}:log-group:{group}"
                for group in groups[:_GROUPS_PER_SESSION]
            ]
            answer = client.start_live_tail(logGroupIdentifiers=arns)["responseStream"]
            self._answers.append(answer)
            if self._closed.is_set():
                answer.close()
            for event in answer:
                self._take(region, event)
        except (*CALL_ERRORS, *_BROKEN_OFF) as error:
            if not self._closed.is_set():
                self._notes[f"Live Tail broke off, and only polling went on: {problem_of(error, _ACTION).message}"] = (
                    None
                )
        else:
            if not self._closed.is_set():
                self._notes["Live Tail ended early, and only polling went on"] = None

    def _take(self, region: str, event: Mapping[str, Any]) -> None:
        update = event.get("sessionUpdate")
        if update is None:
            return
        if update.get("sessionMetadata", {}).get("sampled"):
            self._notes["Live Tail showed a sample only, as more came than it shows in a second"] = None
        if any(self._is_wanted(region, line) for line in update.get("sessionResults", ())):
            self._called.set()

    def _is_wanted(self, region: str, line: Mapping[str, Any]) -> bool:
        name, message = line.get("logStreamName", ""), line.get("message", "")
        own = (stream for (where, _), streams in self._streams.items() if where == region for stream in streams)
        # Only plain text is looked for here, as a regular expression could keep this thread, and with it the process.
        return any(stream.is_named(name) for stream in own) and any(
            text is None or text in message or displayed(message) != message for text in self._needles
        )
