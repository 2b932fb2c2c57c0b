"""Answers that cannot be used, over HTTP: no false verdict, no traceback, and no wait without end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest

from pytest_deploycheck.errors import EnvironmentUnusableError
from pytest_deploycheck.observe import api_calls
from pytest_deploycheck.report.document import to_text
from pytest_deploycheck.sandbox.api.corruption import Corruption

if TYPE_CHECKING:
    from verification.conftest import Room, Seen

CORRUPTIONS = get_args(Corruption)
ROUNDS: tuple[dict[str, str], ...] = (
    {"ecs:DescribeServices": "tasks-running", "ecr:BatchGetImage": "", "cloudwatch:DescribeAlarms": "alarms-ok"},
    {"ecs:ListTasks": "tasks-run-image", "ecs:ListServiceDeployments": "", "ecr:DescribeRepositories": ""},
    {"ecs:DescribeTasks": "tasks-run-image", "ecs:DescribeServiceDeployments": "", "ecr:GetDownloadUrlForLayer": ""},
    {
        "ecs:DescribeTaskDefinition": "logs-1",
        "ecs:DescribeServiceRevisions": "",
        "cloudwatch:GetMetricData": "error-rate",
    },
    {"ecr:DescribeImages": "image-exists", "elasticloadbalancing:DescribeRules": ""},
    {"logs:FilterLogEvents": "logs-1", "elasticloadbalancing:DescribeTargetHealth": "targets-healthy"},
)
"""Operations that fail together, as they answer different questions.

Each has a check that needs it and that no other read can answer, if there is one.
"""
OPERATIONS = [operation for operations in ROUNDS for operation in operations]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without pauses."""
    monkeypatch.setattr(api_calls, "_PAUSES", (0.0, 0.0))


def verified(room: Room) -> Seen:
    """Verify a service with a load balancer, an alarm, a limit of errors and a log line, all of them good."""
    settings = {
        "service": "shop",
        "image": "shop:2",
        "logs": [{"expect": "hello"}],
        "alarms": ["5xx"],
        "error_rate": {"max": 0.01},
    }
    return room.verify(services={"shop": settings}, environment={"require": ["image", "rollout", "tasks", "health"]})


@pytest.fixture
def good(room: Room) -> Room:
    """Return a room in which all is well."""
    service = room.shop(desired=2, strategy="BLUE_GREEN", target_groups=["blue"], alternate_target_groups=["green"])
    service.roll_out(at=room.ago(8))
    for task in service.running_tasks:
        task.log("hello", at=room.ago(7))
    service.serve(100, at=room.ago(3))
    room.aws.create_alarm("5xx")
    return room


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("operations", ROUNDS, ids=" ".join)
def test_no_operation_is_trusted_blindly(good: Room, operations: dict[str, str], turn: int) -> None:
    """Whatever answers in its place, the run goes on, and the check that needs the operation does not pass."""
    how = {one: CORRUPTIONS[(OPERATIONS.index(one) + turn) % len(CORRUPTIONS)] for one in operations}
    for operation in operations:
        good.aws.corrupt(operation, how[operation])
    seen = verified(good)
    assert "Traceback" not in to_text(seen.report)
    assert "<html" not in to_text(seen.report).lower()
    for operation, check in operations.items():
        # In JSON every time is one without a meaning; an answer without times is as good as ever.
        if check and how[operation] != "times":
            found = seen.finding(check)
            assert (found.status, operation in found.summary) == ("error", True), (operation, how[operation], found)


def test_one_answer_cut_short_changes_nothing(good: Room) -> None:
    """A retry gets the answer, and nothing of it is seen in the verdict."""
    before = verified(good).statuses
    for operation in OPERATIONS:
        good.aws.corrupt(operation, "cut", times=1)
    assert verified(good).statuses == before


@pytest.mark.parametrize("how", [how for how in CORRUPTIONS if how != "times"])
def test_an_identity_that_cannot_be_read_ends_the_run(good: Room, how: Corruption) -> None:
    """Before the start there is one clear message and no report."""
    good.aws.corrupt("sts:GetCallerIdentity", how)
    with pytest.raises(EnvironmentUnusableError, match="sts:GetCallerIdentity"):
        verified(good)


def test_an_answer_that_drips_is_given_up(good: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and all of them never do: the call ends at its own limit."""
    monkeypatch.setattr(api_calls, "CALL_LIMIT", 1.0)
    good.aws.drip("ecs:DescribeTasks", 0.2)
    seen = verified(good)
    assert seen.statuses["tasks-run-image"] == "error"
    assert "no complete answer after 1 seconds" in seen.finding("tasks-run-image").summary


def test_sts_that_never_answers_ends_the_run_with_its_cause(good: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cause is the silence of the server, not a file of the credentials."""
    monkeypatch.setattr(api_calls, "CALL_LIMIT", 0.5)
    good.aws.delay("sts:GetCallerIdentity", 3600)
    with pytest.raises(EnvironmentUnusableError, match="does not answer in time"):
        verified(good)


@pytest.mark.parametrize("operation", ["ecs:ListTasks", "ecs:ListServiceDeployments", "cloudwatch:DescribeAlarms"])
def test_pages_that_repeat_are_given_up(good: Room, operation: str) -> None:
    """A token that leads to itself is an error of the check that needs the listing, not a run without end."""
    good.aws.page_endlessly(operation, "repeated")
    seen = verified(good)
    assert seen.report.verdict != "VERIFIED" or operation == "ecs:ListServiceDeployments"
    assert len(good.aws.calls) < 80


def test_a_metric_that_is_left_out_is_no_zero(good: Room) -> None:
    """An answer without the errors, or with a part of them, does not count as one without errors."""
    good.aws.corrupt(
        "cloudwatch:GetMetricData",
        lambda answer: {
            **answer,
            "MetricDataResults": [one for one in answer["MetricDataResults"] if one["Label"] == "RequestCount"],
        },
    )
    assert verified(good).statuses["error-rate"] == "error"
    good.aws.allow()
    good.aws.corrupt(
        "cloudwatch:GetMetricData",
        lambda answer: {
            **answer,
            "MetricDataResults": [{**one, "StatusCode": "PartialData"} for one in answer["MetricDataResults"]],
        },
    )
    assert verified(good).statuses["error-rate"] == "error"


@pytest.mark.parametrize(
    ("operation", "items", "without", "expected"),
    [
        ("ecr:DescribeImages", "imageDetails", "imageDigest", ("image-exists", "error")),
        ("ecr:DescribeImages", "imageDetails", None, ("image-exists", "error")),
        ("ecr:DescribeRepositories", "repositories", None, ("image-intended", "unproven")),
        ("ecs:DescribeTasks", "tasks", "containers", ("tasks-run-image", "unproven")),
    ],
)
def test_an_item_without_a_member_and_a_list_without_items(
    good: Room, operation: str, items: str, without: str | None, expected: tuple[str, str]
) -> None:
    """A gap in an answer is neither filled nor held against the deployment: the check is in error or unproven."""

    def amended(answer: Any) -> Any:
        left = [{key: value for key, value in one.items() if key != without} for one in answer[items]]
        return {**answer, items: left if without else []}

    good.aws.corrupt(operation, amended)
    seen = verified(good)
    assert "Traceback" not in to_text(seen.report)
    assert expected in seen.statuses.items()
    assert seen.report.verdict == "UNPROVEN"


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=str)
def test_a_number_that_is_none_is_an_error(good: Room, value: float) -> None:
    """NaN and infinity are no counts of requests: the check is an error, and the run goes on."""
    good.aws.corrupt(
        "cloudwatch:GetMetricData",
        lambda answer: {
            **answer,
            "MetricDataResults": [
                {**one, "Values": [value] * len(one["Values"])} for one in answer["MetricDataResults"]
            ],
        },
    )
    seen = verified(good)
    assert seen.statuses["error-rate"] == "error"
    assert seen.statuses["tasks-run-image"] == "pass"
