"""What CloudWatch Logs says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.redaction import clean

OVERLAP = timedelta(minutes=2)
"""How late an event may become visible and still be reckoned with: so far back each look reads again.

CloudWatch promises no bound. Lines come seconds late as a rule; what comes later than this still counts when a wait
ends, as the whole window is read again then.
"""


class LogStream(Struct, frozen=True):
    """Where one container of one task writes.

    Attributes:
        task: Id of the task.
        container: Name of the container.
        region: Region of the log group, which may differ from the service's.
        group: Name of the log group.
        name: Name of the stream.
        may_drop: Whether the log driver may drop lines when it falls behind (non-blocking mode).
        is_part: Whether `name` is only a part of the stream's name, as where a log router names the streams.
    """

    task: str
    container: str
    region: str
    group: str
    name: str
    may_drop: bool = False
    is_part: bool = False

    def is_named(self, name: str) -> bool:
        """Whether a stream of the group that has this name is the one."""
        return self.name in name if self.is_part else self.name == name


class LogEvent(Struct, frozen=True):
    """A line, or several that were written as one.

    Attributes:
        id: CloudWatch's own id for it.
        timestamp: When it was written, by the writer's clock (aware).
        ingested_at: When CloudWatch received it (aware).
        message: What it says, as it came.
        task: Id of the task that wrote it.
        stream: Name of the log stream it is in.
    """

    id: str
    timestamp: datetime
    ingested_at: datetime
    message: str
    task: str
    stream: str

    def __repr__(self) -> str:
        return f"<{self.timestamp:%H:%M:%S} {self.task[:8]} {clean(self.message)!r}>"


class LogMatch(LogEvent, frozen=True):
    """An event that has what was asked for, and which part of it that is.

    Attributes:
        text: The part of the message that matched.
        groups: The groups of the regular expression, in their order; None for one that took no part.
        named: Its named groups.
    """

    text: str = ""
    groups: tuple[str | None, ...] = ()
    named: Mapping[str, str | None] = field(default_factory=dict)


class LogScope(Struct, frozen=True):
    """Which logs are looked at, and from when.

    Attributes:
        since: Start of the window (UTC): the start of the rollout, unless the run was told otherwise.
        tasks: Ids of the new tasks: those that run the expected image.
        streams: Where they write, and where those wrote that ran it and were replaced since.
        old_streams: Where tasks write that run something else; never counted, only looked at to explain.
        problems: Why some of the logs cannot be looked at.
        blind: Containers whose logs go where nothing can be looked at, each with its reason.
        old_since: Start of the window for `old_streams`: tasks that crashed spoke before their rollback began.
        started: When the new tasks began to run, by their ids, as far as ECS tells.
    """

    since: datetime
    tasks: tuple[str, ...]
    streams: tuple[LogStream, ...] = ()
    old_streams: tuple[LogStream, ...] = ()
    problems: tuple[Problem, ...] = ()
    blind: tuple[str, ...] = ()
    old_since: datetime | None = None
    started: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def may_drop(self) -> bool:
        """Whether a log driver may have dropped lines."""
        return any(stream.may_drop for stream in self.streams)

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
        """This scope after another look at the tasks: what replaced tasks said still counts, and the window stays."""
        former = tuple(stream for stream in self.streams if stream not in newer.streams)
        return replace(
            newer,
            since=self.since,
            streams=newer.streams + former,
            old_streams=tuple(stream for stream in newer.old_streams if stream not in former),
            old_since=self.old_since,
        )


class Spoke(Struct, frozen=True):
    """When a stream is known to have said something: at these two moments, whatever it said in between.

    Attributes:
        stream: The stream.
        first: The earliest such moment (aware).
        last: The latest such moment (aware).
    """

    stream: LogStream
    first: datetime
    last: datetime


class LogSight(Struct, frozen=True):
    """What was read of the logs in a scope up to one moment.

    Attributes:
        scope: Which logs were looked at.
        events: The events that may have what was asked for, the oldest first.
        problems: Why some could not be read.
        spoke: When the streams are known to have said anything at all.
        read_at: When the look began, by the servers' clock, or None where nothing was read.
        is_cut: Whether more events have what was asked for than are kept, so that their number is not known.
        recent: The last lines, whatever they say; read only where something is to be explained.
        is_recent_all: Whether `recent` is all that was said in the window.
        notes: What made the look less than it should be, in sentences.
    """

    scope: LogScope
    events: tuple[LogEvent, ...] = ()
    problems: tuple[Problem, ...] = ()
    spoke: tuple[Spoke, ...] = ()
    read_at: datetime | None = None
    is_cut: bool = False
    recent: tuple[LogEvent, ...] = ()
    is_recent_all: bool = False
    notes: tuple[str, ...] = ()

    @property
    def heard(self) -> frozenset[str]:
        """Ids of the tasks that said anything."""
        return frozenset(event.task for event in self.events) | frozenset(spoke.stream.task for spoke in self.spoke)

    @property
    def unheard(self) -> tuple[str, ...]:
        """Ids of the new tasks of which a container said nothing, or cannot be heard: its silence is no answer."""
        silent = {stream.task for stream in self.scope.streams if not self._has_spoken(stream)}
        heard = self.heard
        return tuple(task for task in self.scope.tasks if task in silent or task not in heard or self.scope.blind)

    @property
    def settled_until(self) -> datetime | None:
        """Up to when everything is known that was said: what was written before can no longer become visible."""
        return self.read_at - OVERLAP if self.read_at else None

    def unsettled(self, moment: datetime | None = None) -> tuple[str, ...]:
        """Ids of the new tasks of which it is not known that all they said was read.

        A task's log is known up to a moment when the task said something at that moment or later, and everything
        written until then had the time of the `OVERLAP` to become visible.

        Args:
            moment: Up to when it has to be known, or None for any moment at which the task was already running.
        """
        settled = self.settled_until
        known = {spoke.stream for spoke in self.spoke if settled and self._is_known(spoke, settled, moment)}
        unknown = {stream.task for stream in self.scope.current_streams if stream not in known}
        return tuple(task for task in self.scope.tasks if task in unknown or task not in self.heard)

    @property
    def proven_until(self) -> datetime | None:
        """The moment up to which every new task's log is known, or None where it is not known at all."""
        settled = self.settled_until
        streams = set(self.scope.current_streams)
        last = [spoke.last for spoke in self.spoke if spoke.stream in streams]
        return min([settled, *last]) if settled and last else None

    def _has_spoken(self, stream: LogStream) -> bool:
        said = any(event.task == stream.task and stream.is_named(event.stream) for event in self.events)
        return said or any(spoke.stream == stream for spoke in self.spoke)

    def _is_known(self, spoke: Spoke, settled: datetime, moment: datetime | None) -> bool:
        """Whether all that a stream said up to a moment was read, in a look that settled what is up to `settled`."""
        if moment is not None:
            return moment <= min(settled, spoke.last)
        # It spoke since it started, whatever the clocks of its host and of ECS say to that.
        started = self.scope.started.get(spoke.stream.task, spoke.first)
        return min(started, spoke.first) <= settled
