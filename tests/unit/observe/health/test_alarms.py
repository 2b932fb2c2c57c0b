"""Alarms as answers tell of them that the sandbox does not give."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.stub import Stubber
from support.worlds import NOW, OLD_ROLLOUT, ROLLOUT, STARTED

from pytest_deploycheck.config.settings import ServiceSettings
from pytest_deploycheck.observe.health.alarms import described_alarms
from pytest_deploycheck.observe.health.health import observe_health
from pytest_deploycheck.observe.health.sources import HealthSources
from pytest_deploycheck.observe.problems import IncompleteAnswerError

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session


def test_a_role_that_may_describe_the_declared_alarms_only() -> None:
    """If no others may be listed, a missing alarm has no near names, and does not hide one that is in ALARM."""
    client = boto3.client(
        "cloudwatch", region_name="us-east-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="none"
    )
    rings: Any = {"AlarmName": "5xx", "StateValue": "ALARM", "StateTransitionedTimestamp": NOW}
    settings = ServiceSettings("web", "web", alarms=("5xx", "nope"))
    with Stubber(client) as answers:
        answers.add_response("describe_alarms", {"MetricAlarms": [rings], "CompositeAlarms": []})
        answers.add_client_error("describe_alarms", "AccessDenied")
        session = cast("Session", SimpleNamespace(cloudwatch=lambda: client))
        health, problems = observe_health(
            session,
            None,
            settings,
            began=None,
            alone_since=None,
            sources=HealthSources(session, NOW, settings.alarms),
        )
        answers.assert_no_pending_responses()
    assert [(alarm.name, alarm.state) for alarm in health.alarms] == [("5xx", "ALARM")]
    assert health.no_alarms == {"nope": ()}
    assert problems == {}


def item(before: str, after: str) -> dict[str, Any]:
    """An item of an alarm's history, some minutes after the rollout began."""
    data = {"oldState": {"stateValue": before}, "newState": {"stateValue": after}}
    return {"AlarmName": "5xx", "Timestamp": STARTED, "HistoryItemType": "StateUpdate", "HistoryData": json.dumps(data)}


@pytest.mark.parametrize(
    ("since", "items", "told"),
    [
        (STARTED, [item("INSUFFICIENT_DATA", "OK")], ["OK"]),
        (STARTED, [], None),
        (STARTED, [item("OK", "INSUFFICIENT_DATA")], None),
        (STARTED, [item("OK", "ALARM")], ["ALARM"]),
        (STARTED, [{**item("OK", "ALARM"), "HistoryData": "{"}], None),
        (None, [], []),
        (OLD_ROLLOUT, None, []),
    ],
    ids=["whole", "empty", "cut off", "in ALARM, then cut off", "damaged", "no time is told", "unchanged since before"],
)
def test_a_history_that_does_not_lead_to_the_state(
    since: datetime | None, items: list[dict[str, Any]] | None, told: list[str] | None
) -> None:
    """It says nothing of what it leaves out, so that is not known; what it says of the alarm going off holds."""
    client = boto3.client(
        "cloudwatch", region_name="us-east-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="none"
    )
    quiet = {"AlarmName": "5xx", "StateValue": "OK", **({"StateTransitionedTimestamp": since} if since else {})}
    with Stubber(client) as answers:
        answers.add_response("describe_alarms", {"MetricAlarms": [quiet], "CompositeAlarms": []})
        if items is not None:
            answers.add_response("describe_alarm_history", {"AlarmHistoryItems": items})
        session = cast("Session", SimpleNamespace(cloudwatch=lambda: client))
        (alarm,) = HealthSources(session, NOW).alarms(["5xx"], ROLLOUT)
        answers.assert_no_pending_responses()
    assert (None if alarm.changes is None else [change.after for change in alarm.changes]) == told


def test_an_answer_without_any_alarms_list_was_cut_short() -> None:
    """CloudWatch returns a list for each type of alarm, empty or not: without both no alarm is called missing."""
    cut: Any = SimpleNamespace(describe_alarms=lambda **_: {})
    with pytest.raises(IncompleteAnswerError, match="MetricAlarms"):
        described_alarms(cut, ["5xx"])
    none: Any = SimpleNamespace(describe_alarms=lambda **_: {"CompositeAlarms": []})
    assert described_alarms(none, ["5xx"]) == {"5xx": None}
