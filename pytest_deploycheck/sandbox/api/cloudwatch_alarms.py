"""The operations of CloudWatch on alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, get_args

from pytest_deploycheck.sandbox.api.responses import Json, Operation, make_token, read_token
from pytest_deploycheck.sandbox.world.alarms import AlarmState, SandboxAlarm
from pytest_deploycheck.sandbox.world.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_deploycheck.sandbox.world.alarms import AlarmEvent
    from pytest_deploycheck.sandbox.world.world import World

T = TypeVar("T")

_MOST = 100
_USUAL = 50
_METRIC_ALARM = "MetricAlarm"
_NOT_SIMULATED = ("ChildrenOfAlarmName", "ParentsOfAlarmName", "ActionPrefix")
_CONFIGURED = (
    "AlarmDescription",
    "Dimensions",
    "MetricName",
    "Namespace",
    "Statistic",
    "Period",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "Unit",
)


def describe_alarms(world: World, region: str, request: Json) -> Json:
    """Operation DescribeAlarms: only metric alarms unless types are given; unknown names are left out."""
    for member in _NOT_SIMULATED:
        if member in request:
            raise validation_error(f"The sandbox does not simulate {member}")
    names = request.get("AlarmNames")
    if names and request.get("AlarmNamePrefix"):
        raise validation_error("AlarmNames and AlarmNamePrefix cannot be specified together")
    if names and len(names) > _MOST:
        raise out_of_bounds("alarmNames", f"length less than or equal to {_MOST}")
    kinds = request.get("AlarmTypes") or [_METRIC_ALARM]
    found = [
        alarm
        for alarm in _alarms(world, region)
        if alarm.kind in kinds
        and (not names or alarm.name in names)
        and alarm.name.startswith(request.get("AlarmNamePrefix", ""))
        and request.get("StateValue", alarm.state) == alarm.state
    ]
    shown, more = _page(found, request)
    return {
        "MetricAlarms": [{**_common(alarm), **alarm.configuration} for alarm in shown if not alarm.composite],
        "CompositeAlarms": [{**_common(alarm), "AlarmRule": alarm.rule} for alarm in shown if alarm.composite],
        **more,
    }


def describe_alarm_history(world: World, region: str, request: Json) -> Json:
    """Operation DescribeAlarmHistory: only of metric alarms unless types are given; the newest item first."""
    kinds = request.get("AlarmTypes") or [_METRIC_ALARM]
    items = [
        (alarm, event)
        for alarm in _alarms(world, region)
        if alarm.kind in kinds and request.get("AlarmName", alarm.name) == alarm.name
        for event in alarm.history
        if _is_requested(event, request)
    ]
    items.sort(key=lambda item: item[1].at)
    if request.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        items.reverse()
    shown, more = _page(items, request)
    return {"AlarmHistoryItems": [_history_item(alarm, event) for alarm, event in shown], **more}


def put_metric_alarm(world: World, region: str, request: Json) -> Json:
    """Operation PutMetricAlarm: the alarm has insufficient data, as nothing evaluates it."""
    configuration = {key: request[key] for key in _CONFIGURED if key in request}
    key = (region, request["AlarmName"])
    world.alarms[key] = SandboxAlarm(
        world.account, request["AlarmName"], region, world.account.now(), configuration=configuration
    )
    return {}


def set_alarm_state(world: World, region: str, request: Json) -> Json:
    """Operation SetAlarmState."""
    alarm = world.alarms.get((region, request["AlarmName"]))
    if alarm is None:
        raise AwsError("ResourceNotFound", "Unknown", 404)
    if request["StateValue"] not in get_args(AlarmState):
        raise validation_error(f"Unknown state {request['StateValue']}")
    alarm.set_state(request["StateValue"], request["StateReason"])
    return {}


OPERATIONS: Mapping[str, Operation] = {
    "DescribeAlarmHistory": describe_alarm_history,
    "DescribeAlarms": describe_alarms,
    "PutMetricAlarm": put_metric_alarm,
    "SetAlarmState": set_alarm_state,
}
"""The operations, by name."""


def validation_error(message: str) -> AwsError:
    """Return the error for a request that is not allowed."""
    return AwsError("ValidationError", message)


def out_of_bounds(member: str, constraint: str) -> AwsError:
    """Return the error for a value out of its bounds."""
    return validation_error(
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have {constraint}"
    )


def page_start(request: Json) -> int:
    """Return the position at which the page of a token begins.

    Raises:
        AwsError: If the sandbox did not make the token.
    """
    if not request.get("NextToken"):
        return 0
    try:
        return int(read_token(request["NextToken"])["start"])
    except (AwsError, KeyError) as error:
        raise AwsError("InvalidNextToken", "Invalid nextToken") from error


def next_token(start: int) -> Json:
    """Return the member for the page that begins at a position."""
    return {"NextToken": make_token({"start": start})}


def _page(items: Sequence[T], request: Json) -> tuple[Sequence[T], Json]:
    size = request.get("MaxRecords", _USUAL)
    if not 1 <= size <= _MOST:
        raise out_of_bounds("maxRecords", f"value between 1 and {_MOST}")
    start = page_start(request)
    end = start + size
    return items[start:end], next_token(end) if end < len(items) else {}


def _alarms(world: World, region: str) -> Iterable[SandboxAlarm]:
    here = [alarm for alarm in world.alarms.values() if alarm.region == region]
    return sorted(here, key=lambda alarm: alarm.name)


def _is_requested(event: AlarmEvent, request: Json) -> bool:
    first, last = request.get("StartDate", event.at), request.get("EndDate", event.at)
    return bool(request.get("HistoryItemType", event.kind) == event.kind and first <= event.at <= last)


def _common(alarm: SandboxAlarm) -> Json:
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.created_at,
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": alarm.updated_at,
        "StateTransitionedTimestamp": alarm.transitioned_at,
    }


def _history_item(alarm: SandboxAlarm, event: AlarmEvent) -> Json:
    return {
        "AlarmName": alarm.name,
        "AlarmType": alarm.kind,
        "Timestamp": event.at,
        "HistoryItemType": event.kind,
        "HistorySummary": event.summary,
        "HistoryData": event.data,
    }
