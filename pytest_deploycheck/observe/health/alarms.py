"""Alarms and their history in CloudWatch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from pytest_deploycheck.facts.health import Alarm, AlarmChange
from pytest_deploycheck.observe.calls import member, pages, side_by_side, utc, utc_or_none
from pytest_deploycheck.observe.problems import IncompleteAnswerError, attempt

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

MOST_PER_CALL = 100
"""Names that one call takes."""

_MOST_NAMES = 2000
_KINDS = {"MetricAlarms": False, "CompositeAlarms": True}


def described_alarms(client: CloudWatchClient, names: Sequence[str]) -> Mapping[str, Alarm | None]:
    """Return alarms by name, as many as one call takes; None for a name without an alarm."""
    found: dict[str, Alarm | None] = dict.fromkeys(names)
    # Without the types CloudWatch leaves composite alarms out.
    for page in pages(
        client.describe_alarms,
        cursor="NextToken",
        AlarmNames=list(names),
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    ):
        found |= {alarm.name: alarm for alarm in _alarms_of(page)}
    return found


def with_histories(client: CloudWatchClient, found: Sequence[Alarm], began: datetime | None) -> tuple[Alarm, ...]:
    """Return the alarms with the changes of their states since a moment."""
    return tuple(side_by_side(lambda alarm: _with_history(client, alarm, began), found))


def similar_names(client: CloudWatchClient, missing: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return, for names without an alarm, the similar names of alarms that exist."""
    listing = pages(client.describe_alarms, cursor="NextToken", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    every = (alarm.name for page in listing for alarm in _alarms_of(page))
    # A caller with access to some alarms only may not be allowed to list them all.
    names, _ = attempt("cloudwatch:DescribeAlarms", lambda: list(islice(every, _MOST_NAMES)))
    return {name: tuple(get_close_matches(name, names or (), n=3, cutoff=0.5)) for name in missing}


def _alarms_of(page: Mapping[str, Any]) -> Iterable[Alarm]:
    if not _KINDS.keys() & page.keys():
        raise IncompleteAnswerError(operation="cloudwatch:DescribeAlarms", member="MetricAlarms")
    for key, is_composite in _KINDS.items():
        for one in page.get(key, ()):
            yield Alarm(
                name=one["AlarmName"],
                state=one["StateValue"],
                since=utc_or_none(one.get("StateTransitionedTimestamp") or one.get("StateUpdatedTimestamp")),
                reason=one.get("StateReason", ""),
                is_composite=is_composite,
            )


def _with_history(client: CloudWatchClient, alarm: Alarm, began: datetime | None) -> Alarm:
    if began is None:
        return replace(alarm, changes=None)
    if alarm.since and alarm.since < began:
        # Its state is older than the rollout.
        return alarm
    items, problem = attempt(
        "cloudwatch:DescribeAlarmHistory",
        lambda: [
            item
            for page in pages(
                client.describe_alarm_history,
                cursor="NextToken",
                AlarmName=alarm.name,
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                HistoryItemType="StateUpdate",
                StartDate=began,
                ScanBy="TimestampAscending",
            )
            for item in member(page, "AlarmHistoryItems", "cloudwatch:DescribeAlarmHistory")
        ],
    )
    changes = tuple(filter(None, map(_change, items or ())))
    # A history that does not end in the present state lags behind, or was cut off.
    last = changes[-1].after if changes else alarm.state if alarm.since is None else ""
    # That the alarm went into ALARM is known all the same.
    was_in_alarm = any(change.after == "ALARM" for change in changes)
    return replace(alarm, changes=changes if was_in_alarm or (not problem and last == alarm.state) else None)


def _change(item: Mapping[str, Any]) -> AlarmChange | None:
    """Return the change of state in an item of the history, or None for another kind of item."""
    try:
        data = json.loads(item.get("HistoryData") or "{}")
        before, after = data.get("oldState", {}), data["newState"]
        return AlarmChange(
            at=utc(item["Timestamp"]),
            before=before.get("stateValue", ""),
            after=after["stateValue"],
            reason=after.get("stateReason", ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
