"""Log events, as CloudWatch Logs tells them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pytest_deploycheck.facts.log import LogEvent, LogStream
from pytest_deploycheck.facts.snapshot import Problem
from pytest_deploycheck.observe.answers import batches, member, pages
from pytest_deploycheck.observe.problems import LOOK_ERRORS, code_of, problem_of

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

    from pytest_deploycheck.observe.session import Session

_STREAMS_PER_CALL = 100
_ACTION = "logs:FilterLogEvents"
_NOT_FOUND = "ResourceNotFoundException"

OVERLAP = timedelta(minutes=2)
"""How far back of its last look a reader looks again: CloudWatch shows events late and out of order."""

UNBORN_GROUP = "GroupNotFound"
"""Code of the problem that a log group does not exist."""


@dataclass(slots=True)
class LogReader:
    """Reads the events of some streams since a fixed moment, again and again, and delivers each event once.

    A look re-reads what the last one saw of the `OVERLAP`, and a whole look re-reads all from the start, so that an
    event that came late is not lost. CloudWatch's own ids tell which events were seen before.

    Attributes:
        session: The way in to AWS.
        streams: The streams to read; one that does not exist yet is looked for again each time.
        since: Start of the window (aware, by the servers' clock).
        clock_offset: Seconds by which the servers' clock is ahead of this machine's.
    """

    session: Session
    streams: Sequence[LogStream]
    since: datetime
    clock_offset: float = 0.0
    problems: tuple[Problem, ...] = ()
    _events: dict[tuple[str, str], LogEvent] = field(default_factory=dict)
    _looked_at: datetime | None = None

    @property
    def events(self) -> tuple[LogEvent, ...]:
        """All events delivered so far, the oldest first."""
        return tuple(sorted(self._events.values(), key=lambda event: (event.timestamp, event.id)))

    def look(self, *, whole: bool = False) -> tuple[LogEvent, ...]:
        """Read what is new, and return all events so far.

        What cannot be read is in `problems` afterwards; the rest is read all the same.

        Args:
            whole: Whether to read the whole window again, as a last look must.
        """
        now = datetime.now(UTC) + timedelta(seconds=self.clock_offset)
        start = self.since
        if self._looked_at and not whole:
            start = max(self.since, self._looked_at - OVERLAP)
        problems: list[Problem] = []
        for (region, group), streams in self._by_group().items():
            client = self.session.logs(region)
            for batch in batches(list(streams), _STREAMS_PER_CALL):
                try:
                    for event in _read(client, group, batch, start):
                        stream = streams[event["logStreamName"]]
                        self._events.setdefault((f"{region}/{group}", event["eventId"]), _event(event, stream))
                except LOOK_ERRORS as error:
                    problems.append(_problem(error, region, group))
        self.problems = tuple(problems)
        if not problems:
            self._looked_at = now
        return self.events

    def _by_group(self) -> Mapping[tuple[str, str], Mapping[str, LogStream]]:
        groups: dict[tuple[str, str], dict[str, LogStream]] = defaultdict(dict)
        for stream in self.streams:
            groups[stream.region, stream.group][stream.name] = stream
        return groups


def _read(
    client: CloudWatchLogsClient, group: str, streams: Sequence[str], start: datetime
) -> Iterator[Mapping[str, Any]]:
    """The events of some streams.

    CloudWatch refuses the whole call when one of the streams does not exist, as that of a task which has not logged
    yet; then each is asked for on its own.
    """
    parameters = {"logGroupName": group, "startTime": int(start.timestamp() * 1000)}
    try:
        yield from _filter(client, parameters | {"logStreamNames": list(streams)})
    except ClientError as error:
        if code_of(error) != _NOT_FOUND:
            raise
        if len(streams) > 1:
            for stream in streams:
                yield from _read(client, group, [stream], start)
        else:
            # Is it the stream or the group that is missing? A look at the group alone raises where it is the group.
            client.filter_log_events(logGroupName=group, limit=1)


def _filter(client: CloudWatchLogsClient, parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    # botocore's paginator gives up on a token that comes twice, and a page without events may still have a token.
    for page in pages(client.filter_log_events, **parameters):
        yield from member(page, "events", _ACTION)


def _event(answer: Mapping[str, Any], stream: LogStream) -> LogEvent:
    return LogEvent(
        id=answer["eventId"],
        timestamp=_moment(answer["timestamp"]),
        ingested_at=_moment(answer.get("ingestionTime", answer["timestamp"])),
        message=answer.get("message", ""),
        task=stream.task,
        stream=stream.name,
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def _problem(error: Exception, region: str, group: str) -> Problem:
    if isinstance(error, ClientError) and code_of(error) == _NOT_FOUND:
        return Problem(
            _ACTION,
            UNBORN_GROUP,
            f"The log group {group} does not exist in {region}, where the task definition sends its log.",
            "Create it there, or mend awslogs-group and awslogs-region in the task definition.",
        )
    return problem_of(error, _ACTION)
