"""The log groups that requests name, and the operation PutLogEvents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_deploycheck.sandbox.api.responses import Json, Operation, invalid
from pytest_deploycheck.sandbox.world.errors import AwsError
from pytest_deploycheck.sandbox.world.logs.groups import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_deploycheck.sandbox.world.logs.groups import LogGroup
    from pytest_deploycheck.sandbox.world.world import World


def find_group(world: World, region: str, identifier: str) -> LogGroup:
    """Return a log group by its name or ARN.

    Raises:
        AwsError: If the log group is unknown.
    """
    name = identifier.rsplit(":log-group:", maxsplit=1)[-1].removesuffix(":*")
    group = world.logs.groups.get((region, name))
    if group is None:
        raise missing("log group")
    return group


def requested_group(world: World, region: str, request: Json) -> LogGroup:
    """Return the log group that a request names.

    Raises:
        AwsError: If the log group is unknown.
    """
    return find_group(world, region, str(request.get("logGroupName") or request.get("logGroupIdentifier") or ""))


def require_standard(group: LogGroup, operation: str) -> None:
    """Raise an error if an operation does not read log groups of this class.

    Raises:
        AwsError: If the class is not STANDARD.
    """
    if group.log_class != "STANDARD":
        raise invalid(f"{operation} operation is not supported for log groups with the {group.log_class} log class.")


def missing(kind: str) -> AwsError:
    """Return the error for an unknown log group or log stream."""
    return AwsError("ResourceNotFoundException", f"The specified {kind} does not exist.")


def put_log_events(world: World, region: str, request: Json) -> Json:
    """Operation PutLogEvents."""
    group = requested_group(world, region, request)
    now = world.account.now()
    if request["logStreamName"] not in group.visible_streams(milliseconds(now)):
        raise missing("log stream")
    for event in request["logEvents"]:
        logged = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        world.logs.add(group, request["logStreamName"], event["message"], logged, now)
    return {"nextSequenceToken": "0"}


OPERATIONS: Mapping[str, Operation] = {"PutLogEvents": put_log_events}
"""The operations, by name."""
