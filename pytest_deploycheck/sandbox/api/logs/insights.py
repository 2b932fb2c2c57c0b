"""The operations of CloudWatch Logs on Logs Insights queries."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.api.logs.groups import find_group
from pytest_deploycheck.sandbox.api.logs.insights_parser import parse_query
from pytest_deploycheck.sandbox.api.logs.insights_query import Record
from pytest_deploycheck.sandbox.api.responses import Json, Operation, invalid, page
from pytest_deploycheck.sandbox.world.errors import AwsError
from pytest_deploycheck.sandbox.world.logs.groups import milliseconds
from pytest_deploycheck.sandbox.world.logs.queries import SandboxQuery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_deploycheck.sandbox.world.logs.groups import LogGroup, StoredLine
    from pytest_deploycheck.sandbox.world.world import World

_MOST_GROUPS = 50
_MOST_ROWS = 10_000
_MOST_ASKED = 100_000
_GROUP_PARAMETERS = ("logGroupName", "logGroupNames", "logGroupIdentifiers")


def start_query(world: World, region: str, request: Json) -> Json:
    """Operation StartQuery. The query covers the events that have arrived by then."""
    if request.get("queryLanguage", "CWLI") != "CWLI":
        raise invalid("The sandbox supports Logs Insights QL (CWLI) only")
    limit = request.get("limit", _MOST_ROWS)
    if not 1 <= limit <= _MOST_ASKED:
        raise invalid(f"limit must be between 1 and {_MOST_ASKED}")
    if request["endTime"] < request["startTime"]:
        raise invalid("endTime must not be before startTime")
    query = parse_query(request["queryString"])
    groups = _groups(world, region, request)
    matched: list[Record] = []
    scanned = scanned_bytes = 0
    for group in groups:
        log = f"{world.account.id}:{group.name}"
        for line in _window(world, group, request):
            scanned += 1
            scanned_bytes += line.size
            record = Record(line, log)
            if query.matches(record):
                matched.append(record)
    started = SandboxQuery(query.results(matched, limit), scanned, scanned_bytes, len(matched), len(groups))
    world.queries[started.id] = started
    return {"queryId": started.id}


def get_query_results(world: World, _region: str, request: Json) -> Json:
    """Operation GetQueryResults: half of the results while the query runs, all of them when it is complete."""
    query = _query(world, request)
    query.polled += 1
    status = query.status(world.querying)
    rows = query.rows if status == "Complete" else query.rows[: len(query.rows) // 2]
    wanted = {**request, "maxResults": request.get("maxItems") or _MOST_ROWS}
    shown, more = page(rows, wanted, largest=_MOST_ROWS)
    return {
        "queryLanguage": "CWLI",
        "status": status,
        "results": [[{"field": name, "value": value} for name, value in row.items()] for row in shown],
        "statistics": {
            "recordsMatched": float(query.matched),
            "recordsScanned": float(query.scanned),
            "bytesScanned": float(query.scanned_bytes),
            "estimatedRecordsSkipped": 0.0,
            "estimatedBytesSkipped": 0.0,
            "logGroupsScanned": float(query.groups),
        },
        **(more if status == "Complete" else {}),
    }


OPERATIONS: Mapping[str, Operation] = {
    "GetQueryResults": get_query_results,
    "StartQuery": start_query,
}
"""The operations, by name."""


def _query(world: World, request: Json) -> SandboxQuery:
    query = world.queries.get(request["queryId"])
    if query is None:
        raise AwsError("ResourceNotFoundException", f"Query {request['queryId']} does not exist")
    return query


def _groups(world: World, region: str, request: Json) -> list[LogGroup]:
    given = [name for name in _GROUP_PARAMETERS if request.get(name)]
    if len(given) != 1:
        raise invalid(f"Exactly one of {', '.join(_GROUP_PARAMETERS)} must be given")
    named = request[given[0]]
    identifiers = [named] if isinstance(named, str) else named
    if len(identifiers) > _MOST_GROUPS:
        raise invalid(f"At most {_MOST_GROUPS} log groups can be queried")
    if any(identifier.endswith("*") for identifier in identifiers):
        raise invalid("The ARN of a log group must not end with an asterisk")
    return [find_group(world, region, identifier) for identifier in identifiers]


def _window(world: World, group: LogGroup, request: Json) -> Iterator[StoredLine]:
    now = milliseconds(world.account.now())
    first = bisect_left(group.lines, request["startTime"] * 1000, key=lambda line: line.timestamp)
    end = bisect_right(group.lines, request["endTime"] * 1000, key=lambda line: line.timestamp)
    return (line for line in group.lines[first:end] if line.arrives <= now)
