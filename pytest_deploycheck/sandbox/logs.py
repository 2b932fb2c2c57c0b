"""What CloudWatch Logs answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.answers import Answer, Json, T, invalid, make_token, page, read_token
from pytest_deploycheck.sandbox.faults import AwsError
from pytest_deploycheck.sandbox.logstore import milliseconds
from pytest_deploycheck.sandbox.patterns import parse_filter_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.logstore import LogGroup, LogLine
    from pytest_deploycheck.sandbox.world import World

TARGET = "Logs_20140328"
"""What the operations' header names the service."""

_MOST_STREAMS = 100
_MOST_EVENTS = 10_000
_MOST_BYTES = 1_048_576
_EVENT_OVERHEAD = 26


def filter_log_events(world: World, region: str, asked: Json) -> Json:
    """Answer FilterLogEvents."""
    group = _group(world, region, asked)
    names = asked.get("logStreamNames") or []
    limit = asked.get("limit", _MOST_EVENTS)
    if names and asked.get("logStreamNamePrefix"):
        raise invalid("logStreamNames and logStreamNamePrefix are mutually exclusive")
    if len(names) > _MOST_STREAMS:
        raise invalid(f"logStreamNames must have length less than or equal to {_MOST_STREAMS}")
    if not 1 <= limit <= _MOST_EVENTS:
        raise invalid(f"limit must be between 1 and {_MOST_EVENTS}")
    now = milliseconds(world.now())
    streams = group.visible_streams(now)
    if any(name not in streams for name in names):
        raise _missing("log stream")
    # The token fixes what has arrived: a line that comes between two pages must not shift the second.
    token = read_token(asked["nextToken"]) if asked.get("nextToken") else {"start": 0, "now": now}
    if world.empty_log_pages and not token.get("after_empty"):
        return {"events": [], "searchedLogStreams": [], "nextToken": make_token({**token, "after_empty": True})}
    pattern = parse_filter_pattern(asked.get("filterPattern", ""))
    found = [
        line for line in group.arrived(token["now"]) if _is_asked_for(line, asked) and pattern.matches(line.message)
    ]
    start = token["start"]
    events = _page(found[start:], min(limit, world.log_page_size))
    end = start + len(events)
    more = {"nextToken": make_token({"start": end, "now": token["now"]})} if end < len(found) else {}
    return {"events": [_event(line) for line in events], "searchedLogStreams": [], **more}


def describe_log_groups(world: World, region: str, asked: Json) -> Json:
    """Answer DescribeLogGroups."""
    prefix, part = asked.get("logGroupNamePrefix", ""), asked.get("logGroupNamePattern", "")
    found = sorted(
        (group for (where, name), group in world.logs.groups.items() if where == region and name.startswith(prefix)),
        key=lambda group: group.name,
    )
    listed, more = _limited([group for group in found if part in group.name], asked)
    return {
        "logGroups": [
            {
                "logGroupName": group.name,
                "creationTime": group.created_at,
                "metricFilterCount": 0,
                "arn": f"{_arn(world, region, group)}:*",
                "logGroupArn": _arn(world, region, group),
                "storedBytes": 0,
                "logGroupClass": "STANDARD",
            }
            for group in listed
        ],
        **more,
    }


def describe_log_streams(world: World, region: str, asked: Json) -> Json:
    """Answer DescribeLogStreams."""
    group = _group(world, region, asked)
    now = milliseconds(world.now())
    lines = group.arrived(now)
    born = group.visible_streams(now)
    streams = []
    for name in sorted(born):
        if not name.startswith(asked.get("logStreamNamePrefix", "")):
            continue
        said = [line for line in lines if line.stream == name]
        stream: Json = {
            "logStreamName": name,
            "creationTime": born[name],
            "arn": f"{_arn(world, region, group)}:log-stream:{name}",
            "storedBytes": 0,
        }
        if said:
            stream["firstEventTimestamp"] = said[0].timestamp
            stream["lastEventTimestamp"] = said[-1].timestamp
            stream["lastIngestionTime"] = max(line.arrives for line in said)
        streams.append(stream)
    if asked.get("orderBy") == "LastEventTime":
        streams.sort(key=lambda stream: stream.get("lastEventTimestamp", 0))
    if asked.get("descending"):
        streams.reverse()
    listed, more = _limited(streams, asked)
    return {"logStreams": listed, **more}


def create_log_group(world: World, region: str, asked: Json) -> Json:
    """Answer CreateLogGroup."""
    if (region, asked["logGroupName"]) in world.logs.groups:
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
    world.logs.open(region, asked["logGroupName"], world.now())
    return {}


def create_log_stream(world: World, region: str, asked: Json) -> Json:
    """Answer CreateLogStream."""
    group = _group(world, region, asked)
    now = milliseconds(world.now())
    if asked["logStreamName"] in group.visible_streams(now):
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
    group.streams[asked["logStreamName"]] = now
    return {}


def put_log_events(world: World, region: str, asked: Json) -> Json:
    """Answer PutLogEvents."""
    group = _group(world, region, asked)
    now = world.now()
    if asked["logStreamName"] not in group.visible_streams(milliseconds(now)):
        raise _missing("log stream")
    for event in asked["logEvents"]:
        said = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        world.logs.add(group, asked["logStreamName"], event["message"], said, now)
    return {"nextSequenceToken": "0"}


OPERATIONS: Mapping[str, Answer] = {
    "CreateLogGroup": create_log_group,
    "CreateLogStream": create_log_stream,
    "DescribeLogGroups": describe_log_groups,
    "DescribeLogStreams": describe_log_streams,
    "FilterLogEvents": filter_log_events,
    "PutLogEvents": put_log_events,
}
"""The operations, by name."""


def _group(world: World, region: str, asked: Json) -> LogGroup:
    identifier = str(asked.get("logGroupName") or asked.get("logGroupIdentifier") or "")
    name = identifier.rsplit(":log-group:", maxsplit=1)[-1].removesuffix(":*")
    group = world.logs.groups.get((region, name))
    if group is None:
        raise _missing("log group")
    return group


def _missing(what: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"The specified {what} does not exist.")


def _arn(world: World, region: str, group: LogGroup) -> str:
    return f"arn:aws:logs:{region}:{world.account}:log-group:{group.name}"


def _limited(items: list[T], asked: Json) -> tuple[list[T], Json]:
    return page(items, {**asked, "maxResults": asked.get("limit", 50)}, largest=50)


def _is_asked_for(line: LogLine, asked: Json) -> bool:
    names = asked.get("logStreamNames")
    return (
        asked.get("startTime", 0) <= line.timestamp <= asked.get("endTime", line.timestamp)
        and (not names or line.stream in names)
        and line.stream.startswith(asked.get("logStreamNamePrefix", ""))
    )


def _page(lines: list[LogLine], most: int) -> list[LogLine]:
    size = 0
    for count, line in enumerate(lines[:most]):
        size += len(line.message.encode()) + _EVENT_OVERHEAD
        if size > _MOST_BYTES and count:
            return lines[:count]
    return lines[:most]


def _event(line: LogLine) -> Json:
    return {
        "logStreamName": line.stream,
        "timestamp": line.timestamp,
        "message": line.message,
        "ingestionTime": line.arrives,
        "eventId": line.event_id,
    }
