"""What CloudWatch Logs says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.safe import clean


@dataclass(frozen=True, slots=True)
class LogStream:
    """Where one container of one task writes.

    Attributes:
        task: Id of the task.
        container: Name of the container.
        region: Region of the log group, which may differ from the service's.
        group: Name of the log group.
        name: Name of the stream.
        may_drop: Whether the log driver may drop lines when it falls behind (non-blocking mode).
    """

    task: str
    container: str
    region: str
    group: str
    name: str
    may_drop: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class LogEvent:
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


@dataclass(frozen=True, slots=True)
class LogScope:
    """Which logs are looked at, and from when.

    Attributes:
        since: Start of the window (UTC): the start of the rollout, unless the run was told otherwise.
        tasks: Ids of the new tasks: those that run the image meant.
        streams: Where they write.
        old_streams: Where tasks write that run something else; never counted, only looked at to explain.
        problems: Why some of the logs cannot be looked at.
        blind: Containers whose logs go where nothing can be looked at, each with its reason.
        old_since: Start of the window for `old_streams`: tasks that crashed spoke before their rollback began.
    """

    since: datetime
    tasks: tuple[str, ...]
    streams: tuple[LogStream, ...] = ()
    old_streams: tuple[LogStream, ...] = ()
    problems: tuple[Problem, ...] = ()
    blind: tuple[str, ...] = ()
    old_since: datetime | None = None

    @property
    def may_drop(self) -> bool:
        """Whether a log driver may have dropped lines."""
        return any(stream.may_drop for stream in self.streams)


@dataclass(frozen=True, slots=True)
class LogSight:
    """What was read of the logs in a scope up to one moment.

    Attributes:
        scope: Which logs were looked at.
        events: The events of the new tasks, the oldest first.
        problems: Why some could not be read.
    """

    scope: LogScope
    events: tuple[LogEvent, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def heard(self) -> frozenset[str]:
        """Ids of the tasks that said anything."""
        return frozenset(event.task for event in self.events)

    @property
    def unheard(self) -> tuple[str, ...]:
        """Ids of the new tasks of which a container said nothing, or cannot be heard: its silence is no answer."""
        heard = {(event.task, event.stream) for event in self.events}
        silent = {stream.task for stream in self.scope.streams if (stream.task, stream.name) not in heard}
        return tuple(
            task
            for task in self.scope.tasks
            if task in silent or task not in {event.task for event in self.events} or self.scope.blind
        )
