from __future__ import annotations

import json
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.conftest import PROTOCOLS

if TYPE_CHECKING:
    from pytest_deploycheck.sandbox import Sandbox
    from sandbox.conftest import Clients, ProtocolClients

_NUMBERS = count(1)


@pytest.fixture(params=PROTOCOLS)
def cloudwatch(protocol_client: ProtocolClients, request: pytest.FixtureRequest) -> Any:
    """Return a client of CloudWatch for each protocol in which versions of botocore call it."""
    return protocol_client("cloudwatch", request.param)


@pytest.fixture
def prefix() -> str:
    """Return a prefix of names that no other test uses."""
    return f"alarm-{next(_NUMBERS)}-"


def test_an_alarm_is_described(aws: Sandbox, cloudwatch: Any, prefix: str) -> None:
    """State, reason and times have the types of the model in each protocol; unknown names are left out."""
    at = aws.now().replace(microsecond=0) - timedelta(hours=2)
    alarm = aws.create_alarm(f"{prefix}5xx", state="OK", at=at)
    alarm.set_state("ALARM", "too many <errors> & more", at=at + timedelta(hours=1))
    answer = cloudwatch.describe_alarms(AlarmNames=[alarm.name, "unknown"])
    (found,) = answer["MetricAlarms"]
    assert answer["CompositeAlarms"] == []
    assert found["AlarmName"] == f"{prefix}5xx"
    assert found["AlarmArn"] == f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{prefix}5xx"
    assert (found["StateValue"], found["StateReason"]) == ("ALARM", "too many <errors> & more")
    assert found["StateUpdatedTimestamp"] == found["StateTransitionedTimestamp"] == at + timedelta(hours=1)
    assert found["AlarmConfigurationUpdatedTimestamp"] == at
    assert (found["Threshold"], found["Period"], found["ActionsEnabled"]) == (1.0, 60, True)


def test_composite_alarms_are_described_on_request_only(aws: Sandbox, cloudwatch: Any, prefix: str) -> None:
    """Without types only metric alarms and their history are described."""
    aws.create_alarm(f"{prefix}a")
    composite = aws.create_alarm(f"{prefix}b", composite=True, rule=f'ALARM("{prefix}a")', state="ALARM")
    usual = cloudwatch.describe_alarms(AlarmNamePrefix=prefix)
    assert [found["AlarmName"] for found in usual["MetricAlarms"]] == [f"{prefix}a"]
    assert usual["CompositeAlarms"] == []
    assert cloudwatch.describe_alarms(AlarmNames=[composite.name])["CompositeAlarms"] == []
    both = cloudwatch.describe_alarms(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert len(both["MetricAlarms"]) == 1
    (found,) = both["CompositeAlarms"]
    assert (found["StateValue"], found["AlarmRule"]) == ("ALARM", f'ALARM("{prefix}a")')
    assert "its alarm rule evaluates to ALARM" in found["StateReason"]
    assert cloudwatch.describe_alarm_history(AlarmName=composite.name)["AlarmHistoryItems"] == []
    history = cloudwatch.describe_alarm_history(AlarmName=composite.name, AlarmTypes=["CompositeAlarm"])
    assert {item["AlarmType"] for item in history["AlarmHistoryItems"]} == {"CompositeAlarm"}


def test_history_has_each_change(aws: Sandbox, cloudwatch: Any, prefix: str) -> None:
    """The newest first: old state, new state and reason, down to the creation; the same state again is no change."""
    began = aws.now() - timedelta(hours=3)
    alarm = aws.create_alarm(f"{prefix}5xx", at=began)
    alarm.set_state("ALARM", "5 errors", at=began + timedelta(hours=1))
    alarm.set_state("ALARM", "6 errors", at=began + timedelta(hours=1, minutes=1))
    alarm.set_state("INSUFFICIENT_DATA", at=began + timedelta(hours=2))
    items = cloudwatch.describe_alarm_history(AlarmName=alarm.name)["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == [
        "Alarm updated from ALARM to INSUFFICIENT_DATA",
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
        f'Alarm "{alarm.name}" created',
    ]
    assert [item["HistoryItemType"] for item in items] == ["StateUpdate"] * 3 + ["ConfigurationUpdate"]
    assert abs(items[1]["Timestamp"] - began - timedelta(hours=1)) < timedelta(milliseconds=1)
    recovered = json.loads(items[0]["HistoryData"])
    assert recovered["oldState"] == {"stateValue": "ALARM", "stateReason": "6 errors"}
    assert recovered["newState"]["stateValue"] == "INSUFFICIENT_DATA"
    assert json.loads(items[-1]["HistoryData"])["type"] == "Create"


def test_history_is_narrowed_and_paged(aws: Sandbox, cloudwatch: Any, prefix: str) -> None:
    """History is filtered by type and time, ordered, and paged by MaxRecords."""
    began = aws.now() - timedelta(hours=3)
    alarm = aws.create_alarm(f"{prefix}5xx", at=began)
    for minutes in range(1, 6):
        alarm.set_state("ALARM" if minutes % 2 else "OK", at=began + timedelta(minutes=minutes))
    since = cloudwatch.describe_alarm_history(
        AlarmName=alarm.name,
        StartDate=began + timedelta(minutes=2, seconds=-1),
        EndDate=began + timedelta(minutes=4, seconds=1),
        HistoryItemType="StateUpdate",
        ScanBy="TimestampAscending",
    )
    arrows = [item["HistorySummary"][19:] for item in since["AlarmHistoryItems"]]
    assert arrows == ["ALARM to OK", "OK to ALARM", "ALARM to OK"]
    paginator = cloudwatch.get_paginator("describe_alarm_history")
    pages = list(paginator.paginate(AlarmName=alarm.name, PaginationConfig={"PageSize": 3}))
    assert [len(page["AlarmHistoryItems"]) for page in pages] == [3, 3, 1]


def test_alarms_are_narrowed_and_paged(aws: Sandbox, cloudwatch: Any, prefix: str) -> None:
    """Alarms are filtered by prefix and state, in pages that count alarms of both types."""
    for number in range(5):
        aws.create_alarm(f"{prefix}{number}", state="ALARM" if number % 2 else "OK", composite=number == 4)
    asked = {"AlarmNamePrefix": prefix, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    ringing = cloudwatch.describe_alarms(**asked, StateValue="ALARM")["MetricAlarms"]
    assert [found["AlarmName"] for found in ringing] == [f"{prefix}1", f"{prefix}3"]
    paginator = cloudwatch.get_paginator("describe_alarms")
    pages = list(paginator.paginate(**asked, PaginationConfig={"PageSize": 2}))
    assert [len(page["MetricAlarms"] + page["CompositeAlarms"]) for page in pages] == [2, 2, 1]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"MaxRecords": 101}, "ValidationError"),
        ({"AlarmNames": ["a"], "AlarmNamePrefix": "a"}, "ValidationError"),
        ({"AlarmNames": [f"a{number}" for number in range(101)]}, "ValidationError"),
        ({"ChildrenOfAlarmName": "a"}, "ValidationError"),
        ({"NextToken": "?"}, "InvalidNextToken"),
    ],
)
def test_invalid_parameters_are_refused(cloudwatch: Any, asked: dict[str, Any], code: str) -> None:
    """The error has the code of AWS in each protocol."""
    with pytest.raises(ClientError) as refused:
        cloudwatch.describe_alarms(**asked)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    if code == "InvalidNextToken":
        assert isinstance(refused.value, cloudwatch.exceptions.InvalidNextToken)


def test_faults_have_the_shape_of_each_protocol(aws: Sandbox, cloudwatch: Any) -> None:
    """A denied or throttled call fails as in AWS, and its parameters are recorded."""
    aws.deny("cloudwatch:DescribeAlarms")
    aws.fail("cloudwatch:DescribeAlarmHistory", code="ThrottlingException", message="Rate exceeded")
    aws.calls.clear()
    try:
        with pytest.raises(ClientError, match="not authorized to perform: cloudwatch:DescribeAlarms") as denied:
            cloudwatch.describe_alarms(AlarmNames=["a", "b"])
        assert denied.value.response["Error"]["Code"].startswith("AccessDenied")
        with pytest.raises(ClientError, match="Rate exceeded") as throttled:
            cloudwatch.describe_alarm_history(AlarmName="a")
        assert throttled.value.response["Error"]["Code"] == "ThrottlingException"
    finally:
        aws.allow()
    assert [(call.operation, call.parameters) for call in aws.calls] == [
        ("cloudwatch:DescribeAlarms", {"AlarmNames": ["a", "b"]}),
        ("cloudwatch:DescribeAlarmHistory", {"AlarmName": "a"}),
    ]


def test_alarms_can_be_put_with_boto3(cloudwatch: Any, prefix: str) -> None:
    """An alarm that is put has insufficient data until its state is set."""
    cloudwatch.put_metric_alarm(
        AlarmName=f"{prefix}put",
        Namespace="shop",
        MetricName="errors",
        Dimensions=[{"Name": "stage", "Value": "dev"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=2.5,
        ComparisonOperator="GreaterThanThreshold",
    )
    (found,) = cloudwatch.describe_alarms(AlarmNames=[f"{prefix}put"])["MetricAlarms"]
    assert (found["StateValue"], found["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    assert (found["Threshold"], found["Dimensions"]) == (2.5, [{"Name": "stage", "Value": "dev"}])
    cloudwatch.set_alarm_state(AlarmName=f"{prefix}put", StateValue="ALARM", StateReason="trying")
    assert len(cloudwatch.describe_alarms(AlarmNames=[f"{prefix}put"], StateValue="ALARM")["MetricAlarms"]) == 1
    with pytest.raises(cloudwatch.exceptions.ResourceNotFound):
        cloudwatch.set_alarm_state(AlarmName=f"{prefix}none", StateValue="OK", StateReason="trying")
    with pytest.raises(ClientError, match="Unknown state FINE"):
        cloudwatch.set_alarm_state(AlarmName=f"{prefix}put", StateValue="FINE", StateReason="trying")


def test_mistakes_with_alarms_are_refused(aws: Sandbox, client: Clients, prefix: str) -> None:
    """An alarm is created once in a region, and its changes are set in order."""
    alarm = aws.create_alarm(f"{prefix}5xx")
    with pytest.raises(ValueError, match="already"):
        aws.create_alarm(alarm.name)
    alarm.set_state("ALARM")
    with pytest.raises(ValueError, match="in order"):
        alarm.set_state("OK", at=aws.now() - timedelta(hours=1))
    aws.create_alarm(alarm.name, region="eu-west-1", state="INSUFFICIENT_DATA")
    (there,) = client("cloudwatch", "eu-west-1").describe_alarms(AlarmNames=[alarm.name])["MetricAlarms"]
    assert (there["StateValue"], there["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
