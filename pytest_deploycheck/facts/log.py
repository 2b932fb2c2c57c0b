"""Log events, the streams they are in, and what was read of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from pytest_deploycheck.facts.log_text import readable
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.redaction import clean

OVERLAP = timedelta(minutes=2)
"""How far back each poll reads again, as events may become visible late and out of order.

CloudWatch promises no bound. Events come seconds late as a rule; what comes later than this still counts when a wait
ends, as the whole window is read again then.
"""

SETTLE_IN_ORDER = 20.0
"""Seconds after which an event that CloudWatch took in is visible, as is all that was sent before it."""

SETTLE_OUT_OF_ORDER = 120.0
"""The same in seconds for streams whose events may be sent in another order than they were written."""

UNREAD = "Unread"
"""Code of the problem that a log group was not read to its end when the wait was over."""


class LogStream(Struct, frozen=True):
    """The log stream of one container of one task.

    Attributes:
        task: Id of the task.
        container: Name of the container.
        region: Region of the log group, which may differ from the service's.
        group: Name of the log group.
        name: Name of the stream.
        may_drop: Whether the log driver may drop lines when it falls behind (non-blocking mode).
        is_part: Whether `name` is only a part of the stream's name, as where a log router names the streams.
        is_routed: Whether a log router writes it, which may wrap the lines in JSON.
        settle: Seconds after CloudWatch took in an event until all that was written before it is visible.
        own: Where only a part of the name is known: the part that names this container's stream for certain.
        others: The parts that name streams of other containers of the task.
    """

    task: str
    container: str
    region: str
    group: str
    name: str
    may_drop: bool = False
    is_part: bool = False
    is_routed: bool = False
    settle: float = SETTLE_IN_ORDER
    own: str = ""
    others: tuple[str, ...] = ()

    def is_named(self, name: str) -> bool:
        """Return True if a stream of the group that has this name is this stream."""
        if not self.is_part:
            return self.name == name
        # `app-firelens-…` is a part of `my-app-firelens-…` too: the longer name tells.
        other = max((len(part) for part in self.others if part in name), default=0)
        return self.name in name and (not other or (self.own in name and len(self.own) > other))


class LogEvent(Struct, frozen=True):
    """A line, or several that were written as one.

    Attributes:
        id: CloudWatch's own id for it.
        timestamp: The time it was written, by the writer's clock (aware).
        ingested_at: The time CloudWatch received it (aware).
        message: Its raw text.
        task: Id of the task that wrote it.
        stream: Name of the log stream it is in.
        text: Its text as a person reads it: without control sequences and without a log router's JSON around it.
        is_wrapped: Whether a log router had wrapped the line in JSON.
    """

    id: str
    timestamp: datetime
    ingested_at: datetime
    message: str
    task: str
    stream: str
    text: str = ""
    is_wrapped: bool = False

    def __post_init__(self) -> None:
        """Fill in the text where only the message is given."""
        if not self.text and not self.is_wrapped:
            force_setattr(self, "text", readable(self.message).text)

    def has(self, matches: Callable[[str], object]) -> bool:
        """Return True if its text matches, or its raw message where no log router wrapped it."""
        return bool(matches(self.text) or (not self.is_wrapped and matches(self.message)))

    def __repr__(self) -> str:
        return f"<{self.timestamp:%H:%M:%S} {self.task[:8]} {clean(self.text)!r}>"


class LogMatch(LogEvent, frozen=True):
    """An event that has what was asked for, and which part of it that is.

    Attributes:
        text: The part of the event's text that matched.
        groups: The groups of the regular expression, in their order; None for one that took no part.
        named: Its named groups.
    """

    groups: tuple[str | None, ...] = ()
    named: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep the text as it is: an expression may match at a place without any."""


class LogScope(Struct, frozen=True):
    """The log streams that are read, and the start of the window.

    Attributes:
        since: Start of the window (UTC): the start of the rollout, unless the run was told otherwise.
        tasks: Ids of the new tasks: those that run the expected image.
        streams: Their streams, and those of tasks that ran the expected image and were replaced since.
        old_streams: Streams of tasks that run something else; they never count, and are only read to explain.
        problems: Why some of the logs cannot be read.
        blind: Containers whose logs go where they cannot be read, each with its reason.
        old_since: Start of the window for `old_streams`: tasks that crashed logged before their rollback began.
        rolled_out_at: The end of the rollout (UTC), or the start of its youngest task where ECS does not tell it.
    """

    since: datetime
    tasks: tuple[str, ...]
    streams: tuple[LogStream, ...] = ()
    old_streams: tuple[LogStream, ...] = ()
    problems: tuple[Problem, ...] = ()
    blind: tuple[str, ...] = ()
    old_since: datetime | None = None
    rolled_out_at: datetime | None = None

    @property
    def may_drop(self) -> bool:
        """True if a log driver may have dropped lines."""
        return any(stream.may_drop for stream in self.streams)

    @property
    def settle(self) -> float:
        """Seconds until the events of all streams are settled."""
        return max((stream.settle for stream in self.streams), default=SETTLE_IN_ORDER)

    @property
    def current_streams(self) -> tuple[LogStream, ...]:
        """The streams of the tasks that run now."""
        return tuple(stream for stream in self.streams if stream.task in self.tasks)

    @property
    def of_old(self) -> LogScope:
        """The logs of the tasks that run something else, as a scope of their own."""
        tasks = tuple(dict.fromkeys(stream.task for stream in self.old_streams))
        return LogScope(self.old_since or self.since, tasks, self.old_streams)

    def followed_by(self, newer: LogScope) -> LogScope:
        """This scope after the tasks were listed again: the window stays, and lines of replaced tasks still count."""
        former = tuple(stream for stream in self.streams if stream not in newer.streams)
        return replace(
            newer,
            since=self.since,
            streams=newer.streams + former,
            old_streams=tuple(stream for stream in newer.old_streams if stream not in former),
            old_since=self.old_since,
        )


class StreamState(Struct, frozen=True):
    """A stream that has events, and the time up to which all of them are known.

    Attributes:
        stream: The stream.
        last: The time of its latest known event (aware).
        complete_until: Every event that was written before this moment is visible (aware); None where that is known
            of no moment. It is the time of an event that CloudWatch took in long enough ago.
    """

    stream: LogStream
    last: datetime
    complete_until: datetime | None = None


class LogSight(Struct, frozen=True):
    """The part of the logs in a scope that was read up to one moment.

    Attributes:
        scope: Which logs were read.
        events: The events that may have what was asked for, the oldest first.
        problems: Why some could not be read.
        states: The streams that are known to have events in the window.
        read_at: When the reading began, by the servers' clock, or None where nothing was read.
        is_cut: Whether more events have what was asked for than are kept, so that their number is not known.
        recent: The last lines, whatever they are; read only where something is to be explained.
        is_recent_all: Whether `recent` is all that was logged in the window.
        notes: What limited the reading, in sentences.
    """

    scope: LogScope
    events: tuple[LogEvent, ...] = ()
    problems: tuple[Problem, ...] = ()
    states: tuple[StreamState, ...] = ()
    read_at: datetime | None = None
    is_cut: bool = False
    recent: tuple[LogEvent, ...] = ()
    is_recent_all: bool = False
    notes: tuple[str, ...] = ()

    @property
    def tasks_with_events(self) -> frozenset[str]:
        """Ids of the tasks that logged anything."""
        return frozenset(event.task for event in self.events) | frozenset(state.stream.task for state in self.states)

    @property
    def tasks_without_events(self) -> tuple[str, ...]:
        """Ids of the new tasks of which a container has no events, or whose logs cannot be read."""
        empty = {stream.task for stream in self.scope.streams if not self._has_events(stream)}
        seen = self.tasks_with_events
        return tuple(task for task in self.scope.tasks if task in empty or task not in seen or self.scope.blind)

    @property
    def is_unread(self) -> bool:
        """True if the reading ended before the end of the logs, as the wait was over."""
        return any(problem.code == UNREAD for problem in self.problems)

    def incomplete(self, moment: datetime | None = None) -> tuple[str, ...]:
        """Ids of the new tasks whose events are not known to be complete up to a moment, or to any moment at all."""
        known = {state.stream for state in self.states if _reaches(state.complete_until, moment)}
        lacking = {stream.task for stream in self.scope.current_streams if stream not in known}
        return tuple(task for task in self.scope.tasks if task in lacking or task not in self.tasks_with_events)

    def quiet_since(self, moment: datetime) -> tuple[str, ...]:
        """Ids of the new tasks with a log stream that has no event later than a moment."""
        quiet = {state.stream.task for state in self.states if state.last <= moment}
        return tuple(task for task in self.scope.tasks if task in quiet)

    @property
    def complete_until(self) -> datetime | None:
        """The moment up to which the events of every new task are complete, or None where there is no such moment."""
        known = {state.stream: state.complete_until for state in self.states}
        moments = [known.get(stream) for stream in self.scope.current_streams]
        return min((moment for moment in moments if moment), default=None) if all(moments) else None

    def complete_until_of(self, event: LogEvent) -> datetime | None:
        """The moment up to which the stream of an event is complete."""
        moments = (
            state.complete_until
            for state in self.states
            if state.stream.task == event.task and state.stream.is_named(event.stream)
        )
        return next(moments, None)

    def _has_events(self, stream: LogStream) -> bool:
        found = any(event.task == stream.task and stream.is_named(event.stream) for event in self.events)
        return found or any(state.stream == stream for state in self.states)


def _reaches(known: datetime | None, moment: datetime | None) -> bool:
    return known is not None and (moment is None or known >= moment)
