"""Logs Insights: queries for groups too large to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.observe.calls import member
from pytest_deploycheck.observe.problems import CALL_ERRORS, problem_of
from pytest_deploycheck.polling import Pace, wait

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

    from pytest_deploycheck.facts.log import LogStream
    from pytest_deploycheck.polling import Clock

_ACTION = "logs:StartQuery"
PACE = Pace(shortest=0.2, longest=2.0, share=0.2)
OPEN = {"Scheduled", "Running"}
COMPLETE = "Complete"


def run_query(
    client: CloudWatchLogsClient,
    group: str,
    streams: Sequence[LogStream],
    text: str,
    *,
    window: tuple[datetime, datetime],
    clock: Clock,
    timeout: float,
) -> list[dict[str, str]]:
    """The rows of a query, each a mapping of field to value; rows are partial until the query is complete.

    Args:
        client: The client for the group's region.
        group: The group's name.
        streams: The streams to which the query is narrowed.
        text: The query, in the language of Logs Insights.
        window: Its start and its end, which the service counts in whole seconds.
        clock: Where time comes from.
        timeout: Seconds to wait for the end of the query.

    Raises:
        UnprovenError: The query could not be run, or did not come to its end.
    """
    start, end = window
    query = f"{narrowed(streams)} | {text}"
    try:
        begun = client.start_query(
            logGroupName=group, startTime=int(start.timestamp()), endTime=int(end.timestamp()) + 1, queryString=query
        )
        query_id = member(begun, "queryId", _ACTION)
        waited = wait(
            lambda: client.get_query_results(queryId=query_id),
            lambda answer: answer.get("status") not in OPEN,
            timeout=timeout,
            clock=clock,
            pace=PACE,
        )
        status = waited.last.get("status", "Unknown")
        if status == COMPLETE:
            return [_row(row) for row in member(waited.last, "results", _ACTION)]
    except CALL_ERRORS as error:
        problem = problem_of(error, _ACTION)
        raise UnprovenError(f"unproven: {problem.message} {problem.remedy}") from error
    raise UnprovenError(
        f"unproven: the query over {group} was {status!r} after {waited.elapsed:.0f} s, so its rows are not all there "
        f"are. Narrow it (a shorter window with --deploy-since, a filter) or give it a longer timeout: {query}"
    )


def narrowed(streams: Sequence[LogStream]) -> str:
    """Return the command that narrows a query to some streams."""
    names = [stream.name for stream in streams if not stream.is_part]
    parts = [stream.name for stream in streams if stream.is_part]
    terms = [f"@logStream in {json.dumps(names)}"] if names else []
    terms += [f"@logStream like {json.dumps(part)}" for part in parts]
    return f"filter {' or '.join(terms)}"


def _row(fields: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    # @ptr is a handle on the whole record, of use to nobody but GetLogRecord.
    return {field["field"]: field.get("value", "") for field in fields if field["field"] != "@ptr"}
