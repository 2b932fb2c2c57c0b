"""Alarms and their history, as CloudWatch tells them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from pytest_deploycheck.facts.health import Alarm, AlarmChange
from pytest_deploycheck.observe.calls import batches, member, side_by_side, utc, utc_or_none
from pytest_deploycheck.observe.problems import IncompleteAnswerError, attempt

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_MOST_PER_CALL = 100
_MOST_NAMES = 2000
_KINDS = {"MetricAlarms": False, "CompositeAlarms": True}


def alarms(client: CloudWatchClient, names: Sequence[str], began: datetime | None) -> tuple[Alarm, ...]:
    """The alarms of these names, as far as there are any, with what happened to them since a moment."""
    found: dict[str, Alarm] = {}
    for batch in batches(names, _MOST_PER_CALL):
        # Without the types CloudWatch leaves composite alarms out.
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNames=list(batch), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        for page in pages:
            for alarm in _alarms_of(page):
                found[alarm.name] = alarm
    known = [found[name] for name in names if name in found]
    return tuple(side_by_side(lambda alarm: _with_history(client, alarm, began), known))


def like(client: CloudWatchClient, missing: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """For names of which there is no alarm, the names that are like them."""
    pages = client.get_paginator("describe_alarms").paginate(
        AlarmTypes=["MetricAlarm", "CompositeAlarm"], PaginationConfig={"MaxItems": _MOST_NAMES}
    )
    # Who may look at some alarms only may not list them all.
    names, _ = attempt(
        "cloudwatch:DescribeAlarms", lambda: [alarm.name for page in pages for alarm in _alarms_of(page)]
    )
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
        # Since before the rollout nothing changed.
        return alarm
    pages = client.get_paginator("describe_alarm_history")
    items, problem = attempt(
        "cloudwatch:DescribeAlarmHistory",
        lambda: [
            item
            for page in pages.paginate(
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
    # A history that does not lead to the state there is lags behind, or has been cut off.
    last = changes[-1].after if changes else alarm.state if alarm.since is None else ""
    # What it tells of the alarm going off is known all the same.
    has_rung = any(change.after == "ALARM" for change in changes)
    return replace(alarm, changes=changes if has_rung or (not problem and last == alarm.state) else None)


def _change(item: Mapping[str, Any]) -> AlarmChange | None:
    """A change of state, or None for an item that does not tell of one."""
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
