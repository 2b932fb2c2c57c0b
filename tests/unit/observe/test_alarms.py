"""Alarms, by roles that may look at some of them only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.stub import Stubber

from pytest_deploycheck.config.settings import ServiceSettings
from pytest_deploycheck.observe.health import look_at_health
from unit.judge.worlds import NOW

if TYPE_CHECKING:
    from pytest_deploycheck.observe.session import Session


def test_a_role_that_may_look_at_the_declared_alarms_only() -> None:
    """Where no others may be listed, a missing alarm has no near names, and does not hide the one that rings."""
    client = boto3.client(
        "cloudwatch", region_name="us-east-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="none"
    )
    rings: Any = {"AlarmName": "5xx", "StateValue": "ALARM", "StateTransitionedTimestamp": NOW}
    settings = ServiceSettings("web", "web", alarms=("5xx", "nope"))
    with Stubber(client) as answers:
        answers.add_response("describe_alarms", {"MetricAlarms": [rings], "CompositeAlarms": []})
        answers.add_client_error("describe_alarms", "AccessDenied")
        health, problems = look_at_health(
            cast("Session", SimpleNamespace(cloudwatch=lambda: client)),
            None,
            settings,
            began=None,
            alone_since=None,
            now=NOW,
        )
        answers.assert_no_pending_responses()
    assert [(alarm.name, alarm.state) for alarm in health.alarms] == [("5xx", "ALARM")]
    assert health.no_alarms == {"nope": ()}
    assert problems == {}
